"""Idle motion: a face moves a little by itself, as one that waits, and less while music drives it.

It is no part of the weights, which say what is heard; it is drawn beside them. Blinks are a source
of the routing matrix instead (``vjnode.modulation.blinks``).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from types import MappingProxyType

from vjnode.modulation.modulators import follow

DEPTH = 0.06
"""The most that a smile of its own adds to the weight, at an amount of 0.5: a hint; twice as much
opens a mouth."""

REACH: Mapping[str, float] = MappingProxyType(
    {"gaze_left": 0.5, "gaze_right": 0.5, "nod_down": 0.22}
)
"""Actions that it moves, each with the amount of it that a weight of 1 is."""

AFTER_S = 0.4
"""Sound must have been away for so long: a rest between two notes is none."""

EASE_IN_S, EASE_OUT_S = 4.0, 0.8

_WAVES = ((5.3, 0.65), (8.7, 0.35))
"""Periods, s, and shares: two breaths that seldom coincide, so that it is no machine's."""

_LOOKS_S = (0.9, 4.5)
"""Shortest and longest time for which eyes rest on something, s."""

_GLANCE_S = 0.03
"""Time constant of a glance, s."""

_STRAIGHT = 0.4
"""Part of all glances that look ahead."""

_BUSY = 0.35
"""Weight from which on the music has the face to itself."""

_BUSY_S, _CALM_S = 0.15, 2.0
"""Time constants, s, of becoming busy and calm."""

_SEED = 11


@dataclass(frozen=True)
class Movement:
    """Movement of a face by itself.

    smile: 0…2 ``DEPTH``, to be added to the weight. gaze: −1…1, from one side to the other.
    breath: 0…1, of the head.
    """

    smile: float = 0.0
    gaze: float = 0.0
    breath: float = 0.0

    @property
    def weights(self) -> tuple[float, ...]:
        """Weights of the actions of ``REACH``, 0…1."""
        return max(self.gaze, 0.0), max(-self.gaze, 0.0), self.breath


class Idle:
    """The movement of a face at any moment; reads no clock, and is the same in every show."""

    def __init__(self) -> None:
        self._random = Random(_SEED)
        self._now_s: float | None = None
        self._quiet_s = 0.0
        self._level = 0.0
        self._phase_s = 0.0
        self._breath_s = 0.0
        self._calm = 1.0
        self._looks_at = self._gaze = 0.0
        self._next_s = 0.0

    def step(
        self,
        now_s: float,
        *,
        quiet: bool,
        weight: float = 0.0,
        others: float = 0.0,
        smile: float = 0.5,
        gaze: float = 0.5,
        breath: float = 0.5,
    ) -> Movement:
        """Return the movement at ``now_s``.

        now_s: rises from call to call. quiet: whether nothing is heard. weight: of the first
        channel, 0…1. others: the largest weight of the others: what they do hides a glance.
        smile, gaze, breath: amounts of each, 0…1.
        """
        dt_s = 0.0 if self._now_s is None else max(now_s - self._now_s, 0.0)
        self._now_s = now_s
        calm = max(0.0, 1.0 - weight / _BUSY)
        self._calm = follow(self._calm, calm, dt_s=dt_s, attack_s=_CALM_S, release_s=_BUSY_S)
        free = self._calm * max(0.0, 1.0 - others)
        self._breath_s += dt_s
        return Movement(
            smile=2.0 * smile * self._smile(dt_s, quiet=quiet),
            gaze=gaze * free * self._glance(dt_s),
            breath=breath * free * _wave(self._breath_s),
        )

    def _smile(self, dt_s: float, *, quiet: bool) -> float:
        self._quiet_s = self._quiet_s + dt_s if quiet else 0.0
        if self._quiet_s > AFTER_S:
            self._level = min(self._level + dt_s / EASE_IN_S, 1.0)
        else:
            self._level = max(self._level - dt_s / EASE_OUT_S, 0.0)
        if self._level == 0.0:
            self._phase_s = 0.0  # each time it begins at rest
            return 0.0
        self._phase_s += dt_s
        eased = self._level * self._level * (3.0 - 2.0 * self._level)
        return DEPTH * eased * _wave(self._phase_s)

    def _glance(self, dt_s: float) -> float:
        """Return where the eyes look, −1…1: they rest, and move on within a few frames."""
        self._next_s -= dt_s
        if self._next_s <= 0.0:
            ahead = self._random.random() < _STRAIGHT
            self._looks_at = 0.0 if ahead else self._random.uniform(-1.0, 1.0)
            self._next_s = self._random.uniform(*_LOOKS_S)
        self._gaze = follow(
            self._gaze, self._looks_at, dt_s=dt_s, attack_s=_GLANCE_S, release_s=_GLANCE_S
        )
        return self._gaze


def _wave(phase_s: float) -> float:
    """Return breathing, 0…1, and 0 at first."""
    return sum(
        share * (0.5 - 0.5 * math.cos(2.0 * math.pi * phase_s / period_s))
        for period_s, share in _WAVES
    )
