"""Table of shortcuts: what hands need behind the address of every number and of every choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vjnode.control.address import OF_CHOICES, OF_FLOATS, OF_PRESETS, Verb
from vjnode.control.parameter import Kind, Parameter


@dataclass(frozen=True)
class Shortcut:
    """An address behind that of every parameter of a kind, or of one alone.

    type: OSC's: f for a number, I for a button, s for each name. low, high: range of the number, if
    it has one. of: name of the parameter that alone has it; "" for all of its kind.
    """

    verb: Verb
    kind: Kind
    type: Literal["f", "I", "s", "ss", "si"]
    about: str
    low: float | None = None
    high: float | None = None
    of: str = ""

    def fits(self, row: Parameter) -> bool:
        """Return whether a parameter has it."""
        return row.kind == self.kind and self.of in ("", row.name)


_ABOUT: Mapping[Verb, str] = {
    "add": "adds to it, as far as its range goes",
    "norm": "sets it by a fader's way",
    "next": "the one after in the list",
    "previous": "the one before in the list",
    "random": "any other one",
    "save": "keeps what is on under a name",
    "rename": "gives one another name",
    "delete": "removes one",
    "move": "gives one another place in the list",
}
_TYPES: Mapping[Verb, Literal["s", "ss", "si"]] = {
    "save": "s",
    "rename": "ss",
    "delete": "s",
    "move": "si",
}
_RANGES: Mapping[Verb, tuple[float, float]] = {"norm": (0.0, 1.0)}

SHORTCUTS = (
    *(Shortcut(v, "float", "f", _ABOUT[v], *_RANGES.get(v, (None, None))) for v in OF_FLOATS),
    *(Shortcut(v, "choice", "I", _ABOUT[v]) for v in OF_CHOICES),
    *(Shortcut(v, "choice", _TYPES[v], _ABOUT[v], of="preset") for v in OF_PRESETS),
)
