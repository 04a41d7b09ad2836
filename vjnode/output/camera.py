"""Output to a virtual camera, for programs that take only a webcam.

The camera itself comes from other software: OBS on macOS and Windows, v4l2loopback on Linux;
pyvirtualcam reaches them all. They all convert RGB to their own format.
"""

import platform
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from vjnode.errors import OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.remedies import install_extra, install_packages, run_as_root

LINUX_DEVICES = Path("/sys/devices/virtual/video4linux")
MAC_PROGRAM = Path("/Applications/OBS.app")
WINDOWS_KEY = r"CLSID\{A3FCE0F5-3493-419F-958A-ABA1250EC20B}"

_REMEDIES = {
    "Darwin": "install OBS 30 or newer, and in it start the virtual camera once",
    "Windows": "install OBS, https://obsproject.com",
}


class CameraOutput:
    """Sends each frame to a virtual camera."""

    def __init__(self, camera: Any, size: int) -> None:  # noqa: ANN401 - it has no types
        self._camera = camera
        self._rgb = np.zeros((size, size, 3), np.uint8)
        self._device = str(camera.device)
        self._closed = False

    def send(self, frame: Frame, due_s: float) -> None:
        """Send ``frame``.

        Raises:
            OutputError: the camera has gone.
        """
        del due_s
        cv2.cvtColor(frame.pixels, cv2.COLOR_RGBA2RGB, self._rgb)
        try:
            self._camera.send(self._rgb)
        except (RuntimeError, OSError) as error:
            raise OutputError(f"the camera {self._device} has gone: {error}") from error

    def about(self) -> dict[str, object]:
        """Return the camera's name, for the report."""
        return {"device": self._device}

    def close(self) -> None:
        """Release the camera."""
        if not self._closed:
            self._closed = True
            self._camera.close()


def unready() -> str:
    """Return why no virtual camera can work here, with the remedy, or "".

    It opens no camera, because that would disturb another show that sends to it.
    """
    if find_spec("pyvirtualcam") is None:
        return _no_package()
    return "" if _has_camera() else f"there is no virtual camera: {_remedy()}"


def open_output(target: str, context: OutputContext) -> CameraOutput:
    """Open the camera ``target``, such as ``/dev/video2``; "" for the first one.

    Raises:
        OutputError: there is none, it is in use, or the size is odd.
    """
    if context.size % 2:
        raise OutputError(f"a camera of {context.size} px cannot be: it needs an even size")
    pyvirtualcam = _load()
    try:
        camera = pyvirtualcam.Camera(
            context.size, context.size, float(context.fps), device=target or None
        )
    except (RuntimeError, ValueError, OSError) as error:
        name = f"the camera {target}" if target else "a virtual camera"
        why = " ".join(str(error).split())
        raise OutputError(f"{name} cannot be opened: {why}; {_remedy()}") from error
    return CameraOutput(camera, context.size)


def _load() -> ModuleType:
    try:
        return import_module("pyvirtualcam")
    except ImportError as error:
        raise OutputError(
            _no_package() if find_spec("pyvirtualcam") is None else str(error)
        ) from error


def _no_package() -> str:
    return f"pyvirtualcam is not installed; run: {install_extra('camera')}"


def _remedy() -> str:
    if platform.system() == "Linux":
        driver = install_packages("v4l2loopback-dkms")
        return f"{driver} and then: {run_as_root('modprobe', 'v4l2loopback')}"
    return _REMEDIES.get(platform.system(), "this system has none that pyvirtualcam can reach")


def _has_camera() -> bool:
    system = platform.system()
    if system == "Linux":
        return any(LINUX_DEVICES.glob("video*"))
    if system == "Darwin":
        return MAC_PROGRAM.exists()
    if system == "Windows":
        registry: Any = import_module("winreg")
        try:
            registry.OpenKey(registry.HKEY_CLASSES_ROOT, WINDOWS_KEY).Close()
        except OSError:
            return False
        return True
    return False
