"""A virtual camera without one: pyvirtualcam's interface, with its checks of what it is given."""

import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import ClassVar

import pytest

DEVICES = ("/dev/video7", "/dev/video9")


class Camera:
    """As pyvirtualcam 0.15 has it; ``opened`` are those of this test."""

    opened: ClassVar = []

    def __init__(self, width, height, fps, *, fmt="RGB", device=None, backend=None):
        del backend
        assert isinstance(fps, float)  # its native part takes no other number
        assert width % 2 == height % 2 == 0  # its conversions write beyond the end otherwise
        if device not in (None, *DEVICES):
            raise RuntimeError(f"'v4l2loopback' backend: Device {device} does not exist.")
        self.width, self.height, self.fps, self.fmt = width, height, fps, fmt
        self.device = device or DEVICES[0]
        self.received, self.closed, self.gone = [], 0, False
        Camera.opened.append(self)

    def send(self, frame):
        if self.gone:
            raise RuntimeError("Stream does not exist.")
        if frame.shape != (self.height, self.width, 3):
            raise ValueError(f"unexpected frame shape: {frame.shape}")
        if frame.dtype != "uint8":
            raise TypeError(f"unexpected frame dtype: {frame.dtype} != uint8")
        assert frame.flags.c_contiguous  # else it is copied once more
        self.received.append(frame.copy())

    def close(self):
        self.closed += 1


@contextmanager
def installed():
    """Within it, it is in pyvirtualcam's place."""
    package = ModuleType("pyvirtualcam")
    package.__spec__ = ModuleSpec("pyvirtualcam", None)
    package.Camera = Camera
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyvirtualcam", package)
        patch.setattr(Camera, "opened", [])
        yield Camera.opened
