"""Routing matrix: each source, shaped in time, adds its amount to each channel."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vjnode.errors import InputError
from vjnode.modulation.modulators import Accent, Hit, follow
from vjnode.modulation.shaping import add_softly, amplify

SOURCES = ("weight", "onset", "low", "mid", "high", "beat", "lfo", "constant", "blink")
"""Names of the sources; each is 0…1. See ``SourceValues``."""

_OF_SOUND = ("weight", "onset", "low", "mid", "high")
_OF_ITSELF = ("blink",)

CHANNELS = ("expression", "expression/2", "expression/3", "expression/4")
"""Channels that sources can drive, each by the name of the parameter that chooses its expression.
A new channel is one more entry here."""

AMOUNT_LOW, AMOUNT_HIGH = -1.0, 2.0


@dataclass(frozen=True)
class Route:
    """Route from one source to one channel.

    amount: −1…2, factor on the source; below 0 the source is subtracted.
    attack_s, release_s: time in which 63 % of a rise or fall is made, s; 0 is at once. For
        the onset: time constants of the accent's rise and decay.

    Raises:
        InputError: an unknown name, or a number out of range.
    """

    source: str
    channel: str
    amount: float
    attack_s: float
    release_s: float

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise InputError(f"no source '{self.source}'; there are: {', '.join(SOURCES)}")
        if self.channel not in CHANNELS:
            raise InputError(f"no channel '{self.channel}'; there are: {', '.join(CHANNELS)}")
        if not AMOUNT_LOW <= self.amount <= AMOUNT_HIGH:
            raise InputError(
                f"the amount of {self.source} is {self.amount}; it must be within "
                f"{AMOUNT_LOW:g} to {AMOUNT_HIGH:g}"
            )
        for name in ("attack_s", "release_s"):
            if not 0.0 <= (value := getattr(self, name)) < math.inf:
                raise InputError(f"{name} of {self.source} is {value}; it must be 0 s or more")


@dataclass(frozen=True)
class Envelope:
    """Settings of a channel as a whole, whatever drives it.

    gain: 0 or more, factor on its routes beside the gain of all.
    attack_s, release_s: time in which 63 % of a rise or fall of their sum is made, s; 0 is at once.
    """

    gain: float = 1.0
    attack_s: float = 0.0
    release_s: float = 0.0


@dataclass(frozen=True)
class SourceValues:
    """Values of the sources at one moment, each 0…1. The source ``constant`` is always 1.

    weight: the encoder's weight, calibrated and shaped (``vjnode.modulation.shaping``).
    low, mid, high: levels of the bands.
    beat: ``vjnode.modulation.modulators.beat_pulse``; 0 while no beat is known.
    lfo: ``vjnode.modulation.modulators.Lfo``.
    blink: ``vjnode.modulation.blinks.Blinks``.
    hits: the onsets found since the last step.
    """

    weight: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    beat: float = 0.0
    lfo: float = 0.0
    blink: float = 0.0
    hits: tuple[Hit, ...] = ()

    def continuous(self, source: str) -> float:
        """Return the value of any source but the onset, clipped to 0…1; 0 if it is no number."""
        value: float = 1.0 if source == "constant" else getattr(self, source)
        # One NaN in a pole's state would stay there for ever.
        return min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0


_STILL = {
    "weight": (0.0, 0.0, 0.05),
    "onset": (0.0, 0.0, 0.12),
    "low": (0.0, 0.01, 0.2),
    "mid": (0.0, 0.01, 0.2),
    "high": (0.0, 0.01, 0.2),
    "beat": (0.0, 0.0, 0.0),
    "lfo": (0.0, 0.0, 0.0),
    "constant": (0.0, 0.0, 0.0),
    "blink": (0.0, 0.0, 0.0),
}
_SETTINGS_OF = {
    # No stronger accents: they are as large in calm passages as in wild ones, and would hide the
    # contrast.
    "expression": _STILL | {"weight": (1.0, 0.0, 0.05), "onset": (0.2, 0.0, 0.12)},
    "expression/2": _STILL | {"onset": (0.7, 0.03, 0.25)},
    "expression/3": _STILL | {"blink": (1.0, 0.0, 0.0)},
}
"""Of the channels that something drives as they come."""


def default_route(source: str, channel: str) -> Route:
    """Return the default route from a source to a channel.

    The first channel follows the weight, with an accent from each onset; the second the onsets,
    the third the blinks. All others have amount 0.
    """
    amount, attack_s, release_s = _SETTINGS_OF.get(channel, _STILL)[source]
    return Route(source, channel, amount, attack_s, release_s)


def default_routes() -> tuple[Route, ...]:
    """Return the default route of every source to every channel."""
    return tuple(default_route(source, channel) for channel in CHANNELS for source in SOURCES)


class Mixer:
    """Adds up the contributions of the routes to each channel; reads no clock.

    Every route has an envelope of its own, which keeps running while its amount is 0, so that
    turning the amount up does not start with a swell.
    """

    def __init__(self, routes: Iterable[Route] | None = None) -> None:
        self._routes: tuple[Route, ...] = ()
        self._levels: dict[tuple[str, str], float] = {}
        self._accents: dict[str, Accent] = {}
        self._sums = dict.fromkeys(CHANNELS, 0.0)
        self.use(default_routes() if routes is None else routes)

    def use(self, routes: Iterable[Route], envelopes: Mapping[str, Envelope] | None = None) -> None:
        """Switch to these routes and channels' envelopes, which go on from their present values."""
        self._routes = tuple(routes)
        self._envelopes = {channel: Envelope() for channel in CHANNELS} | dict(envelopes or {})

    def step(
        self, sources: SourceValues, dt_s: float, *, gain: float = 1.0, calming: float = 1.0
    ) -> dict[str, float]:
        """Advance by ``dt_s`` (s) and return the new value of every channel, 0…1.

        Each positive part gain · amount · enveloped source is amplified with a soft knee
        (``amplify`` of ``vjnode.modulation.shaping``); the results are added softly
        (``add_softly``), and the negative parts are subtracted from that; no value falls below 0.

        dt_s: time since the last step; 0 or less changes nothing.
        gain: factor on every amount but those of blinks, 0 or more. Channels have one more.
        calming: factor by which the sources of sound fall faster than by their release.
        """
        parts: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
        ends: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
        taken = dict.fromkeys(CHANNELS, 0.0)
        for route in self._routes:
            level = self._enveloped(route, sources, dt_s, calming)
            own = self._envelopes[route.channel].gain
            factor = (own if route.source in _OF_ITSELF else gain * own) * route.amount
            if factor > 0.0:
                parts[route.channel].append(amplify(level, factor))
                ends[route.channel].append(min(1.0, factor))
            else:
                taken[route.channel] -= factor * level
        for channel, envelope in self._envelopes.items():
            target = max(0.0, add_softly(parts[channel], ends[channel]) - taken[channel])
            self._sums[channel] = follow(
                self._sums[channel],
                target,
                dt_s=dt_s,
                attack_s=envelope.attack_s,
                release_s=envelope.release_s,
            )
        return dict(self._sums)

    def _enveloped(self, route: Route, sources: SourceValues, dt_s: float, calming: float) -> float:
        release_s = route.release_s / (calming if route.source in _OF_SOUND else 1.0)
        times = {"dt_s": dt_s, "attack_s": route.attack_s, "release_s": release_s}
        if route.source == "onset":
            accent = self._accents.setdefault(route.channel, Accent())
            return accent.step(sources.hits, **times)
        key = (route.source, route.channel)
        target = sources.continuous(route.source)
        self._levels[key] = follow(self._levels.get(key, 0.0), target, **times)
        return self._levels[key]
