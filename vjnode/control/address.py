"""Addresses: the parameter that one means, and what it does to it.

A parameter's own address sets it. Behind it, ``/add`` and ``/norm`` of a float, and ``/next``,
``/previous``, ``/random`` and ``/NAME`` of a choice, do what faders and buttons need. Presets have
``/save``, ``/rename``, ``/delete`` and ``/move`` as well.
"""

from dataclasses import dataclass
from typing import Literal

from vjnode.control.parameter import MAX_SHOWN, Parameter
from vjnode.control.parameters import BY_NAME, KNOWN, PARAMETERS
from vjnode.errors import InputError
from vjnode.naming import nearest

ROOT = "/vjnode/"

Verb = Literal[
    "set", "add", "norm", "next", "previous", "random", "choose", "save", "rename", "delete", "move"
]

OF_FLOATS: tuple[Verb, ...] = ("add", "norm")
OF_CHOICES: tuple[Verb, ...] = ("next", "previous", "random")
OF_PRESETS: tuple[Verb, ...] = ("save", "rename", "delete", "move")
"""Verbs that keep presets; they take all arguments of a message."""


@dataclass(frozen=True)
class Act:
    """Something that is done to a parameter. choice: name that ``choose`` chooses."""

    parameter: Parameter
    verb: Verb = "set"
    choice: str = ""


class UnknownAddressError(InputError):
    """An address that there is not."""


def like(address: str) -> str:
    """Return a question with the parameter's address that one may mean; see ``naming.nearest``."""
    return nearest(address, (row.address for row in PARAMETERS))


def read_address(address: str, *, hints: bool = False) -> Act:
    """Return what an address does.

    hints: whether the error says which one may be meant, which takes a millisecond.

    Raises:
        UnknownAddressError: there is no such address.
    """
    name = address.removeprefix(ROOT)
    if name != address:
        if (row := BY_NAME.get(name)) is not None:
            return Act(row)
        stem, _, last = name.rpartition("/")
        row = BY_NAME.get(stem)
        if row is not None and row.kind == "choice":
            if last == "go":
                return Act(row)
            for verb in (*OF_CHOICES, *(OF_PRESETS if row.name == "preset" else ())):
                if last == verb:
                    return Act(row, verb)
            return Act(row, "choose", last)
        for verb in OF_FLOATS:
            if row is not None and row.kind == "float" and last == verb:
                return Act(row, verb)
    hint = like(address) if hints else ""
    raise UnknownAddressError(
        f"unknown address {address[:MAX_SHOWN]}; {hint}after {ROOT} there are: {KNOWN}; behind a "
        "number /add and /norm, behind a choice /next, /previous, /random and each name"
    )
