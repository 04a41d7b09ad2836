"""Table of all parameters that can be changed while the show runs.

OSC addresses, presets, the command line and the table in docs/osc.md all come from these rows.
"""

from dataclasses import dataclass
from typing import Literal

from vjnode.errors import InputError
from vjnode.modulation.dynamics import AS_HEARD
from vjnode.modulation.matrix import AMOUNT_HIGH, AMOUNT_LOW, CHANNELS, SOURCES, default_route
from vjnode.modulation.shaping import CURVE_HIGH, CURVE_LOW, GATE_DB

_MAX_SHOWN = 64
_ROUNDING = 1e-3  # a fader's top may arrive as 4.0000002

AGC_MODES = ("off", "on", "freeze")
"""Modes of automatic gain: none; following the level slowly; kept as it is now."""

BPM_LOW, BPM_HIGH = 30.0, 300.0

Kind = Literal["choice", "float", "toggle", "trigger"]
Consumer = Literal["hearing", "frame", "output"]


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
        process), or ``output`` (every output's process). The frame reads ``gate`` as well.
    default: its value in ``Controls`` until it is changed.
    low, high: the range of a float, both ends included.
    smoothing_s: time over which its consumer moves to a new value, s: the time constant of a
        float, the length of a toggle's fade; 0 is at once. A blackout's is a parameter of its own.
    off: value that turns a float off, if that lies outside its range; ``off_means`` tells its
        effect.
    choices: of a choice whose choices are always the same.
    stays: whether it belongs to the room and the song, not to the look: a preset that does not
        name it leaves it unchanged.
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
    stays: bool = False
    stored_as: str = ""

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


def _float(
    name: str,
    about: str,
    low: float,
    high: float,
    default: float,
    *,
    consumer: Consumer = "frame",
    unit: str = "",
    stays: bool = False,
    stored_as: str = "",
) -> Parameter:
    return Parameter(
        name, "float", about, consumer, default, low, high, unit, stays=stays, stored_as=stored_as
    )


def _trigger(name: str, about: str, consumer: Consumer) -> Parameter:
    return Parameter(name, "trigger", about, consumer, Firing())


def _toggle(name: str, about: str, consumer: Consumer, *, smoothing_s: float = 0.0) -> Parameter:
    return Parameter(name, "toggle", about, consumer, False, smoothing_s=smoothing_s, stays=True)


_WEIGHT, _ONSET = (default_route(source, "expression") for source in ("weight", "onset"))

_NAMED = (
    Parameter("face", "choice", "whose face is shown", "frame", ""),
    *(Parameter(name, "choice", "what the sound makes it do", "frame", "") for name in CHANNELS),
    Parameter(
        "preset", "choice", "face, expression and everything else that a preset sets", "frame", ""
    ),
    _float("gain", "how strongly the sound acts", 0.0, 4.0, 1.0, unit="×"),
    _float(
        "attack", "how fast the face follows rising sound", 0.0, 5.0, _WEIGHT.attack_s, unit="s"
    ),
    _float("release", "how fast it calms down", 0.0, 10.0, _WEIGHT.release_s, unit="s"),
    _float("floor", "the weight in silence", 0.0, 1.0, 0.0),
    _float("ceiling", "the weight of the most intense sound", 0.0, 1.0, 1.0),
    _float(
        "dynamics",
        "how much the face moves between calm and wild: 0 steady, 0.5 as the music, 1 dancing",
        0.0,
        1.0,
        AS_HEARD,
    ),
    _float(
        "curve",
        "exponent on the weight: above 1 calmer, below 1 livelier",
        CURVE_LOW,
        CURVE_HIGH,
        1.0,
    ),
    _float("accent", "what each onset adds to the weight", 0.0, 1.0, _ONSET.amount),
    _float("accent_decay", "how fast an accent dies away", 0.0, 10.0, _ONSET.release_s, unit="s"),
    _float(
        "gate",
        "quieter sound counts as silence",
        -90.0,
        -20.0,
        GATE_DB,
        consumer="hearing",
        unit="dBFS",
        stays=True,
    ),
    Parameter(
        "agc",
        "choice",
        "automatic gain for the input: follows its level slowly, or stays as it is",
        "hearing",
        "on",
        choices=AGC_MODES,
        stays=True,
    ),
    _trigger("agc_reset", "automatic gain begins anew", "hearing"),
    Parameter(
        "bpm",
        "float",
        "the tempo, set by hand",
        "hearing",
        0.0,
        low=BPM_LOW,
        high=BPM_HIGH,
        unit="BPM",
        off=0.0,
        off_means="follow the music",
        stays=True,
    ),
    _trigger("tap", "a beat, tapped by hand", "hearing"),
    _trigger("double", "twice the tempo", "hearing"),
    _trigger("halve", "half the tempo", "hearing"),
    _trigger("resync", "now is the first beat of a bar", "hearing"),
    _float("lfo_rate", "waves per second of the LFO", 0.0, 20.0, 0.25, unit="Hz"),
    _float(
        "lfo_beats", "length of its wave in beats; 0: lfo_rate counts", 0.0, 64.0, 0.0, unit="beats"
    ),
    _toggle("freeze", "the picture stays as it is", "output"),
    _toggle("blackout", "fades to black, and back", "output"),
    _float(
        "blackout_fade",
        "how long that takes; 0: at once",
        0.0,
        30.0,
        1.0,
        consumer="output",
        unit="s",
        stays=True,
    ),
    _toggle("neutral", "the resting face, whatever is heard", "output", smoothing_s=1.2),
)

_SHORT_NAMES = {
    "route/expression/weight/attack": "attack",
    "route/expression/weight/release": "release",
    "route/expression/onset/amount": "accent",
    "route/expression/onset/release": "accent_decay",
}


def _route_rows() -> list[Parameter]:
    rows = []
    for channel in CHANNELS:
        for source in SOURCES:
            route = default_route(source, channel)
            for part, about, low, high, default, unit in (
                ("amount", "how much of it", AMOUNT_LOW, AMOUNT_HIGH, route.amount, ""),
                ("attack", "how fast it rises", 0.0, 5.0, route.attack_s, "s"),
                ("release", "how fast it falls", 0.0, 10.0, route.release_s, "s"),
            ):
                name = f"route/{channel}/{source}/{part}"
                text, kept = f"{source} → {channel}: {about}", _SHORT_NAMES.get(name, name)
                rows.append(_float(name, text, low, high, default, unit=unit, stored_as=kept))
    return rows


BY_NAME = {row.name: row for row in (*_NAMED, *_route_rows())}

PARAMETERS = BY_NAME.values()
"""All rows, in their order."""

KNOWN = ", ".join(
    [*(row.name for row in _NAMED), "route/CHANNEL/SOURCE/amount, …/attack and …/release"]
)
"""Names of all parameters, the matrix as a pattern, for errors."""


def find(name: str) -> Parameter:
    """Return the row of that name.

    Raises:
        InputError: there is no such parameter.
    """
    if (parameter := BY_NAME.get(name)) is None:
        shown = name[:_MAX_SHOWN]
        extra = ""
        if name.startswith("route/"):
            extra = f"; channels: {', '.join(CHANNELS)}; sources: {', '.join(SOURCES)}"
        raise InputError(f"there is no parameter '{shown}'; there are: {KNOWN}{extra}")
    return parameter


def number_in_range(parameter: Parameter, value: object) -> float:
    """Return ``value`` as a float that is valid for the parameter.

    Raises:
        InputError: it is not a finite number, or out of range.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
        if number == parameter.off:
            return number
        if parameter.low - _ROUNDING <= number <= parameter.high + _ROUNDING:
            return min(max(number, parameter.low), parameter.high)
    raise InputError(f"{parameter.name} takes {parameter.takes}, not {value!r:.{_MAX_SHOWN}}")


def fires(parameter: Parameter, value: object) -> bool:
    """Return whether ``value`` fires the trigger or switches the toggle on; 0 and False do not.

    Raises:
        InputError: it is not a number.
    """
    if isinstance(value, int | float):
        return value != 0 and value == value  # noqa: PLR0124 - NaN does not fire
    raise InputError(f"{parameter.name} takes {parameter.takes}, not {value!r:.{_MAX_SHOWN}}")
