import sys

import pytest

from vjnode.audio.live import DeviceInfo, LiveSource, choose, list_devices
from vjnode.errors import SourceError

DEVICES = [
    DeviceInfo("HDA Intel: Line In", 0, 2, 44_100, default=False),
    DeviceInfo("USB Audio CODEC", 3, 1, 48_000, default=True),
    DeviceInfo("usb", 5, 2, 44_100, default=False),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [(None, 3), ("usb", 5), ("USB Audio CODEC", 3), ("usb audio", 3), ("USB", 5), ("line in", 0)],
)
def test_a_device_is_meant_exactly_or_by_a_part_of_its_name(name, index):
    assert choose(DEVICES, name).index == index


def test_an_unknown_device_is_named_with_those_that_are_there():
    with pytest.raises(SourceError, match=r"no sound input 'mixer'.*USB Audio CODEC"):
        choose(DEVICES, "mixer")


def test_a_machine_without_inputs_says_so():
    with pytest.raises(SourceError, match="no sound input"):
        choose([], None)


def test_without_pyaudio_the_remedy_is_named(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(SourceError, match=r"pip install PyAudio.*portaudio19-dev"):
        LiveSource(None)
    assert list_devices() == []
    assert "pip install PyAudio" in caplog.text
