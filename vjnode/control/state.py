"""State of all parameters, and the pure function that changes it."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from vjnode.control.address import OF_PRESETS, Act
from vjnode.control.argument import as_number, pressed
from vjnode.control.parameter import Firing, Parameter, Value, fires, number_in_range
from vjnode.control.parameters import BY_NAME, NONE, PARAMETERS, find
from vjnode.errors import InputError
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

    def still_channels(self) -> frozenset[int]:
        """Return the channels that nothing drives but the constant, which a hand turns up."""
        driven = {
            route.channel for route in self.routes() if route.amount and route.source != "constant"
        }
        return frozenset(index for index, channel in enumerate(CHANNELS) if channel not in driven)

    def joint_channels(self) -> tuple[int, ...]:
        """Return the channels that are driven just as the first one is."""
        envelopes, drives = self.envelopes(), dict[str, list[tuple[object, ...]]]()
        for route in self.routes():
            drive = (route.source, route.amount, route.attack_s, route.release_s)
            drives.setdefault(route.channel, []).append(drive)
        first = drives[CHANNELS[0]], envelopes[CHANNELS[0]]
        return tuple(
            index
            for index, channel in enumerate(CHANNELS)
            if index and (drives[channel], envelopes[channel]) == first
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
    chosen = choose(name, stock.names(name), value, first=1)
    if name == "preset":
        return stock.fitted(stock.presets[chosen].applied(controls))
    return controls.with_(**{name: chosen})


def perform(
    controls: Controls,
    act: Act,
    value: object,
    stock: Stock,
    *,
    now_s: float = 0.0,
    pick: Callable[[Sequence[str]], str] = random.choice,
) -> Controls:
    """Return ``controls`` after an act, with whatever a hand or a program sent along.

    A number out of range goes as far as the range does. A button that is let go, which sends 0,
    does nothing. now_s: present time, monotonic s; for triggers. pick: chooses at random.

    Raises:
        InputError: the value is nothing that the parameter takes.
    """
    row = act.parameter
    if act.verb in OF_PRESETS:
        raise InputError("presets are kept by a show that runs, or by: vjnode presets")
    if row.kind == "trigger":
        return change(controls, row.name, float(pressed(row, value)), stock, now_s=now_s)
    if row.kind == "toggle":
        return controls.with_(**{row.name: as_number(row, value) != 0.0})
    if row.kind == "float":
        return controls.with_(**{row.name: _moved(controls, act, as_number(row, value))})
    chosen = _choice(controls, act, value, stock, pick)
    return controls if chosen is None else change(controls, row.name, chosen, stock)


def _moved(controls: Controls, act: Act, number: float) -> float:
    """Return the value of a float after an act with a number."""
    row = act.parameter
    if act.verb == "norm":
        return row.at(number)
    if act.verb == "add":
        now = controls.number(row.name)
        if now == row.off and row.off is not None:
            raise InputError(f"{row.name} is {row.off:g} ({row.off_means}); set it before you add")
        return min(max(now + number, row.low), row.high)
    return row.clamped(number)


def _choice(
    controls: Controls,
    act: Act,
    value: object,
    stock: Stock,
    pick: Callable[[Sequence[str]], str],
) -> str | float | None:
    """Return the name or number that is chosen; None for a button that is let go."""
    row = act.parameter
    if act.verb == "set":
        chosen = value if isinstance(value, str) else as_number(row, value)
        return chosen or None
    if not pressed(row, value):
        return None
    names, now = list(stock.names(row.name)), controls.choice(row.name)
    if act.verb == "choose" or not names:
        return act.choice
    if act.verb == "random":
        return pick([name for name in names if name != now] or names)
    step = 1 if act.verb == "next" else -1
    at = names.index(now) if now in names else min(-step, 0)
    return names[(at + step) % len(names)]
