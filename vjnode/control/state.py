"""State of all parameters, and the pure function that changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from vjnode.control.parameters import BY_NAME, PARAMETERS, find, fires, number_in_range
from vjnode.modulation.matrix import CHANNELS, SOURCES, Route
from vjnode.modulation.response import Response
from vjnode.naming import choose


def _default(name: str) -> float:
    return BY_NAME[name].default


@dataclass(frozen=True)
class Controls:
    """The state of every parameter at one moment; see ``PARAMETERS`` for ranges and units.

    attack, release, accent, accent_decay: the expression's routes from weight and onset.
    routing: the other numbers of the routing matrix by their names, where they differ from
        the default; never changed in place.
    freeze, blackout, neutral: whether they are on; blackout_fade: s.
    X_count, X_s: number of times that the trigger X was fired, and time of the last one,
        monotonic s. The counts only rise, so that a reader of only the newest state misses none.
    """

    preset: str
    face: str
    expression: str
    gain: float = _default("gain")
    attack: float = _default("attack")
    release: float = _default("release")
    floor: float = _default("floor")
    ceiling: float = _default("ceiling")
    dynamics: float = _default("dynamics")
    curve: float = _default("curve")
    accent: float = _default("accent")
    accent_decay: float = _default("accent_decay")
    gate: float = _default("gate")
    agc: str = "on"
    bpm: float = _default("bpm")
    lfo_rate: float = _default("lfo_rate")
    lfo_beats: float = _default("lfo_beats")
    freeze: bool = False
    blackout: bool = False
    blackout_fade: float = _default("blackout_fade")
    neutral: bool = False
    routing: Mapping[str, float] = field(default_factory=dict)
    agc_reset_count: int = 0
    agc_reset_s: float = 0.0
    tap_count: int = 0
    tap_s: float = 0.0
    double_count: int = 0
    double_s: float = 0.0
    halve_count: int = 0
    halve_s: float = 0.0
    resync_count: int = 0
    resync_s: float = 0.0

    def number(self, name: str) -> float:
        """Return the value of the float parameter of that name."""
        parameter = BY_NAME[name]
        if parameter.key.startswith("route/"):
            return self.routing.get(parameter.key, parameter.default)
        return float(getattr(self, parameter.key))

    def routes(self) -> tuple[Route, ...]:
        """Return the route of every source to every channel, for a ``Mixer``."""
        return tuple(
            Route(
                source,
                channel,
                *(
                    self.number(f"route/{channel}/{source}/{part}")
                    for part in ("amount", "attack", "release")
                ),
            )
            for channel in CHANNELS
            for source in SOURCES
        )

    def response(self) -> Response:
        """Return how the face responds with these controls."""
        return Response(
            gain=self.gain,
            dynamics=self.dynamics,
            curve=self.curve,
            floor=self.floor,
            ceiling=self.ceiling,
            lfo_rate_hz=self.lfo_rate,
            lfo_beats=self.lfo_beats,
            routes=self.routes(),
        )


@dataclass(frozen=True)
class Preset:
    """The settings of a preset.

    values: by parameter name, already checked: numbers, and names for choices.
    """

    name: str
    face: str
    expression: str
    values: Mapping[str, float | str] = field(default_factory=dict)
    about: str = ""

    def applied(self, controls: Controls) -> Controls:
        """Return ``controls`` with this preset switched on.

        Parameters that it does not name get their defaults, so that a preset looks the same
        whatever was on before. Only those of the room and the song stay: gate, automatic gain,
        tempo, freeze, blackout and neutral, and the triggers' counts.
        """
        stays: dict[str, Any] = {
            key: getattr(controls, key)
            for row in PARAMETERS
            if row.room or row.kind == "trigger"
            for key in ((f"{row.name}_count", f"{row.name}_s") if not row.room else (row.key,))
        }
        fresh = Controls(self.name, self.face, self.expression, **stays)
        for name, value in self.values.items():
            fresh = _with(fresh, BY_NAME[name].key, value)
        return fresh


@dataclass(frozen=True)
class Stock:
    """Names to choose from, in their listed order, and all presets."""

    faces: Sequence[str]
    expressions: Sequence[str]
    presets: Mapping[str, Preset] = field(default_factory=dict)

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""
        lists = {"face": self.faces, "expression": self.expressions, "preset": list(self.presets)}
        return lists.get(parameter) or find(parameter).choices


def change(
    controls: Controls, name: str, value: object, stock: Stock, *, now_s: float = 0.0
) -> Controls:
    """Return ``controls`` with the parameter ``name`` set to ``value``, or the trigger fired.

    now_s: present time, monotonic s; for triggers.

    Raises:
        InputError: no such parameter, or the value does not fit it.
    """
    parameter = find(name)
    if parameter.kind == "trigger":
        if not fires(parameter, value):
            return controls
        count: int = getattr(controls, f"{name}_count")
        fired: dict[str, Any] = {f"{name}_count": count + 1, f"{name}_s": now_s}
        return replace(controls, **fired)
    if parameter.kind == "float":
        return _with(controls, parameter.key, number_in_range(parameter, value))
    if parameter.kind == "toggle":
        return _with(controls, parameter.key, fires(parameter, value))
    chosen = choose(name, stock.names(name), value)
    if name == "preset":
        return stock.presets[chosen].applied(controls)
    return _with(controls, parameter.key, chosen)


def _with(controls: Controls, key: str, value: float | str) -> Controls:
    """Return ``controls`` with the checked ``value`` kept under ``key``."""
    if key.startswith("route/"):
        routing = {**controls.routing, key: float(value)}
        if value == BY_NAME[key].default:
            del routing[key]
        return replace(controls, routing=routing)
    changed: dict[str, Any] = {key: value}
    return replace(controls, **changed)
