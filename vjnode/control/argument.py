"""Arguments: what hands, faders and programs send, as the value that it means."""

import math
import re
from collections.abc import Sequence

from vjnode.control.parameter import MAX_SHOWN, Parameter
from vjnode.errors import InputError

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*", re.ASCII | re.IGNORECASE)
"""Text that is a number; Python's own reading takes more, such as digits of any script."""


def first_of(arguments: Sequence[object]) -> object:
    """Return the argument that counts: the first, or what an array of one holds; None for none.

    Raises:
        InputError: it is an array of another length.
    """
    value: object = arguments[0] if arguments else None
    while isinstance(value, list):
        if len(value) != 1:
            raise InputError(f"it takes one value, not an array of {len(value)}")
        value = value[0]
    return value


def number_of(value: object) -> float:
    """Return the number that a value of any type is; not a number (NaN) where it is none."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        return float(value)
    return math.nan


def as_number(parameter: Parameter, value: object) -> float:
    """Return the number that is meant: of any type, a truth value, or text that is a number.

    Raises:
        InputError: it is none, or not finite.
    """
    number = number_of(value)
    if not math.isfinite(number):
        came = "and nothing came" if value is None else f"not {value!r:.{MAX_SHOWN}}"
        raise InputError(f"{parameter.name} takes {parameter.takes}, {came}")
    return number


def pressed(parameter: Parameter, value: object) -> bool:
    """Return whether a button is pressed: any number but 0, or nothing at all, which is a press.

    Raises:
        InputError: it is neither a number nor nothing.
    """
    return value is None or as_number(parameter, value) != 0.0
