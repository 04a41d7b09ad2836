"""Glides: numbers on their way to a value, as a function of time; no clock is read here.

Whoever has a glide and the value that it goes to can tell where it is at any moment, in any
process, and it can be left for another one at any moment without a jump.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

EASE = 0.2
"""Part of an even way's time in which it sets out, and in which it arrives."""

_RATE = 1.0 / (1.0 - EASE)


def _even(passed: float) -> float:
    left = 1.0 - passed
    if passed < EASE:
        return _RATE * passed * passed / (2.0 * EASE)
    if left < EASE:
        return 1.0 - _RATE * left * left / (2.0 * EASE)
    return _RATE * (passed - 0.5 * EASE)


_CURVES: Mapping[str, tuple[Callable[[float], float], float]] = {
    "even": (_even, _RATE),
    "linear": (lambda passed: passed, 1.0),
    "soft": (lambda passed: passed * passed * (3.0 - 2.0 * passed), 1.5),
    "in": (lambda passed: passed * passed, 2.0),
    "out": (lambda passed: passed * (2.0 - passed), 2.0),
}
"""Part of a way that is behind after a part of its time; and the fastest rate, in ways per time."""

EASINGS = tuple(_CURVES)
"""Names of the ways to set out and arrive.

``even`` does both evenly, and goes at one rate between; ``linear`` does neither; ``soft`` does both
with no rate between; ``in`` sets out slowly, ``out`` arrives slowly.
"""


def eased(passed: float, easing: str = EASINGS[0]) -> float:
    """Return how much of a way is behind after a part of its time, both 0…1."""
    return _CURVES[easing][0](passed)


def steepest(easing: str) -> float:
    """Return the fastest rate of an easing, in ways per duration."""
    return _CURVES[easing][1]


@dataclass(frozen=True)
class Way:
    """A way to make a change. over_s: its duration, s; 0 is at once. easing: one of ``EASINGS``."""

    over_s: float
    easing: str = EASINGS[0]


BY_HAND = Way(0.1, "linear")
"""The way of a number that is taken over by hand while it is on another."""


@dataclass(frozen=True)
class Glide:
    """A number on its way. start: its value at ``begun_s``, monotonic s."""

    start: float
    begun_s: float
    way: Way

    @property
    def ends_s(self) -> float:
        """Time at which it has arrived, monotonic s."""
        return self.begun_s + self.way.over_s

    def at(self, target: float, now_s: float) -> float:
        """Return its value now, on the way to ``target``."""
        if now_s >= self.ends_s:
            return target
        passed = max(now_s - self.begun_s, 0.0) / self.way.over_s
        return self.start + (target - self.start) * eased(passed, self.way.easing)
