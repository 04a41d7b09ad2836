"""NDI® output: frames over the network to Resolume, TouchDesigner and other machines.

The runtime compresses and sends on threads of its own. It owns the frame that it was given until
it is given the next one, so two buffers take turns, and ``send`` costs one copy.

NDI® is a registered trademark of Vizrt NDI AB; see https://ndi.video.
"""

import logging
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.ndi.ports import free_at_once, listeners
from vjnode.remedies import install, install_extra, install_packages

_log = logging.getLogger(__name__)

DEFAULT_NAME = "vjnode"

NAME_BYTES = 200
"""Longest name, bytes; the runtime refuses 253 and more, which include the machine's name."""

NOT_IN_NAMES = '\\/:*?"<>|'
"""Characters that names may not have: the runtime would replace them by spaces, and receivers
would then look for another name."""

FOURCC = {
    ("rgba", False): "RGBX",
    ("rgba", True): "RGBA",
    ("bgra", False): "BGRX",
    ("bgra", True): "BGRA",
}
"""Pixel format by order, and whether there is an alpha. X: the fourth byte is not sent, so that no
receiver takes it for alpha."""

MOST_DENOMINATOR = 1_000_000
"""Largest denominator of a rate: rates up to 240 frames/s then fit into 32 bits, and all usual
ones are exact."""

AVAHI = ("avahi-daemon", "libavahi-client3")
"""Packages by which the runtime announces its senders on Linux; other systems can do it alone."""

LIST_PORT = 5960
"""Port on which a machine's first NDI program lists the senders of all; each sender has a port of
its own, from 5961 on."""

_AVAHI_SOCKET = Path("/run/avahi-daemon/socket")


class NdiOutput:
    """A sender that receivers on the network see as ``MACHINE (NAME)``.

    The show's frame clock paces it; the runtime's own pacing is off.
    """

    def __init__(self, runtime: ModuleType, name: str, context: OutputContext) -> None:
        """Create the sender, so that receivers can find it.

        Raises:
            OutputError: the runtime refuses this name.
        """
        self._runtime = runtime
        before = listeners()
        self._sender: Any = runtime.send_create(runtime.SendCreate(name, None, False, False))
        if self._sender is None:
            raise OutputError(
                f"NDI refuses a sender '{name}': another program or user of this machine has that "
                f"name; end it, or choose another: ndi:{name}-2"
            )
        self.port = _keep_ports(before)
        """Port to which receivers connect; None if the system does not tell."""
        shape = (context.size, context.size, 4)
        self._buffers = [np.zeros(shape, np.uint8) for _ in range(2)]
        self._videos = [_video(runtime, buffer, context) for buffer in self._buffers]
        self._turn = 0

    def send(self, frame: Frame, due_s: float) -> None:
        """Send ``frame``; wait only while the previous one is still being compressed."""
        del due_s
        if self._sender is None:
            raise OutputError("this NDI output has been closed; open it anew")
        np.copyto(self._buffers[self._turn], frame.pixels)
        self._runtime.send_send_video_async_v2(self._sender, self._videos[self._turn])
        self._turn = 1 - self._turn

    def about(self) -> dict[str, object]:
        """Return the sender's name, its port and the number of receivers, for the report."""
        if self._sender is None:
            return {"receivers": 0}
        return {
            "sender": self._runtime.send_get_source_name(self._sender).ndi_name,
            "port": self.port,
            "receivers": self._runtime.send_get_no_connections(self._sender, 0),
        }

    def close(self) -> None:
        """Take the sender off the network."""
        sender, self._sender = self._sender, None  # destroying it twice would crash
        if sender is not None:
            self._runtime.send_destroy(sender)


def _keep_ports(before: Iterable[int]) -> int | None:
    """Return the port of the sender that was just made, if known, and make it reusable.

    A receiver that was given an address looks there again after the sender was killed, but the
    runtime would take the next port if the old one were still in use.
    """
    made = {port: handle for port, handle in listeners().items() if port not in before}
    for handle in made.values():
        free_at_once(handle)
    return max(made.keys() - {LIST_PORT}, default=None)


def _video(runtime: ModuleType, buffer: np.ndarray[Any, Any], context: OutputContext) -> object:
    """Return the runtime's description of ``buffer``, (size, size, 4) uint8."""
    fps = context.fps.limit_denominator(MOST_DENOMINATOR)
    fourcc = f"FOURCC_VIDEO_TYPE_{FOURCC[context.order, context.alpha != 'opaque']}"
    video = runtime.VideoFrameV2(
        FourCC=getattr(runtime, fourcc),
        frame_rate_N=fps.numerator,
        frame_rate_D=fps.denominator,
        frame_format_type=runtime.FRAME_FORMAT_TYPE_PROGRESSIVE,
        timecode=runtime.SEND_TIMECODE_SYNTHESIZE,
    )
    video.data = buffer  # sets size, stride and aspect as well
    return video


def _load_runtime() -> ModuleType:
    """Import the binding, which contains the runtime.

    Raises:
        OutputError: it is not installed, or cannot run here.
    """
    try:
        runtime = import_module("NDIlib")
    except ModuleNotFoundError:
        raise OutputError(
            f"the NDI runtime is not installed; run: {install_extra('ndi')}"
        ) from None
    except ImportError as error:
        again = f"run: {install('--force-reinstall', 'ndi-python')}"
        remedy = install_packages(*AVAHI) if "avahi" in str(error) else again
        raise OutputError(f"the NDI runtime cannot be loaded: {error}; {remedy}") from error
    if not runtime.initialize():
        raise OutputError("NDI does not run on this processor; it needs SSE4.2 or NEON")
    return runtime


def unready() -> str:
    """Return why NDI cannot work here, with the remedy, or ""."""
    try:
        _load_runtime()
    except OutputError as error:
        return str(error)
    return ""


def _checked(name: str) -> str:
    if odd := sorted({c for c in name if c in NOT_IN_NAMES or not c.isprintable()}):
        raise InputError(
            f"the NDI name '{name}' must not contain {' '.join(map(repr, odd))}; leave them out"
        )
    if len(name.encode()) > NAME_BYTES:
        raise InputError(f"the NDI name '{name}' is longer than {NAME_BYTES} bytes; shorten it")
    return name


_senders: WeakValueDictionary[str, NdiOutput] = WeakValueDictionary()
"""Senders of this process, by name: each name can be used only once."""


def open_output(target: str, context: OutputContext) -> NdiOutput:
    """Open the sender ``target``; "" for the default name, which stays the same after a fault.

    Raises:
        InputError: a name or a size that NDI does not support.
        OutputError: the runtime is missing, or refuses the name.
    """
    name = _checked(target or DEFAULT_NAME)
    if context.size % 2:
        raise InputError(
            f"NDI needs an even width, not {context.size} px; try size={context.size + 1}"
        )
    runtime = _load_runtime()
    if (before := _senders.get(name)) is not None:
        before.close()  # it failed and was not closed
    output = _senders[name] = NdiOutput(runtime, name, context)
    if output.port is not None:
        _log.info("NDI sender '%s' on port %d", name, output.port)
    if sys.platform == "linux" and not _AVAHI_SOCKET.exists():
        _log.warning(
            "NDI: no Avahi runs here, so receivers do not find '%s' by themselves; give them the "
            "address of this machine and port %s, or, to have it, %s",
            name,
            output.port or "5961",
            install_packages(*AVAHI),
        )
    return output
