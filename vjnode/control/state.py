"""State of all parameters, and the pure function that changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vjnode.control.parameter import Firing, fires, number_in_range
from vjnode.control.parameters import NONE, PARAMETERS, find
from vjnode.control.set_list import SetList
from vjnode.control.values import Values
from vjnode.errors import InputError
from vjnode.modulation.matrix import CHANNELS, SOURCES, Envelope, Route
from vjnode.modulation.response import Response
from vjnode.naming import choose


class Controls(Values):
    """The state of every parameter at one moment; see ``PARAMETERS`` for ranges and units.

    Values are read by the parameter's name, and may be compared and hashed. What the artist asks
    for is read off them here.

    Args:
        preset, face, expression: their names.
        values: of other parameters, by name, not checked for their range; the rest get their
            defaults.

    Raises:
        InputError: there is no such parameter.
    """

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
    """Names to choose from, in their listed order, all presets, and the entries of a set list."""

    faces: Sequence[str]
    expressions: Sequence[str]
    presets: Mapping[str, Preset] = field(default_factory=dict)
    entries: SetList = field(default_factory=dict)

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""
        if find(parameter).key in CHANNELS:
            return (*self.expressions, NONE)
        presets = list(self.presets)
        lists = {
            "face": self.faces,
            "preset": presets,
            "safe_preset": presets,
            "set": list(self.entries),
        }
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
    if name == "set" and not stock.entries:
        raise InputError("there is no set list; begin with one: --set-list FILE.toml")
    chosen = choose(name, stock.names(name), value, first=1)
    if name == "preset":
        return stock.fitted(stock.presets[chosen].applied(controls))
    if name == "set":
        controls = change(controls, "preset", stock.entries[chosen].preset, stock)
    return controls.with_(**{name: chosen})
