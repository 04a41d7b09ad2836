"""Output to a web page with the live picture and the values that it was drawn from.

The server runs in a thread of the output's process. It asks for a frame only when a watcher waits
for a picture, so that ``send`` costs one copy while somebody watches, and nothing otherwise.
"""

import asyncio
import errno
import logging
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError, OutputError
from vjnode.modulation.matrix import CHANNELS
from vjnode.output.base import Frame, FrameInfo, OutputContext
from vjnode.output.preview.pictures import (
    FULL_QUALITY,
    alpha_png,
    jpeg,
    opaque_png,
    small_jpeg,
)
from vjnode.output.preview.server import PreviewServer, Status
from vjnode.output.preview.serving import DEFAULT_HOST, DEFAULT_PORT, ServerThread

_log = logging.getLogger(__name__)

USAGE = "preview[:[HOST:]PORT], such as preview:127.0.0.1:8351"

CHECKS = 32
"""Squares of the checkerboard along a side."""

CHECK_GREYS = 190, 115


class PreviewOutput:
    """Provides the newest frame to the preview server.

    ``wanted`` passes one buffer back and forth: while it is set, the buffer belongs to ``send``;
    ``send`` clears it after copying, and then the buffer belongs to the encoder.
    """

    def __init__(self, host: str, port: int, context: OutputContext) -> None:
        """Start serving; the constructor returns when the port is bound.

        Raises:
            OutputError: the port is taken, or the host is not one of this machine.
        """
        self._context = context
        self._pixels = np.zeros((context.size, context.size, 4), np.uint8)
        self._wanted = False
        self._newest: tuple[FrameInfo, float] | None = None
        self._arrived = asyncio.Event()
        self._taking = asyncio.Lock()
        self._server = PreviewServer(self.status, self._preview, self._full, self._png)
        try:
            self._thread = ServerThread(self._server, host, port)
        except (OSError, UnicodeError) as error:
            raise OutputError(_cannot_bind(host, port, error)) from error
        self.host, self.port, self.url = self._thread.host, self._thread.port, self._thread.url

    def send(self, frame: Frame, due_s: float) -> None:
        """Keep the particulars of ``frame``, and copy it if a watcher waits for a picture."""
        self._newest = frame.info, due_s
        if self._wanted:
            np.copyto(self._pixels, frame.pixels)
            self._wanted = False
            self._thread.set(self._arrived)

    def about(self) -> dict[str, object]:
        """Return the page's address, the watchers and the count of stalls, for the report."""
        watchers, stalled = self._server.watchers, self._server.stalled
        return {"page": self.url, "watchers": watchers, "stalled": stalled}

    def status(self) -> Status:
        """Return the particulars of the newest frame, ready for JSON; safe from any thread."""
        if self._newest is None:
            return {"state": "waiting"}
        info, due_s = self._newest
        heard_s = info.moment.captured_s
        return {
            "state": "live",
            "frame": info.frame,
            **info.moment.shown(),
            "gain": info.gain,
            "face": info.face,
            **dict(zip(CHANNELS, info.expressions, strict=True)),
            "preset": info.preset,
            "entry": info.entry,
            "notes": info.notes,
            "coming": info.coming,
            "waiting": info.waiting,
            "engine": info.engine,
            "keys": info.keys,
            "keys_wanted": info.keys_wanted,
            "note": info.note,
            "latency_ms": round((due_s - heard_s) * 1e3, 1) if heard_s else None,
            "fps": round(self._context.measured_fps(), 2),
            "fps_wanted": round(float(self._context.fps), 3),
            "size": self._context.size,
        }

    def close(self) -> None:
        """Stop the server, even if somebody is watching."""
        self._thread.close()

    async def _preview(self) -> bytes:
        return await self._take(lambda pixels: small_jpeg(self._seen(pixels)))

    async def _full(self) -> bytes:
        return await self._take(lambda pixels: jpeg(self._seen(pixels), FULL_QUALITY))

    def _seen(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture as it is seen: over a checkerboard where it is transparent."""
        if self._context.alpha == "opaque":
            return pixels
        return over_checkerboard(pixels, premultiplied=self._context.premultiplied)

    async def _png(self) -> bytes:
        return await self._take(alpha_png if self._context.alpha != "opaque" else opaque_png)

    async def _take(self, encode: Callable[[NDArray[np.uint8]], bytes]) -> bytes:
        """Wait for the next frame, and return it encoded in a thread of its own."""
        async with self._taking:
            self._arrived.clear()
            self._wanted = True
            try:
                await self._arrived.wait()
            finally:
                self._wanted = False
            return await asyncio.to_thread(encode, self._pixels)


def over_checkerboard(rgba: NDArray[np.uint8], *, premultiplied: bool) -> NDArray[np.uint8]:
    """Return a transparent picture over a checkerboard, (size, size, 4) uint8 RGBA, opaque."""
    size = len(rgba)
    square = max(size // CHECKS, 1)
    row = np.arange(size) // square % 2
    grey = np.where(row[:, None] ^ row[None], *CHECK_GREYS).astype(np.float32)[..., None]
    alpha = rgba[..., 3:].astype(np.float32) / 255
    head = rgba[..., :3].astype(np.float32)
    made = np.full_like(rgba, 255)
    behind = (1.0 - alpha) * grey
    made[..., :3] = np.clip(np.rint((head if premultiplied else alpha * head) + behind), 0, 255)
    return made


def _cannot_bind(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else DEFAULT_PORT
        return (
            f"port {port} of {host} is taken, perhaps by another node; "
            f"choose another one: --output preview:{host}:{other}"
        )
    why = getattr(error, "strerror", None) or str(error)
    return (
        f"the preview cannot listen at {host}:{port} ({why}); "
        f"choose an address of this machine: --output preview:{DEFAULT_HOST}:{DEFAULT_PORT}"
    )


def parse_target(target: str) -> tuple[str, int]:
    """Return host and port of ``""``, ``PORT``, ``HOST:PORT`` or ``[IPV6]:PORT``; 0: any free port.

    Raises:
        InputError: it has none of these forms.
    """
    if not target:
        return DEFAULT_HOST, DEFAULT_PORT
    host, _, port = target.rpartition(":")
    if not port.isascii() or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise InputError(f"the preview cannot listen at '{target}'; it is written {USAGE}")
    return host.strip("[]") or DEFAULT_HOST, int(port)


def open_output(target: str, context: OutputContext) -> PreviewOutput:
    """Open the preview page at ``target``, by default http://127.0.0.1:8350.

    Raises:
        InputError: the target is not an address.
        OutputError: its port is taken.
    """
    host, port = parse_target(target)
    output = PreviewOutput(host, port, context)
    _log.info("preview at %s", output.url)
    return output
