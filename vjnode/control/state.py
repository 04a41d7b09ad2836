"""State of all parameters, and the pure function that changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vjnode.control.parameter import Firing, Parameter, Value, fires, number_in_range
from vjnode.control.parameters import BY_NAME, NONE, PARAMETERS, find
from vjnode.modulation.matrix import CHANNELS, SOURCES, Envelope, Route
from vjnode.modulation.response import Response
from vjnode.naming import choose

_OfKind = TypeVar("_OfKind", float, str, bool, Firing)


@dataclass(frozen=True, init=False)
class Controls:
    """The state of every parameter at one moment; see ``PARAMETERS`` for ranges and units.

    Values are read by the parameter's name, and may be compared and hashed.

    Args:
        preset, face, expression: their names.
        values: of other parameters, by name, not checked for their range; the rest get their
            defaults.

    Raises:
        InputError: there is no such parameter.
    """

    _values: Mapping[str, Value]  # by the row's key, for every key; never changed in place

    def __init__(self, preset: str, face: str, expression: str, **values: Value) -> None:
        given = {"preset": preset, "face": face, "expression": expression, **values}
        defaults = {row.key: row.default for row in PARAMETERS}
        object.__setattr__(self, "_values", {**defaults, **_by_key(given)})

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Controls({', '.join(f'{key}={value!r}' for key, value in self.changed().items())})"

    def with_(self, **values: Value) -> "Controls":
        """Return these controls with other ``values``, by the parameters' names.

        Raises:
            InputError: there is no such parameter.
        """
        changed = object.__new__(Controls)
        object.__setattr__(changed, "_values", {**self._values, **_by_key(values)})
        return changed

    def changed(self) -> dict[str, Value]:
        """Return the values that differ from their parameters' defaults, by key."""
        return {key: value for key, value in self._values.items() if value != BY_NAME[key].default}

    def value(self, name: str) -> Value:
        """Return the value of the parameter of that name, whatever its kind."""
        return self._values[BY_NAME[name].key]

    def number(self, name: str) -> float:
        """Return the value of the float parameter of that name."""
        return self._of_kind(name, float)

    def choice(self, name: str) -> str:
        """Return the name that is chosen by the choice parameter of that name."""
        return self._of_kind(name, str)

    def is_on(self, name: str) -> bool:
        """Return whether the toggle of that name is on."""
        return self._of_kind(name, bool)

    def fired(self, name: str) -> Firing:
        """Return how often the trigger of that name was fired, and when it was last."""
        return self._of_kind(name, Firing)

    def _of_kind(self, name: str, kind: type[_OfKind]) -> _OfKind:
        value = self._values[BY_NAME[name].key]
        if not isinstance(value, kind):
            raise TypeError(f"{name} is a {BY_NAME[name].kind}, not a {kind.__name__}")
        return value

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

    def envelopes(self) -> dict[str, Envelope]:
        """Return the settings of every channel as a whole."""
        return {
            channel: Envelope(
                *(self.number(f"channel/{number}/{part}") for part in ("gain", "attack", "release"))
            )
            for number, channel in enumerate(CHANNELS, 1)
        }

    def expressions(self) -> tuple[str, ...]:
        """Return the expression that each channel may show: "" where none is, or nothing drives it.

        Of the first channel it is there whatever drives it: so a source that comes has its face.
        """
        driven = {route.channel for route in self.routes() if route.amount > 0.0}
        driven -= {name for name, envelope in self.envelopes().items() if envelope.gain == 0.0}
        return tuple(
            "" if chosen == NONE or (channel not in driven and channel != CHANNELS[0]) else chosen
            for channel, chosen in zip(CHANNELS, map(self.choice, CHANNELS), strict=True)
        )

    def response(self) -> Response:
        """Return how the face responds with these controls."""
        return Response(
            gain=self.number("gain"),
            dynamics=self.number("dynamics"),
            curve=self.number("curve"),
            floor=self.number("floor"),
            ceiling=self.number("ceiling"),
            lfo_rate_hz=self.number("lfo_rate"),
            lfo_beats=self.number("lfo_beats"),
            routes=self.routes(),
            envelopes=self.envelopes(),
        )


def _by_key(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return ``values``, which are by name, by the keys that they are kept under."""
    return {find(name).key: _as_kept(BY_NAME[name], value) for name, value in values.items()}


def _as_kept(row: Parameter, value: Value) -> Value:
    return float(value) if row.kind == "float" and isinstance(value, int) else value


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
        stays = {
            row.key: controls.value(row.name)
            for row in PARAMETERS
            if row.stays or row.kind == "trigger"
        }
        return Controls(self.name, self.face, self.expression, **{**stays, **self.values})


@dataclass(frozen=True)
class Stock:
    """Names to choose from, in their listed order, and all presets."""

    faces: Sequence[str]
    expressions: Sequence[str]
    presets: Mapping[str, Preset] = field(default_factory=dict)

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""
        if find(parameter).key in CHANNELS:
            return (*self.expressions, NONE)
        lists = {"face": self.faces, "preset": list(self.presets)}
        return lists.get(parameter) or find(parameter).choices

    def fitted(self, controls: Controls) -> Controls:
        """Return ``controls`` with nothing in channels whose expression is not to be had.

        Those that channels come with belong to one generator.
        """
        lacking = [name for name in CHANNELS if controls.choice(name) not in self.names(name)]
        return controls.with_(**dict.fromkeys(lacking, NONE)) if lacking else controls


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
        return controls.with_(**{name: Firing(controls.fired(name).count + 1, now_s)})
    if parameter.kind == "float":
        return controls.with_(**{name: number_in_range(parameter, value)})
    if parameter.kind == "toggle":
        return controls.with_(**{name: fires(parameter, value)})
    chosen = choose(name, stock.names(name), value)
    if name == "preset":
        return stock.fitted(stock.presets[chosen].applied(controls))
    return controls.with_(**{name: chosen})
