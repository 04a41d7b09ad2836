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


_ADDRESSES = tuple(row.address for row in PARAMETERS)


class UnknownAddressError(InputError):
    """An address that there is not. Its text is made where it is told; see ``UnknownNameError``."""

    def __str__(self) -> str:
        """Return the address, the one that may be meant, and what there is."""
        shown = str(self.args[0])[:MAX_SHOWN]
        hint = nearest(shown, _ADDRESSES)
        return (
            f"unknown address {shown}; {hint}after {ROOT} there are: {KNOWN}; behind a number "
            f"/add and /norm, behind a choice /next, /previous, /random and each name"
        )


def read_address(address: str) -> Act:
    """Return what an address does.

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
    raise UnknownAddressError(address)
