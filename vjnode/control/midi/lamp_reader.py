"""Reading what mappings say of lamps and rings."""

from collections.abc import Mapping
from typing import Any

from vjnode.control.midi.mapping import Light, Mode, Ring
from vjnode.control.midi.message import TOP, Source
from vjnode.control.parameter import MAX_SHOWN
from vjnode.errors import InputError


def read_light(entry: Mapping[str, Any], source: Source, place: int) -> Light | None:
    """Return the lamp of a control; None for none.

    place: that of the control in its entry; lamps count on with it.

    Raises:
        InputError: it is none that there can be.
    """
    if (given := entry.get("light")) is None:
        return None
    if source.kind not in ("note", "cc") or not _is_numbers(given, 2, 3, 4):
        raise InputError(
            "'light' of a note or cc is [off, on], [off, on, channel], or "
            "[off, on, channel, number of the first]"
        )
    off, on = (_whole(one, 0, TOP, "light") for one in given[:2])
    return Light(_lamp(source, given[2:], "light", place), off, on)


def read_ring(entry: Mapping[str, Any], source: Source, mode: Mode, place: int) -> Ring | None:
    """Return the ring of a control; None for none. place: as of ``read_light``.

    Raises:
        InputError: it is none that there can be.
    """
    given = entry.get("ring", False)
    if given is False:
        return None
    if (source.kind, mode) != ("cc", "absolute"):
        raise InputError("'ring' is for a cc that a float follows")
    if "light" in entry:
        raise InputError("a control has a 'light' or a 'ring', not both")
    if given is True:
        return Ring(source.message)
    if not _is_numbers(given, 4):
        raise InputError("'ring' is true, or [low, high, channel, number of the first]")
    low, high = (_whole(one, 0, TOP, "ring") for one in given[:2])
    return Ring(_lamp(source, given[2:], "ring", place), low, high)


def _is_numbers(given: object, *lengths: int) -> bool:
    whole = isinstance(given, list) and all(isinstance(one, int) for one in given)
    return whole and isinstance(given, list) and len(given) in lengths


def _lamp(source: Source, given: list[Any], key: str, place: int) -> bytes:
    """Return the first bytes of a lamp's message. given: its channel, and number of the first."""
    if given:
        source = source._replace(channel=_whole(given[0], 1, 16, f"{key}'s channel"))
    if len(given) > 1:
        number = _whole(given[1], 0, TOP, f"{key}'s number") + place
        source = source._replace(number=_whole(number, 0, TOP, f"{key}'s number"))
    return source.message


def _whole(given: object, low: int, high: int, key: str) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not low <= given <= high:
        raise InputError(
            f"'{key}' is a whole number from {low} to {high}, not {given!r:.{MAX_SHOWN}}"
        )
    return given
