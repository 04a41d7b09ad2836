"""Spout without Windows: SpoutGL's interface, and the state that the library behind it keeps.

It behaves as Spout 2.007.013 does, the library in SpoutGL's wheel 0.1.1: names as they were
tried with that library itself under Wine, a killed sender's too; pixels as its source has it.
"""

import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest

GL_RGBA, GL_BGRA_EXT = 0x1908, 0x80E1


class Machine:
    """State of Spout that all programs on a machine share.

    listed: names of senders, also of those that died. living: senders by name. closed: senders.
    opengl, compatible: whether the card has OpenGL, and shares its textures with DirectX.
    """

    def __init__(self):
        self.listed, self.living, self.closed, self.active = set(), {}, [], None
        self.opengl = self.compatible = True
        self.refusing = False
        self.events = []

    def kill(self, sender):
        """End a sender's process without a word: its name stays on the list."""
        self.living = {name: one for name, one in self.living.items() if one is not sender}

    def free_name(self, wanted):
        name, number = wanted, 0
        while name in self.listed:
            number += 1
            name = f"{wanted}_{number}"
        return name

    def clean(self):
        self.listed &= set(self.living)


class SpoutSender:
    """A sender with SpoutGL's interface.

    picture: as a receiver sees it, RGBA, top row first.
    """

    machine = Machine()

    def __init__(self):
        self._name, self.registered, self.context, self.picture = "", "", False, None
        self.frames = 0

    def createOpenGL(self):  # noqa: N802
        self.context = self.machine.opengl
        return self.context

    def closeOpenGL(self):  # noqa: N802
        self.context = False
        return True

    def setSenderName(self, name, /):  # noqa: N802
        self._name = self.machine.free_name(name)
        self.machine.clean()

    def sendImage(self, pixels, width, height, gl_format, invert, host_fbo, /):  # noqa: N802, PLR0917
        assert type(invert) is bool
        assert host_fbo == 0
        memory = memoryview(pixels)
        if memory.nbytes < width * height * 4 or not memory.c_contiguous:
            raise BufferError("Buffer not large enough")
        if self.machine.refusing or not self.context or gl_format not in (GL_RGBA, GL_BGRA_EXT):
            return False
        if not self.registered:
            self.registered = self.machine.free_name(self._name)
            self.machine.listed.add(self.registered)
            self.machine.living[self.registered] = self
            self.machine.active = self.registered
        picture = np.frombuffer(memory.tobytes(), np.uint8).reshape(height, width, 4)
        picture = picture[..., [2, 1, 0, 3]] if gl_format == GL_BGRA_EXT else picture
        self.picture = picture[::-1] if invert else picture
        self.frames += 1
        return True

    def setFrameSync(self, name, /):  # noqa: N802
        if self.registered:
            self.machine.events.append(name)

    def getActiveSender(self):  # noqa: N802
        return self.machine.active if self.machine.active in self.machine.living else None

    def isGLDXReady(self):  # noqa: N802
        return bool(self.registered) and self.machine.compatible

    def getCPUshare(self):  # noqa: N802
        return False

    def releaseSender(self):  # noqa: N802
        if self.registered:
            self.machine.living.pop(self.registered, None)
            self.machine.listed.discard(self.registered)
            self.machine.closed.append(self)
            self.registered = ""


@contextmanager
def installed():
    """Put this in SpoutGL's place for a while, on a machine of its own that says it is Windows."""
    package, enums = ModuleType("SpoutGL"), ModuleType("SpoutGL.enums")
    package.__spec__ = ModuleSpec("SpoutGL", None)
    package.enums, package.SpoutSender = enums, SpoutSender
    enums.GL_RGBA, enums.GL_BGRA_EXT = GL_RGBA, GL_BGRA_EXT
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "SpoutGL", package)
        patch.setitem(sys.modules, "SpoutGL.enums", enums)
        patch.setattr("vjnode.output.spout.platform.system", lambda: "Windows")
        patch.setattr(SpoutSender, "machine", Machine())
        yield SpoutSender.machine
