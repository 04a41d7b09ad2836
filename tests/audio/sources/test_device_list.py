"""Names of devices and what they mean, with tables as PortAudio gives them."""

import locale

import pytest

from vjnode.audio.sources.device_list import DeviceInfo, choose, inputs
from vjnode.errors import SourceError

APIS = ("MME", "Windows DirectSound", "Windows WASAPI", "Windows WDM-KS")

# (name, host API, inputs, outputs, default rate), in the order in which PortAudio lists them.
WINDOWS = [
    ("Microsoft Sound Mapper - Input", 0, 2, 0, 44_100.0),
    ("Microphone (2- USB Audio CODEC ", 0, 2, 0, 44_100.0),
    ("Line (Behringer UMC404HD 192k A", 0, 2, 0, 44_100.0),
    ("Mikrofon (für alle)", 0, 1, 0, 44_100.0),
    ("Microsoft Sound Mapper - Output", 0, 0, 2, 44_100.0),
    ("Speakers (Realtek(R) Audio)", 0, 0, 2, 44_100.0),
    ("Primary Sound Capture Driver", 1, 2, 0, 44_100.0),
    ("Microphone (2- USB Audio CODEC )", 1, 2, 0, 44_100.0),
    ("Line (Behringer UMC404HD 192k Audio)", 1, 4, 0, 44_100.0),
    ("Mikrofon (für alle)", 1, 1, 0, 44_100.0),
    ("Speakers (Realtek(R) Audio)", 2, 0, 2, 48_000.0),
    ("Microphone (2- USB Audio CODEC )", 2, 2, 0, 48_000.0),
    ("Line (Behringer UMC404HD 192k Audio)", 2, 4, 0, 48_000.0),
    ("Mikrofon (für alle)", 2, 1, 0, 48_000.0),
    ("Microphone (USB Audio CODEC)", 3, 2, 0, 48_000.0),
    ("Line (UMC404HD 192k)", 3, 4, 0, 48_000.0),
    ("desk@home", 3, 2, 0, 48_000.0),
]


class WindowsTable:
    """The answers of PyAudio about ``WINDOWS``; it reads names in the code page of the system."""

    def __init__(self, garbled=False):
        self._garbled = garbled

    def get_host_api_count(self):
        return len(APIS)

    def get_host_api_info_by_index(self, index):
        defaults = {"MME": 0, "Windows DirectSound": 6, "Windows WASAPI": 12, "Windows WDM-KS": -1}
        return {"index": index, "name": APIS[index], "defaultInputDevice": defaults[APIS[index]]}

    def get_default_input_device_info(self):
        return self.get_device_info_by_index(0)

    def get_device_count(self):
        return len(WINDOWS)

    def get_device_info_by_index(self, index):
        name, api, channels, _, rate_hz = WINDOWS[index]
        if self._garbled:
            name = name.encode().decode("cp1252")
        return {
            "index": index,
            "name": name,
            "hostApi": api,
            "maxInputChannels": channels,
            "defaultSampleRate": rate_hz,
        }


@pytest.fixture
def windows():
    return inputs(WindowsTable())


def test_only_inputs_are_listed_each_with_its_host_api_and_channels(windows):
    assert len(windows) == len([row for row in WINDOWS if row[2]])
    assert {device.host_api for device in windows} == set(APIS)
    assert next(d for d in windows if d.index == 12).channels == 4


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (None, 12),  # the system's default, by WASAPI's own word
        ("Microphone (2- USB Audio CODEC )", 11),
        ("Microphone (2- USB Audio CODEC ", 11),  # as MME cuts it
        ("Line (Behringer UMC404HD 192k A", 12),
        ("umc404hd", 12),
        ("usb audio codec", 11),
        ("UMC404HD@mme", 2),
        ("Line (Behringer UMC404HD 192k Audio)@MME", 2),
        ("UMC404HD@DirectSound", 8),
        ("UMC404HD@Windows DirectSound", 8),
        ("UMC404HD@wasapi", 12),
        ("UMC404HD@WDM-KS", 15),
        ("Primary Sound Capture Driver", 6),
        ("Line (UMC404HD 192k)", 15),
        ("desk@home", 16),
        ("DESK@", 16),
        ("desk@home@wdm-ks", 16),
        ("@wdm", 14),  # it has no default
        ("@wasapi", 12),
        ("@mme", 0),
    ],
)
def test_on_windows_a_name_means_wasapi_unless_another_way_is_asked_for(windows, wanted, index):
    assert choose(windows, wanted).index == index


def test_a_name_in_full_is_found_where_only_mme_knows_the_device(windows):
    alone = [device for device in windows if device.host_api == "MME"]
    assert choose(alone, "Line (Behringer UMC404HD 192k Audio)").index == 2


@pytest.mark.parametrize("wanted", ["mixer", "mixer@wasapi", "UMC404HD@asio", "@asio"])
def test_what_is_not_there_is_refused_with_names_and_host_apis(windows, wanted):
    with pytest.raises(SourceError, match=r"Behringer UMC404HD 192k Audio\)' \(Windows WASAPI\)"):
        choose(windows, wanted)


def test_names_that_were_read_in_the_code_page_of_windows_are_put_right(monkeypatch):
    monkeypatch.setattr(locale, "getpreferredencoding", lambda do_setlocale=True: "cp1252")
    garbled = inputs(WindowsTable(garbled=True))
    assert choose(garbled, "mikrofon (für alle)").index == 13
    # One that was read rightly stays.
    assert choose(inputs(WindowsTable()), "mikrofon (für alle)").index == 13


def test_on_other_systems_the_order_is_portaudios_own():
    devices = [
        DeviceInfo("desk", 0, 2, 44_100, default=False, host_api="ALSA"),
        DeviceInfo("desk", 1, 2, 44_100, default=True, host_api="JACK Audio Connection Kit"),
    ]
    assert choose(devices, "desk").index == 0
    assert choose(devices, "desk@jack").index == 1
    assert choose(devices, None).index == 1
