"""What can be steered while the show runs: one table, and one pure function over it.

OSC addresses, presets, the command line and the README's table all come from these rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vjnode.errors import InputError
from vjnode.naming import choose

_MAX_SHOWN = 64
_ROUNDING = 1e-3  # a fader's top may come as 4.0000002


@dataclass(frozen=True)
class Parameter:
    """One row of the table.

    kind: ``choice`` (a name, or its number in the list) or ``float``.
    low, high: the range of a float, both ends included.
    """

    name: str
    kind: str
    about: str
    low: float = 0.0
    high: float = 0.0
    default: float = 0.0
    unit: str = ""

    @property
    def address(self) -> str:
        """Return its OSC address."""
        return f"/vjnode/{self.name}"


PARAMETERS = (
    Parameter("face", "choice", "whose face is shown"),
    Parameter("expression", "choice", "what the sound makes it do"),
    Parameter("gain", "float", "how strongly the weight acts", high=4.0, default=1.0, unit="×"),
    Parameter("preset", "choice", "face, expression, gain and envelope together"),
    Parameter(
        "attack",
        "float",
        "how fast the face follows rising sound",
        high=5.0,
        default=0.04,
        unit="s",
    ),
    Parameter("release", "float", "how fast it calms down", high=10.0, default=0.35, unit="s"),
)

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


@dataclass(frozen=True)
class Controls:
    """The state of every parameter at one moment."""

    preset: str
    face: str
    expression: str
    gain: float = BY_NAME["gain"].default
    attack: float = BY_NAME["attack"].default
    release: float = BY_NAME["release"].default


@dataclass(frozen=True)
class Stock:
    """The names to choose from, in their listed order, and what each preset sets."""

    faces: Sequence[str]
    expressions: Sequence[str]
    presets: dict[str, Controls] = field(default_factory=dict)

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""
        if parameter == "face":
            return self.faces
        return self.expressions if parameter == "expression" else list(self.presets)


def number_in_range(parameter: Parameter, value: object) -> float:
    """Return ``value`` as a float within the parameter's range.

    Raises:
        InputError: it is no finite number, or out of range.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if parameter.low - _ROUNDING <= number <= parameter.high + _ROUNDING:
            return min(max(number, parameter.low), parameter.high)
    raise InputError(
        f"{parameter.name} takes a number from {parameter.low:g} to {parameter.high:g}"
        f"{' ' + parameter.unit if parameter.unit else ''}, not {value!r:.{_MAX_SHOWN}}"
    )


def change(controls: Controls, name: str, value: object, stock: Stock) -> Controls:
    """Return ``controls`` with the parameter ``name`` set to ``value``.

    Raises:
        InputError: no such parameter, or the value does not fit it.
    """
    parameter = BY_NAME.get(name)
    if parameter is None:
        raise InputError(f"there is no parameter '{name}'; there are: {', '.join(BY_NAME)}")
    if parameter.kind == "float":
        changed: dict[str, Any] = {name: number_in_range(parameter, value)}
        return replace(controls, **changed)
    chosen = choose(name, stock.names(name), value)
    if name == "preset":
        return stock.presets[chosen]
    changed = {name: chosen}
    return replace(controls, **changed)
