"""Parameter: one row of the table of what can be changed while a show runs, and its values."""

import math
from dataclasses import dataclass
from typing import Literal

from vjnode.errors import InputError

MAX_SHOWN = 64
"""Characters of a bad value that an error shows: a sender may send kilobytes."""

LARGEST = 1e9
"""Beyond every parameter."""

_ROUNDING = 1e-3  # a fader's top may arrive as 4.0000002

Kind = Literal["choice", "float", "toggle", "trigger"]
Consumer = Literal["hearing", "frame", "output", "control"]


@dataclass(frozen=True)
class Firing:
    """Value of a trigger: how often it was fired, and when it was last, monotonic s.

    The count only rises, so that a reader of only the newest state misses no firing.
    """

    count: int = 0
    at_s: float = 0.0


Value = float | str | bool | Firing
"""Value of a parameter: float, choice, toggle or trigger."""


@dataclass(frozen=True)
class Parameter:
    """One row of the table.

    kind: ``choice`` (a name, or its number in the list), ``float``, ``toggle`` (on for any number
        but 0, because faders send any; no preset sets it), or ``trigger`` (acts on any number
        but 0, because buttons send 1 and then 0).
    consumer: part of a show that acts on it: ``hearing`` (audio process), ``frame`` (engine
        process), ``output`` (every output's process), or ``control`` (the parent, which acts on the
        others). The frame reads ``gate`` as well.
    default: its value in ``Controls`` until it is changed.
    low, high: the range of a float, both ends included.
    smoothing_s: time over which its consumer moves to a new value, s: the time constant of a
        float, the length of a toggle's fade; 0 is at once. A blackout's is a parameter of its own.
    off: value that turns a float off, if that lies outside its range; ``off_means`` tells its
        effect.
    choices: of a choice whose choices are always the same.
    taper: exponent by which a fader's way, 0…1, becomes the range of a float: above 1, small values
        get more of the way.
    stays: whether it belongs to the room and the song, not to the look: a preset that does not
        name it leaves it unchanged.
    in_a_circle: whether the next of a choice's last is its first.
    recalls: whether choosing waits for the beat that ``quantise`` says, and takes as long as
        ``morph`` says.
    glides: whether a recall moves a float there in the time of a morph, instead of at once.
    key: key of its value in ``Controls``: its own name, or that of the row that it is another
        name of.
    """

    name: str
    kind: Kind
    about: str
    consumer: Consumer
    default: Value
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    smoothing_s: float = 0.0
    off: float | None = None
    off_means: str = ""
    choices: tuple[str, ...] = ()
    taper: float = 1.0
    stays: bool = False
    stored_as: str = ""
    glides: bool = False
    recalls: bool = False
    in_a_circle: bool = True

    @property
    def address(self) -> str:
        """Return its OSC address."""
        return f"/vjnode/{self.name}"

    @property
    def key(self) -> str:
        """Return the key of its value; two rows with one key are two names of one value."""
        return self.stored_as or self.name

    @property
    def routes(self) -> bool:
        """Return whether it is part of the routing matrix."""
        return self.name.startswith("route/")

    @property
    def of_channel(self) -> bool:
        """Return whether it is one of the settings that every channel has."""
        return self.name.startswith("channel/")

    def at(self, way: float) -> float:
        """Return the value of a float at a part of a fader's way, clipped to 0…1."""
        passed = math.pow(min(max(way, 0.0), 1.0), self.taper)
        return self.low + (self.high - self.low) * passed

    def clamped(self, number: float) -> float:
        """Return the value of a float that is nearest to ``number``."""
        return number if number == self.off else min(max(number, self.low), self.high)

    def fits(self, number: float) -> bool:
        """Return whether a number is within the range of a float, but for rounding."""
        return abs(self.clamped(number) - number) <= _ROUNDING

    @property
    def takes(self) -> str:
        """Return a description of its valid values, for errors and lists."""
        if self.kind == "trigger":
            return "any number but 0"
        if self.kind == "toggle":
            return "0 for off, any other number for on"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}" if self.choices else "a name"
        unit = f" {self.unit}" if self.unit else ""
        off = f", or {self.off:g} ({self.off_means})" if self.off is not None else ""
        return f"a number from {self.low:g} to {self.high:g}{unit}{off}"


def number_in_range(parameter: Parameter, value: object) -> float:
    """Return ``value`` as a float that is valid for the parameter.

    Raises:
        InputError: it is not a finite number, or out of range.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(min(max(value, -LARGEST), LARGEST))  # a file may hold any integer
        if parameter.fits(number):
            return parameter.clamped(number)
    raise InputError(f"{parameter.name} takes {parameter.takes}, not {value!r:.{MAX_SHOWN}}")


def fires(parameter: Parameter, value: object) -> bool:
    """Return whether ``value`` fires the trigger or switches the toggle on; 0 and False do not.

    Raises:
        InputError: it is not a number.
    """
    if isinstance(value, int | float):
        return value != 0 and value == value  # noqa: PLR0124 - NaN does not fire
    raise InputError(f"{parameter.name} takes {parameter.takes}, not {value!r:.{MAX_SHOWN}}")
