"""An accent: what an onset adds. It is there at once and dies away from the onset's own time."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_EQUAL = 1e-6


@dataclass(frozen=True)
class Hit:
    """An onset, seen from a moment.

    age_s: how long before that moment it sounded, s, 0 or more.
    strength: 0…1.
    """

    age_s: float
    strength: float


class Accent:
    """The accent at any moment, the same at any frame rate.

    Each hit is an impulse h(t) = strength · exp(−t / release). Several do not pile up: the
    strongest at the moment counts, so that a fast hat cannot add up to more than a kick.
    With an attack of 0 the accent is that impulse; with a longer one it follows the impulse
    through one pole while that is above it, and falls with it:

        y' = (h − y) / attack while y < h, else y = h
    """

    def __init__(self) -> None:
        self._impulse = 0.0
        self.level = 0.0

    def step(self, hits: Iterable[Hit], *, dt_s: float, attack_s: float, release_s: float) -> float:
        """Move on by ``dt_s`` and return the accent there, 0…1.

        hits: those that came to be known since the last step, in any order; their age is as
            of the end of this step. One older than the step counts as much as is left of it.
        attack_s, release_s: time constants (63 %), s; 0 jumps, so release 0 is no accent.
        """
        left_s = max(0.0, dt_s)
        for hit in sorted(hits, key=lambda one: -one.age_s):
            age_s = min(max(0.0, hit.age_s), left_s)
            self._move(left_s - age_s, attack_s, release_s)
            left_s = age_s
            late_s = max(0.0, hit.age_s - max(0.0, dt_s))
            strength = min(1.0, max(0.0, hit.strength)) * _left(late_s, release_s)
            self._impulse = max(self._impulse, strength)
            self._move(0.0, attack_s, release_s)
        self._move(left_s, attack_s, release_s)
        return self.level

    def _move(self, dt_s: float, attack_s: float, release_s: float) -> None:
        before, self._impulse = self._impulse, self._impulse * _left(dt_s, release_s)
        if attack_s <= 0.0:
            self.level = self._impulse
            return
        # The pole's answer to a dying exponential, solved, not stepped. Once it has reached
        # the impulse this solution stays above it, so the lesser of both is exact.
        stays = _left(dt_s, attack_s)
        apart = dt_s / attack_s - (dt_s / release_s if release_s > 0.0 else math.inf)
        if abs(apart) < _EQUAL:
            gained = dt_s / attack_s * stays
        elif release_s <= 0.0:
            gained = 0.0
        else:
            gained = dt_s / attack_s * (_left(dt_s, release_s) - stays) / apart
        self.level = min(self._impulse, self.level * stays + before * gained)


def _left(dt_s: float, time_s: float) -> float:
    """Return what is left after ``dt_s`` of something that dies with ``time_s``."""
    if dt_s <= 0.0:
        return 1.0
    return math.exp(-dt_s / time_s) if time_s > 0.0 else 0.0
