"""A virtual screen whose picture can be read: an X server that keeps it in a file."""

import ctypes
import importlib.util
import os
import shutil
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

WIDTH, HEIGHT = 320, 200
ESCAPE = 0xFF1B


class Screen:
    """A running X server."""

    def __init__(self, name, folder):
        self.name = name
        self._file = folder / "Xvfb_screen0"

    def picture(self):
        """Return the picture that it shows, (HEIGHT, WIDTH, 3) uint8, RGB."""
        data = self._file.read_bytes()
        head = struct.unpack(">25I", data[:100])  # an .xwd file
        size, width, height, stride, colours = head[0], head[4], head[5], head[12], head[19]
        start = size + colours * 12
        rows = np.frombuffer(data, np.uint8, stride * height, start).reshape(height, stride)
        return rows[:, : width * 4].reshape(height, width, 4)[..., 2::-1]

    def press(self, key):
        """Press and release a key, as a person does."""
        x11, tests = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        display = ctypes.c_void_p(x11.XOpenDisplay(self.name.encode()))
        code = x11.XKeysymToKeycode(display, ctypes.c_ulong(key))
        for down in (1, 0):
            tests.XTestFakeKeyEvent(display, ctypes.c_uint(code), down, ctypes.c_ulong(0))
        x11.XSync(display, 0)
        x11.XCloseDisplay(display)


@contextmanager
def a_screen():
    """Give windows a screen of their own for a while; skip the test where there can be none."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    for package in ("glfw", "moderngl"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        server = subprocess.Popen(
            [
                *("Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"),
                *("-nolisten", "tcp", "-fbdir", folder, "-noreset"),
            ],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            with os.fdopen(reading) as said:
                number = said.readline().strip()
            if not number:
                pytest.skip("Xvfb does not start here")
            patch.setenv("DISPLAY", f":{number}")
            patch.delenv("WAYLAND_DISPLAY", raising=False)
            patch.setenv("XDG_SESSION_TYPE", "x11")
            try:
                yield Screen(f":{number}", Path(folder))
            finally:
                import glfw

                glfw.terminate()  # Xlib ends the process that uses it when the server goes
        finally:
            server.terminate()
            server.wait()
