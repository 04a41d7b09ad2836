"""Blinks: the clock of a face that blinks by itself, whatever is heard."""

import math
from random import Random

SHUTS_S, SHUT_S, OPENS_S = 0.05, 0.03, 0.07
"""Times in which the lids close, stay shut, and open again, s: 0.15 s in all."""

SHORTEST_S, LONGEST_S = 2.0, 8.0
"""Time from one blink to the next, s."""

PEAK = 0.6
"""Weight above which a face does not begin to blink: a laugh at its peak keeps its eyes."""

_SEED = 7
_SKEW = 1.5  # short pauses are more frequent than long ones, as people's are


class Blinks:
    """Lids that close now and then; reads no clock, and blinks the same in every show."""

    def __init__(self) -> None:
        self._random = Random(_SEED)
        self._began_s = -math.inf
        self._next_s: float | None = None

    def step(self, now_s: float, *, weight: float) -> float:
        """Return how far the lids are shut at ``now_s``, 0…1.

        now_s: rises from call to call. weight: of the first channel, 0…1; above ``PEAK`` a blink
        that is due waits.
        """
        if self._next_s is None or self._next_s - now_s > LONGEST_S:  # the clock went backwards
            self._next_s = now_s + self._pause_s()
        if now_s >= self._next_s and weight <= PEAK:
            late_s = now_s - self._next_s
            # A frame falls between: the blink began when it was due, unless it had to wait.
            self._began_s = self._next_s if late_s < SHUTS_S else now_s
            self._next_s = self._began_s + self._pause_s()
        return _shut(now_s - self._began_s)

    def _pause_s(self) -> float:
        return SHORTEST_S + (LONGEST_S - SHORTEST_S) * math.pow(self._random.random(), _SKEW)


def _shut(age_s: float) -> float:
    """Return how far the lids are shut, 0…1, so long after a blink began."""
    if age_s < SHUTS_S:
        return _eased(age_s / SHUTS_S)
    return _eased(1.0 - (age_s - SHUTS_S - SHUT_S) / OPENS_S)


def _eased(part: float) -> float:
    x = min(1.0, max(0.0, part))
    return x * x * (3.0 - 2.0 * x)
