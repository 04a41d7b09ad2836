"""Idle life: a face without sound moves a little of itself, as one that waits.

It is no part of the weight, which says what is heard; it is drawn on top of it.
"""

import math

DEPTH = 0.06
"""The most that idle life adds to the weight: a hint of a smile; twice as much opens a mouth."""

AFTER_S = 0.4
"""Sound must have been away for so long: a rest between two notes is none."""

EASE_IN_S, EASE_OUT_S = 4.0, 0.8

_WAVES = ((5.3, 0.65), (8.7, 0.35))
"""Periods, s, and shares: two breaths that seldom coincide, so that it is no machine's."""


class Idle:
    """The movement of a face that hears nothing; reads no clock."""

    def __init__(self) -> None:
        self._now_s: float | None = None
        self._quiet_s = 0.0
        self._level = 0.0
        self._phase_s = 0.0

    def step(self, now_s: float, *, quiet: bool) -> float:
        """Return how far the face is moved by itself at ``now_s``, 0…``DEPTH``.

        now_s: rises from call to call. quiet: whether nothing is heard.
        """
        dt_s = 0.0 if self._now_s is None else max(now_s - self._now_s, 0.0)
        self._now_s = now_s
        self._quiet_s = self._quiet_s + dt_s if quiet else 0.0
        if self._quiet_s > AFTER_S:
            self._level = min(self._level + dt_s / EASE_IN_S, 1.0)
        else:
            self._level = max(self._level - dt_s / EASE_OUT_S, 0.0)
        if self._level == 0.0:
            self._phase_s = 0.0  # each time it begins at rest
            return 0.0
        self._phase_s += dt_s
        wave = sum(
            share * (0.5 - 0.5 * math.cos(2.0 * math.pi * self._phase_s / period_s))
            for period_s, share in _WAVES
        )
        eased = self._level * self._level * (3.0 - 2.0 * self._level)
        return DEPTH * eased * wave
