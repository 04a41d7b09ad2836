"""Choice from a list of names, the same for the command line, OSC and presets; and new names."""

import difflib
import functools
import math
import re
from collections.abc import Sequence

from vjnode.errors import InputError

_MAX_NAME = 64

_NEW = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])", re.ASCII)
"""Names that no file may have on Windows."""


def choose(kind: str, names: Sequence[str], value: object, *, first: int = 0) -> str:
    """Return the entry of ``names`` that ``value`` means: a name, in any case, or a number.

    Faders and buttons send whole numbers as floats, so those count as numbers too.

    first: number of the first entry.

    Raises:
        InputError: there is no such entry.
    """
    number: float | None = None
    if isinstance(value, str):
        if value in names:
            return value
        alike = [name for name in names if name.casefold() == value[:_MAX_NAME].casefold()]
        if len(alike) == 1:
            return alike[0]
        if value.isascii() and value.isdigit():
            number = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if number is not None and math.isfinite(number):
        if number == int(number) and 0 <= number - first < len(names):
            return names[int(number) - first]
        last = len(names) - 1 + first
        raise InputError(f"there is no {kind} number {number:g}; they go from {first} to {last}")
    # A sender may send kilobytes.
    raise UnknownNameError(kind, repr(value)[:_MAX_NAME], tuple(names))


class UnknownNameError(InputError):
    """A name that there is not. Its text is made where it is told: most of a flood never is.

    kind: of the thing that is named. shown: what was asked for. names: that there are.
    """

    def __init__(self, kind: str, shown: str, names: tuple[str, ...]) -> None:
        super().__init__(kind, shown, names)
        self._kind, self._shown, self._names = kind, shown, names

    def __str__(self) -> str:
        """Return what is missing, what may be meant, and what there is."""
        hint = nearest(self._shown.strip("'"), self._names)
        return f"there is no {self._kind} {self._shown}; {hint}there are: {', '.join(self._names)}"


@functools.lru_cache(maxsize=64)
def nearest(name: str, names: tuple[str, ...]) -> str:
    """Return a question with the one of ``names`` that may be meant, and a space; "" for none.

    It takes milliseconds for some hundred names that are alike.
    """
    near = difflib.get_close_matches(name[:_MAX_NAME], names, n=1)
    return f"did you mean '{near[0]}'? " if near else ""


def check_new_name(kind: str, name: str) -> None:
    """Refuse a name that no file of the user's can have on every system.

    kind: of the thing that is named, for the error.

    Raises:
        InputError: it has other characters, or is too long.
    """
    if not _NEW.fullmatch(name) or _RESERVED.fullmatch(name):
        raise InputError(
            f"{name[:_MAX_NAME]!r} cannot be the name of {'an' if kind[0] in 'aeiou' else 'a'} "
            f"{kind}; take up to 32 of a-z, 0-9, _ and -, a letter or digit first"
        )
