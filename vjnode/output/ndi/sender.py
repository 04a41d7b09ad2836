"""NDI®: frames over the network, into Resolume, TouchDesigner and other machines.

The runtime compresses and sends on threads of its own. A frame that it was handed belongs to it
until the next one is handed over, so two buffers take turns, and ``send`` costs one copy.

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
"""The runtime refuses 253 bytes and more, of which the machine's name takes some."""

NOT_IN_NAMES = '\\/:*?"<>|'
"""The runtime would put spaces for these, and receivers look for the name that they know."""

FOURCC = {
    ("rgba", "opaque"): "RGBX",
    ("rgba", "luma"): "RGBA",
    ("bgra", "opaque"): "BGRX",
    ("bgra", "luma"): "BGRA",
}
"""By order and alpha. X: the fourth byte is not sent, so no receiver can take it for alpha."""

MOST_DENOMINATOR = 1_000_000
"""Rates up to 240 frames/s fit into 32 bits with it, and all that people use are exact."""

AVAHI = ("avahi-daemon", "libavahi-client3")
"""On Linux, what the runtime makes itself known with; elsewhere the system has it."""

LIST_PORT = 5960
"""Where the first program with NDI on a machine lists its senders for all; each sender has a port
of its own, from 5961 on."""

_AVAHI_SOCKET = Path("/run/avahi-daemon/socket")


class NdiOutput:
    """A sender that receivers on the network see as ``MACHINE (NAME)``.

    The show's frame clock paces it: the runtime is told not to.
    """

    def __init__(self, runtime: ModuleType, name: str, context: OutputContext) -> None:
        """Begin to offer frames.

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
        """Where receivers connect; None where the system does not tell."""
        shape = (context.size, context.size, 4)
        self._buffers = [np.zeros(shape, np.uint8) for _ in range(2)]
        self._videos = [_video(runtime, buffer, context) for buffer in self._buffers]
        self._turn = 0

    def send(self, frame: Frame, due_s: float) -> None:
        """Hand over ``frame``; waits only while the one before is still being compressed."""
        del due_s
        if self._sender is None:
            raise OutputError("this NDI output has been closed; open it anew")
        np.copyto(self._buffers[self._turn], frame.pixels)
        self._runtime.send_send_video_async_v2(self._sender, self._videos[self._turn])
        self._turn = 1 - self._turn

    def about(self) -> dict[str, object]:
        """Return what the report says of it: as whom it sends, where, and how many receive."""
        if self._sender is None:
            return {"receivers": 0}
        return {
            "sender": self._runtime.send_get_source_name(self._sender).ndi_name,
            "port": self.port,
            "receivers": self._runtime.send_get_no_connections(self._sender, 0),
        }

    def close(self) -> None:
        """Take the sender off the network."""
        sender, self._sender = self._sender, None  # to destroy it twice would be a crash
        if sender is not None:
            self._runtime.send_destroy(sender)


def _keep_ports(before: Iterable[int]) -> int | None:
    """Return the port of the sender that has just been made, if the system tells.

    A receiver that was given an address looks there again when the sender was killed, and the
    runtime would rather take the next port than one that has just been used.
    """
    made = {port: handle for port, handle in listeners().items() if port not in before}
    for handle in made.values():
        free_at_once(handle)
    return max(made.keys() - {LIST_PORT}, default=None)


def _video(runtime: ModuleType, buffer: np.ndarray[Any, Any], context: OutputContext) -> object:
    """Describe ``buffer``, (size, size, 4) uint8, to the runtime."""
    fps = context.fps.limit_denominator(MOST_DENOMINATOR)
    fourcc = f"FOURCC_VIDEO_TYPE_{FOURCC[context.order, context.alpha]}"
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
    """Import the binding with the runtime that it brings.

    Raises:
        OutputError: it is not there, or cannot run here.
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
"""Those of this process, by name: each name can be had once."""


def open_output(target: str, context: OutputContext) -> NdiOutput:
    """Begin to send as ``target``; "" for the default name, which stays the same after a fault.

    Raises:
        InputError: a name or a size that NDI does not take.
        OutputError: the runtime is missing, or refuses the name.
    """
    name = _checked(target or DEFAULT_NAME)
    if context.size % 2:
        raise InputError(
            f"NDI needs an even width, not {context.size} px; try size={context.size + 1}"
        )
    runtime = _load_runtime()
    if (before := _senders.get(name)) is not None:
        before.close()  # it failed, and has not been closed
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
