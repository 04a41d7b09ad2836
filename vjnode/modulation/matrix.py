"""Routing matrix: each source, shaped in time, adds its amount to each channel."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from vjnode.errors import InputError
from vjnode.modulation.modulators import Accent, Hit, follow
from vjnode.modulation.shaping import add_softly, amplify

SOURCES = ("weight", "onset", "low", "mid", "high", "beat", "lfo", "constant")
"""Names of the sources; each is 0…1. See ``SourceValues``."""

_OF_SOUND = ("weight", "onset", "low", "mid", "high")

CHANNELS = ("expression",)
"""Channels that sources can drive, each by the name of the parameter that chooses its expression.
A new channel, such as ``expression/2``, is one more entry here. Direct drawing draws all of them,
key frames the first."""

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
class SourceValues:
    """Values of the sources at one moment, each 0…1. The source ``constant`` is always 1.

    weight: the encoder's weight, calibrated and shaped (``vjnode.modulation.shaping``).
    low, mid, high: levels of the bands.
    beat: ``vjnode.modulation.modulators.beat_pulse``; 0 while no beat is known.
    lfo: ``vjnode.modulation.modulators.Lfo``.
    hits: the onsets found since the last step.
    """

    weight: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    beat: float = 0.0
    lfo: float = 0.0
    hits: tuple[Hit, ...] = ()

    def continuous(self, source: str) -> float:
        """Return the value of any source but the onset, clipped to 0…1; 0 if it is no number."""
        value: float = 1.0 if source == "constant" else getattr(self, source)
        # One NaN in a pole's state would stay there for ever.
        return min(1.0, max(0.0, value)) if math.isfinite(value) else 0.0


_SETTINGS = {
    "weight": (1.0, 0.0, 0.05),
    # Not more: accents are as large in calm passages as in wild ones, and would hide the contrast.
    "onset": (0.2, 0.0, 0.12),
    "low": (0.0, 0.01, 0.2),
    "mid": (0.0, 0.01, 0.2),
    "high": (0.0, 0.01, 0.2),
    "beat": (0.0, 0.0, 0.0),
    "lfo": (0.0, 0.0, 0.0),
    "constant": (0.0, 0.0, 0.0),
}


def default_route(source: str, channel: str) -> Route:
    """Return the default route from a source to a channel.

    The first channel follows the weight, with an accent from each onset; all others have amount 0.
    """
    amount, attack_s, release_s = _SETTINGS[source]
    return Route(source, channel, amount if channel == CHANNELS[0] else 0.0, attack_s, release_s)


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
        self.use(default_routes() if routes is None else routes)

    def use(self, routes: Iterable[Route]) -> None:
        """Switch to these routes; the envelopes continue from their present values."""
        self._routes = tuple(routes)

    def step(
        self, sources: SourceValues, dt_s: float, *, gain: float = 1.0, calming: float = 1.0
    ) -> dict[str, float]:
        """Advance by ``dt_s`` (s) and return the new value of every channel, 0…1.

        Each positive part gain · amount · enveloped source is amplified with a soft knee
        (``amplify`` of ``vjnode.modulation.shaping``); the results are added softly
        (``add_softly``), and the negative parts are subtracted from that; no value falls below 0.

        dt_s: time since the last step; 0 or less changes nothing.
        gain: factor on every amount, 0 or more.
        calming: factor by which the sources of sound fall faster than by their release.
        """
        parts: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
        ends: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
        taken = dict.fromkeys(CHANNELS, 0.0)
        for route in self._routes:
            level = self._enveloped(route, sources, dt_s, calming)
            factor = gain * route.amount
            if factor > 0.0:
                parts[route.channel].append(amplify(level, factor))
                ends[route.channel].append(min(1.0, factor))
            else:
                taken[route.channel] -= factor * level
        return {
            channel: max(0.0, add_softly(parts[channel], ends[channel]) - taken[channel])
            for channel in CHANNELS
        }

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
