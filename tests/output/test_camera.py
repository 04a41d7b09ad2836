"""A virtual camera gets the show's picture, and where there is none it is said what helps."""

import inspect
import sys
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from tests.output import fake_camera
from tests.output.shows import flat, noise
from vjnode.errors import OutputError
from vjnode.output import camera
from vjnode.output.base import OutputContext
from vjnode.remedies import install_extra

CONTEXT = OutputContext(64, Fraction(30000, 1001))


@pytest.fixture
def opened():
    with fake_camera.installed() as opened:
        yield opened


def test_the_picture_arrives_as_it_is(opened):
    output, frame = camera.open_output("", CONTEXT), noise(1, 64)
    output.send(frame, 0.0)
    np.testing.assert_array_equal(opened[0].received[0], frame.pixels[..., :3])


def test_it_is_told_size_rate_and_device(opened):
    output = camera.open_output("/dev/video9", CONTEXT)
    (found,) = opened
    assert (found.width, found.height, found.device) == (64, 64, "/dev/video9")
    assert found.fps == pytest.approx(29.97, abs=1e-3)
    assert output.about() == {"device": "/dev/video9"}


def test_it_is_given_back_once(opened):
    output = camera.open_output("", CONTEXT)
    output.close()
    output.close()
    assert opened[0].closed == 1


def test_a_camera_that_goes_is_told(opened):
    output = camera.open_output("", CONTEXT)
    opened[0].gone = True
    with pytest.raises(OutputError, match=r"/dev/video7 has gone: Stream"):
        output.send(flat((1, 2, 3)), 0.0)


def test_one_that_is_not_there_is_told_with_what_helps(opened, monkeypatch):
    monkeypatch.setattr(camera.platform, "system", lambda: "Linux")
    with pytest.raises(OutputError) as caught:
        camera.open_output("/dev/video3", CONTEXT)
    assert "/dev/video3 does not exist" in str(caught.value)
    assert "modprobe v4l2loopback" in str(caught.value)


def test_an_odd_size_is_refused(opened):
    with pytest.raises(OutputError, match="63 px"):
        camera.open_output("", OutputContext(63, Fraction(30)))
    assert not opened


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    monkeypatch.setattr(camera, "find_spec", lambda name: None)
    assert install_extra("camera") in camera.unready()
    with pytest.raises(OutputError, match="pyvirtualcam is not installed"):
        camera.open_output("", CONTEXT)


@pytest.mark.parametrize(
    ("system", "part"),
    [("Linux", "modprobe"), ("Darwin", "OBS 30"), ("Windows", "obsproject"), ("Plan9", "system")],
)
def test_each_system_has_its_remedy(opened, monkeypatch, tmp_path, system, part):
    registry = SimpleNamespace(HKEY_CLASSES_ROOT=0, OpenKey=_no_key)
    monkeypatch.setitem(sys.modules, "winreg", registry)
    monkeypatch.setattr(camera.platform, "system", lambda: system)
    monkeypatch.setattr(camera, "LINUX_DEVICES", tmp_path)
    monkeypatch.setattr(camera, "MAC_PROGRAM", tmp_path / "OBS.app")
    assert part in camera.unready()
    assert not opened  # looking disturbs nobody
    for name in ("video0", "OBS.app"):
        (tmp_path / name).mkdir()
    registry.OpenKey = lambda *_: SimpleNamespace(Close=lambda: None)
    assert (camera.unready() == "") == (system != "Plan9")


def _no_key(*_):
    raise FileNotFoundError


def test_the_fake_is_called_as_the_real_one_is():
    real = pytest.importorskip("pyvirtualcam", reason="pyvirtualcam is not installed")
    for name in ("__init__", "send", "close"):
        fake_parameters = inspect.signature(getattr(fake_camera.Camera, name)).parameters
        parameters = inspect.signature(getattr(real.Camera, name)).parameters
        for parameter in fake_parameters.values():
            assert parameters[parameter.name].kind == parameter.kind
    assert isinstance(real.Camera.device, property)


def test_the_real_package_takes_it(monkeypatch):
    """Its own checks and conversions to bytes, with a native part that keeps what it gets."""
    real = pytest.importorskip("pyvirtualcam", reason="pyvirtualcam is not installed")
    received = []

    class Native:
        def __init__(self, *, width, height, fps, fourcc, device):
            self.made = (width, height, fourcc, device)

        def send(self, frame):
            received.append(frame.copy())

        def device(self):
            return "kept"

        def native_fourcc(self):
            return None

        def close(self):
            pass

    monkeypatch.setattr(real.camera, "BACKENDS", {"kept": Native})
    output, frame = camera.open_output("", CONTEXT), noise(2, 64)
    output.send(frame, 0.0)
    output.close()
    np.testing.assert_array_equal(received[0], frame.pixels[..., :3].ravel())
