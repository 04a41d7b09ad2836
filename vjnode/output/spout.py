"""Spout output, to a VJ's software on the same Windows machine.

A path that stays on the card (CUDA into an OpenGL texture, then ``sendTexture``) would have to
run in the engine's process and die with it, only to save one upload of 4 MiB; so frames go
through main memory.

Statements about Spout here hold for the library in SpoutGL's wheel, 2.007.013.
"""
# ruff: noqa: N802 - SpoutGL's own names

import logging
import platform
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.remedies import install_extra

_log = logging.getLogger(__name__)

DEFAULT_NAME = "vjnode"

NAME_BYTES = 200
"""Longest name, bytes; Spout has 256 bytes for a name and its own suffix."""

GIVE_UP_S = 1.0
"""Time, s, without a frame taken after which sending fails; a receiver may hold the texture for a
moment."""


class Sender(Protocol):
    """The methods of SpoutGL's ``SpoutSender`` used here. It takes arguments by position only."""

    def createOpenGL(self) -> bool:
        """Make an OpenGL context of its own, current on this thread."""

    def closeOpenGL(self) -> bool:
        """Close that context."""

    def setSenderName(self, name: str, /) -> None:
        """Set the name that the first image registers; _1, _2 … is added if it is taken."""

    def sendImage(  # noqa: PLR0917 - it has that many
        self,
        pixels: NDArray[np.uint8],
        width: int,
        height: int,
        gl_format: int,
        invert: bool,
        host_fbo: int,
        /,
    ) -> bool:
        """Copy pixels to the shared texture; False while that is not possible."""

    def setFrameSync(self, name: str, /) -> None:
        """Wake receivers that wait for the frames of this sender."""

    def getActiveSender(self) -> str | None:
        """Return the sender that was registered last, or chosen since."""

    def isGLDXReady(self) -> bool:
        """Return whether the card shares textures between OpenGL and DirectX."""

    def getCPUshare(self) -> bool:
        """Return whether the user has set Spout to share through main memory."""

    def releaseSender(self) -> None:
        """Remove the sender from Spout's list."""


class SpoutGL(Protocol):
    """The parts of the module ``SpoutGL`` used here."""

    def SpoutSender(self) -> Sender:
        """Return a new sender."""


class Enums(Protocol):
    """The parts of the module ``SpoutGL.enums`` used here."""

    GL_RGBA: int
    GL_BGRA_EXT: int


class SpoutOutput:
    """A sender that keeps its name as long as it exists.

    name: as receivers see it; "" until Spout has taken the first frame.
    """

    def __init__(self, wanted: str, context: OutputContext) -> None:
        """Create the sender; at the first attempt, register it before the first frame.

        Raises:
            OutputError: there is no OpenGL here, or Spout takes no frame.
        """
        spout = cast(SpoutGL, import_module("SpoutGL"))
        enums = cast(Enums, import_module("SpoutGL.enums"))
        self._wanted = wanted
        self._format = {"rgba": enums.GL_RGBA, "bgra": enums.GL_BGRA_EXT}[context.order]
        self._refused_since_s: float | None = None
        self._open = True
        self.name = ""
        self._sender = spout.SpoutSender()
        if not self._sender.createOpenGL():
            raise OutputError(
                "Spout cannot make an OpenGL context; install the graphics card's own driver, and "
                "start vjnode from a desktop session, not from a service or over SSH"
            )
        # Spout looks for a free name first, and only then removes dead senders from its list. With
        # one call, a sender that returns after a fault would find its old name taken.
        self._sender.setSenderName(wanted)
        self._sender.setSenderName(wanted)
        if context.attempt == 0:
            self._announce(context)

    def send(self, frame: Frame, due_s: float) -> None:
        """Send ``frame``, and wake receivers that wait for it.

        Raises:
            OutputError: Spout has taken no frame for ``GIVE_UP_S``.
        """
        if self._take(frame.pixels):
            self._refused_since_s = None
            return
        if self._refused_since_s is None:
            self._refused_since_s = due_s
        elif due_s - self._refused_since_s > GIVE_UP_S:
            raise OutputError(
                f"Spout has taken no frame for {GIVE_UP_S:g} s: the graphics driver was reset, or "
                "a receiver holds the texture; if it goes on, restart the receiver"
            )

    def about(self) -> dict[str, object]:
        """Return the sender's name, and whether its frames go through card or memory.

        Spout does not tell a sender about its receivers.
        """
        if not self.name:  # Spout has not examined the card yet
            return {"sender": self._wanted}
        on_card = self._sender.isGLDXReady() and not self._sender.getCPUshare()
        return {"sender": self.name, "through": "card" if on_card else "processor"}

    def close(self) -> None:
        """Leave the list of senders."""
        if self._open:
            self._open = False
            self._sender.releaseSender()
            self._sender.closeOpenGL()

    def _take(self, pixels: NDArray[np.uint8]) -> bool:
        """Send pixels, and return whether Spout took them."""
        size = len(pixels)
        # DirectX's textures have their top row first, like frames, so there is nothing to invert.
        if not self._sender.sendImage(pixels, size, size, self._format, False, 0):
            return False
        if not self.name:
            self.name = self._registered_name()
        self._sender.setFrameSync(self.name)
        return True

    def _announce(self, context: OutputContext) -> None:
        """Send one black frame, so that receivers can select the sender before the show."""
        black = np.zeros((context.size, context.size, 4), np.uint8)
        black[..., 3] = 255 if context.alpha == "opaque" else 0
        if not self._take(black):
            self.close()
            raise OutputError(
                "Spout takes no frame: its first one was refused; update the graphics driver, and "
                "let vjnode and the receiver run on the same card (Windows: Graphics settings)"
            )

    def _registered_name(self) -> str:
        """Return the name under which the first frame registered the sender."""
        # A sender becomes the active one when it registers.
        active = self._sender.getActiveSender()
        ours = active is not None and re.fullmatch(re.escape(self._wanted) + r"(_\d+)?", active)
        name = active if active is not None and ours else self._wanted
        if name != self._wanted:
            _log.warning(
                "a Spout sender '%s' is there already; this one is '%s'", self._wanted, name
            )
        else:
            _log.info("Spout sender '%s'", name)
        return name


def sender_name(target: str) -> str:
    """Return the name to send under.

    Raises:
        InputError: Spout cannot use it.
    """
    if len(target.encode()) > NAME_BYTES:
        raise InputError(
            f"'{target}' is too long for a Spout sender: {len(target.encode())} bytes, "
            f"at most {NAME_BYTES}; choose a shorter name"
        )
    if "\\" in target or "\0" in target:
        raise InputError(f"the Spout sender '{target}' may not have \\ in its name; leave it out")
    return target or DEFAULT_NAME


def unready() -> str:
    """Return why Spout cannot work here, with the remedy, or ""."""
    if (system := platform.system()) != "Windows":
        return f"Spout is for Windows, this is {system or 'unknown'}; use syphon on macOS, or ndi"
    if find_spec("SpoutGL") is None:
        return f"SpoutGL is not installed; run: {install_extra('spout')}"
    return ""


def open_output(target: str, context: OutputContext) -> SpoutOutput:
    """Open a Spout sender named ``target``, or "vjnode".

    Raises:
        InputError: Spout cannot use that name.
        OutputError: Spout cannot work here.
    """
    name = sender_name(target)
    if why := unready():
        raise OutputError(why)
    return SpoutOutput(name, context)
