"""Values of TOML tables that people edit, checked as they are read."""

from collections.abc import Mapping
from typing import Any

from vjnode.control.parameter import MAX_SHOWN
from vjnode.errors import InputError


def read_number(
    entry: Mapping[str, Any], key: str, low: float, high: float, default: float
) -> float:
    """Return the number at a key, else the default.

    Raises:
        InputError: it is none, or not within ``low`` to ``high``.
    """
    given = entry.get(key, default)
    if not isinstance(given, int | float) or isinstance(given, bool) or not low <= given <= high:
        raise InputError(
            f"'{key}' is a number from {low:g} to {high:g}, not {given!r:.{MAX_SHOWN}}"
        )
    return float(given)


def read_flag(entry: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """Return what is true or false.

    Raises:
        InputError: it is neither.
    """
    given = entry.get(key, default)
    if not isinstance(given, bool):
        raise InputError(f"'{key}' is true or false, not {given!r:.{MAX_SHOWN}}")
    return given


def check_keys(table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Check that a table has known keys alone.

    Raises:
        InputError: it has others.
    """
    if unknown := set(table) - set(known):
        raise InputError(
            f"unknown key '{min(unknown):.{MAX_SHOWN}}'; there are: {', '.join(known)}"
        )
