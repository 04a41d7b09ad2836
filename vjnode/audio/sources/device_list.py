"""List of this machine's sound inputs, and the choice of one by name."""

import locale
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from vjnode.audio.sources.portaudio import initialise, load_pyaudio, no_jack_leftovers, release
from vjnode.errors import SourceError

_log = logging.getLogger(__name__)

MME, WASAPI = "MME", "Windows WASAPI"

MME_NAME = 31
"""Characters that MME keeps of a device's name."""

_RANKS = {WASAPI: 0, "Windows DirectSound": 2, MME: 3, "Windows WDM-KS": 4}
"""Ranks of Windows' host APIs, the best first; Windows lists a device once for each of them.
WASAPI has the least delay of those that share the device with other programs; MME has 100 ms, and
WDM-KS takes the device away from others. The host APIs of other systems are all of rank 1."""


@dataclass(frozen=True)
class DeviceInfo:
    """A sound input.

    channels: at least 1. rate_hz: its default rate. default: whether it is the system's default.
    host_api: the system's interface to it. api_default: whether it is the default of that API.
    """

    name: str
    index: int
    channels: int
    rate_hz: int
    default: bool
    host_api: str = ""
    api_default: bool = False


def list_devices() -> list[DeviceInfo]:
    """Return the sound inputs of this machine.

    Never raises: returns an empty list, with the reason logged, if the inputs cannot be listed.
    """
    with no_jack_leftovers():
        try:
            library = initialise(load_pyaudio())
        except SourceError as error:
            _log.warning("no sound inputs: %s", error)
            return []
        devices = inputs(library)
        release(library, None)
    return devices


def choose(devices: Iterable[DeviceInfo], wanted: str | None) -> DeviceInfo:
    """Return the device meant by ``wanted``; None: the system's default.

    wanted: an exact name, else a part of one in upper or lower case; it may be followed by ``@``
        and a host API's name, or a part of that in upper or lower case, which on its own means
        that API's default. For a device with several host APIs the best one is taken.

    Raises:
        SourceError: there is no such device.
    """
    devices = list(devices)
    if not devices:
        raise SourceError("this machine has no sound input; plug one in or use --audio file:PATH")
    if wanted is None:
        return next((d for d in devices if d.default), devices[0])
    found = _named(devices, wanted)
    name, at, api = wanted.rpartition("@")
    if found is None and at and api:
        of_api = [d for d in devices if api.casefold() in d.host_api.casefold()]
        found = _named(of_api, name) if name else _default_of(of_api)
    if found is not None:
        return found
    there = ", ".join(f"{d.name!r} ({d.host_api})" for d in devices)
    raise SourceError(f"there is no sound input {wanted!r}; there are {there}")


def inputs(library: Any) -> list[DeviceInfo]:  # noqa: ANN401 - PyAudio has no types
    """Return the sound inputs that a ``pyaudio.PyAudio`` knows."""
    apis = [library.get_host_api_info_by_index(i) for i in range(library.get_host_api_count())]
    default = _default(library, apis)
    infos = map(library.get_device_info_by_index, range(library.get_device_count()))
    return [
        DeviceInfo(
            name=_text(info["name"]),
            index=int(info["index"]),
            channels=int(info["maxInputChannels"]),
            rate_hz=int(info["defaultSampleRate"]),
            default=info["index"] == default,
            host_api=_text(apis[info["hostApi"]]["name"]),
            api_default=info["index"] == apis[info["hostApi"]]["defaultInputDevice"],
        )
        for info in infos
        if info["maxInputChannels"] > 0
    ]


def _default(library: Any, apis: list[dict[str, Any]]) -> int | None:  # noqa: ANN401
    """Return the index of the default input in the best host API."""
    for api in apis:
        if api["name"] == WASAPI and api["defaultInputDevice"] >= 0:
            return int(api["defaultInputDevice"])
    try:
        return int(library.get_default_input_device_info()["index"])
    except OSError:
        return None


def _default_of(devices: list[DeviceInfo]) -> DeviceInfo | None:
    """Return the default among a host API's devices, else the first; None if there are none."""
    return min(devices, key=lambda d: not d.api_default, default=None)


def _named(devices: list[DeviceInfo], wanted: str) -> DeviceInfo | None:
    """Return the device whose name fits ``wanted`` best, in the best host API."""
    whole = {d: _whole_name(d, devices) for d in devices}
    low = wanted.casefold()
    tests: tuple[Callable[[DeviceInfo], bool], ...] = (
        lambda d: whole[d] == wanted,
        lambda d: whole[d].casefold() == low,
        lambda d: low in whole[d].casefold(),
        lambda d: _is_cut(d) and low.startswith(d.name.casefold()),
    )
    for fits in tests:
        found = [d for d in devices if fits(d)]
        if found:
            return min(found, key=lambda d: _RANKS.get(d.host_api, 1))
    return None


def _is_cut(device: DeviceInfo) -> bool:
    return device.host_api == MME and len(device.name) >= MME_NAME


def _whole_name(device: DeviceInfo, devices: list[DeviceInfo]) -> str:
    """Return the full name of a device, as other host APIs report it."""
    if _is_cut(device):
        for other in devices:
            if other.host_api != MME and other.name.startswith(device.name):
                return other.name
    return device.name


def _text(name: str | bytes) -> str:
    """Return a name from PortAudio, decoded correctly.

    PortAudio's names are UTF-8, but PyAudio decodes them by the system's own code page first: on
    Windows each ``ü`` becomes ``Ã¼``. A name that fits neither, PyAudio leaves as bytes.
    """
    if isinstance(name, bytes):
        return name.decode("utf-8", "replace")
    try:
        return name.encode(locale.getpreferredencoding(do_setlocale=False)).decode("utf-8")
    except (UnicodeError, LookupError):
        return name
