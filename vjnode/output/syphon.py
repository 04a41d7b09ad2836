"""Syphon output, to a VJ's software on the same Mac.

Frames are drawn in another process and arrive in shared memory. Where processor and card share
one memory, as on Apple's own chips, an upload is a copy like any other; so there is no path that
avoids it.

Statements about Syphon here hold for syphon-python 0.2 and the framework in its wheel.
"""
# ruff: noqa: N802 - syphon-python's own names

import logging
import platform
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.util import find_spec
from itertools import cycle
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.remedies import install_extra

_log = logging.getLogger(__name__)

DEFAULT_NAME = "vjnode"
NAME_LENGTH = 200
OLDEST_MACOS = 12

TEXTURES = 3
"""Number of textures that take turns. Metal copies a texture after ``send`` has returned, and does
not tell when; until then it must not be overwritten."""

PUMP_S = 0.001
"""Time that the run loop may wait for an event, at each frame."""


class Server(Protocol):
    """The methods of a ``SyphonMetalServer`` used here."""

    device: Any

    @property
    def has_clients(self) -> bool:
        """Return whether any client receives."""

    def publish_frame_texture(self, texture: Any, *, is_flipped: bool) -> None:  # noqa: ANN401
        """Show a Metal texture to the clients."""

    def stop(self) -> None:
        """Remove the server from Syphon's list."""


class Directory(Protocol):
    """The methods of a ``SyphonServerDirectory`` used here."""

    run_loop_interval: float

    def update_run_loop(self) -> None:
        """Answer requests of other programs to this process."""

    def close(self) -> None:
        """Release the directory."""


class Syphon(Protocol):
    """The parts of the module ``syphon`` used here."""

    def SyphonMetalServer(self, name: str) -> Server:
        """Open a server."""

    def SyphonServerDirectory(self) -> Directory:
        """Open the directory."""


class Raw(Protocol):
    """The parts of the module ``syphon.utils.raw`` used here."""

    def create_mtl_texture(
        self,
        device: Any,  # noqa: ANN401
        width: int,
        height: int,
        pixel_format: int,
    ) -> Any:  # noqa: ANN401
        """Return a Metal texture, or None."""


class Images(Protocol):
    """The parts of the module ``syphon.utils.numpy`` used here."""

    def copy_image_to_mtl_texture(
        self,
        image: NDArray[np.uint8],
        texture: Any,  # noqa: ANN401
    ) -> None:
        """Copy pixels, shape (height, width, 4), to a texture."""


class ObjC(Protocol):
    """The parts of the module ``objc``, PyObjC's core, used here."""

    def autorelease_pool(self) -> AbstractContextManager[None]:
        """Release, at the end of the context, objects that Objective-C made within it."""


class Metal(Protocol):
    """The parts of PyObjC's module ``Metal`` used here."""

    MTLPixelFormatRGBA8Unorm: int
    MTLPixelFormatBGRA8Unorm: int


class SyphonOutput:
    """A Metal server. ``send`` must be called on the main thread, because it runs its run loop."""

    def __init__(self, name: str, context: OutputContext) -> None:
        """Open the server; clients can see it at once.

        Raises:
            OutputError: there is no Metal here.
        """
        syphon = cast(Syphon, import_module("syphon"))
        raw = cast(Raw, import_module("syphon.utils.raw"))
        metal = cast(Metal, import_module("Metal"))
        self._images = cast(Images, import_module("syphon.utils.numpy"))
        self._objc = cast(ObjC, import_module("objc"))
        formats = {"rgba": metal.MTLPixelFormatRGBA8Unorm, "bgra": metal.MTLPixelFormatBGRA8Unorm}
        self.name = name
        self._open = True
        with self._objc.autorelease_pool():
            try:
                self._server = syphon.SyphonMetalServer(name)
            except RuntimeError as error:
                raise OutputError(
                    f"Syphon cannot open the server '{name}' ({error}); it needs a graphics card "
                    "with Metal, and a user who is logged in at the screen"
                ) from error
            size = context.size
            textures = [
                raw.create_mtl_texture(self._server.device, size, size, formats[context.order])
                for _ in range(TEXTURES)
            ]
            if None in textures:
                self._server.stop()
                raise OutputError(
                    f"Metal has no memory for {TEXTURES} textures of {size} × {size} px; "
                    "choose a smaller size: size=512"
                )
            self._textures = cycle(textures)
            self._directory = syphon.SyphonServerDirectory()
            self._directory.run_loop_interval = PUMP_S
            self._directory.update_run_loop()
        _log.info("Syphon server '%s'", name)

    def send(self, frame: Frame, due_s: float) -> None:
        """Publish ``frame`` if any client receives, and answer requests for the server."""
        del due_s
        # Without a pool, the objects that Objective-C makes for each frame would never be freed.
        with self._objc.autorelease_pool():
            if self._server.has_clients:
                texture = next(self._textures)
                self._images.copy_image_to_mtl_texture(frame.pixels, texture)
                # A Syphon surface has its bottom row first, like OpenGL's textures.
                self._server.publish_frame_texture(texture, is_flipped=True)
            self._directory.update_run_loop()

    def about(self) -> dict[str, object]:
        """Return the server's name, and whether any client receives it, for the report."""
        return {"server": self.name, "clients": self._open and bool(self._server.has_clients)}

    def close(self) -> None:
        """Leave the list of servers."""
        if self._open:
            self._open = False
            with self._objc.autorelease_pool():
                self._server.stop()
                self._directory.close()


def server_name(target: str) -> str:
    """Return the server's name.

    Raises:
        InputError: it is too long to be read in a list.
    """
    if len(target) > NAME_LENGTH:
        raise InputError(
            f"'{target}' is too long for a Syphon server: {len(target)} characters, "
            f"at most {NAME_LENGTH}; choose a shorter name"
        )
    return target or DEFAULT_NAME


def unready() -> str:
    """Return why Syphon cannot work here, with the remedy, or ""."""
    if (system := platform.system()) != "Darwin":
        return f"Syphon is for macOS, this is {system or 'unknown'}; use spout on Windows, or ndi"
    version = platform.mac_ver()[0]
    if version and int(version.partition(".")[0]) < OLDEST_MACOS:
        return f"Syphon needs macOS {OLDEST_MACOS} or newer, this is {version}; use ndi"
    if find_spec("syphon") is None:
        return f"syphon-python is not installed; run: {install_extra('syphon')}"
    return ""


def open_output(target: str, context: OutputContext) -> SyphonOutput:
    """Open a Syphon server named ``target``, or "vjnode".

    Raises:
        InputError: that is not a valid name.
        OutputError: Syphon cannot work here.
    """
    name = server_name(target)
    if why := unready():
        raise OutputError(why)
    return SyphonOutput(name, context)
