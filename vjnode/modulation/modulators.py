"""Modulators: envelopes, accents of onsets, the beat's pulse and the LFO."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


def follow(level: float, target: float, *, dt_s: float, attack_s: float, release_s: float) -> float:
    """Return ``level`` after it has moved towards ``target`` for ``dt_s``.

    One pole, exact for any step: two steps of dt/2 give the same as one of dt, so that the
    movement does not depend on the frame rate.

    dt_s: time since the last step, s; below 0, from a clock that went backwards, the level stays.
    attack_s, release_s: time constants (63 % of the way) up and down, s; 0 jumps.
    """
    if dt_s <= 0.0:
        return level
    time_s = attack_s if target > level else release_s
    if time_s <= 0.0:
        return target
    return target + (level - target) * math.exp(-dt_s / time_s)


SLOPE = 0.45
"""Fastest calm movement, weight per second."""

_FREE_S = 0.7
_SMOOTH_S = 0.1
_FAR, _FURTHER = 0.25, 0.1


class Legato:
    """Follows movements that begin with an attack at once, and others calmly.

    A held chord beats and trembles, and its weight with it, by a tenth and more; a face that
    follows that looks nervous. A drum moves the weight as far, but it has an attack. So for 0.7 s
    after an attack the weight is followed as it is, up and down. After that it is smoothed over
    0.1 s and moves no faster than ``slope``. A target more than 0.25 away is followed faster, by
    the square of the excess in tenths, so that a swell or a cut is not dragged out.

    Args:
        slope: fastest calm movement, weight per second; infinite follows everything at once.
    """

    def __init__(self, slope: float = SLOPE) -> None:
        self._slope = slope
        self._since_s = math.inf
        self.level = 0.0

    def step(self, target: float, dt_s: float, *, attack: bool = False) -> float:
        """Advance by ``dt_s`` (s) towards ``target`` and return the new level.

        attack: whether an attack has been heard since the last step.
        """
        self._since_s = 0.0 if attack else self._since_s + max(0.0, dt_s)
        if self._since_s < _FREE_S or math.isinf(self._slope):
            self.level = target
            return self.level
        far = max(0.0, abs(target - self.level) - _FAR) / _FURTHER
        most = self._slope * (1.0 + far * far) * max(0.0, dt_s)
        smoothed = follow(self.level, target, dt_s=dt_s, attack_s=_SMOOTH_S, release_s=_SMOOTH_S)
        self.level += min(max(smoothed - self.level, -most), most)
        return self.level

    def jump(self, level: float) -> None:
        """Set the level to ``level`` at once."""
        self.level = level


_EQUAL = 1e-6


@dataclass(frozen=True)
class Hit:
    """An onset, with its age at a given moment.

    age_s: time since it sounded, s, 0 or more.
    strength: 0…1.
    """

    age_s: float
    strength: float


class Accent:
    """The accent at any moment, the same at any frame rate.

    Each hit is an impulse h(t) = strength · exp(−t / release). Several do not add up: the
    strongest at the moment counts, so that a fast hat cannot grow larger than a kick.
    With an attack of 0 the accent is that impulse; with a longer one it follows the impulse
    through one pole while the impulse is above it, and falls with the impulse:

        y' = (h − y) / attack while y < h, else y = h
    """

    def __init__(self) -> None:
        self._impulse = 0.0
        self.level = 0.0

    def step(self, hits: Iterable[Hit], *, dt_s: float, attack_s: float, release_s: float) -> float:
        """Advance by ``dt_s`` and return the new accent, 0…1.

        hits: hits found since the last step, in any order; their age is that at the end of this
            step. One older than the step counts by the rest that has not decayed.
        attack_s, release_s: time constants (63 %), s; 0 jumps, so release 0 is no accent.
        """
        left_s = max(0.0, dt_s)
        for hit in sorted(hits, key=lambda hit: -hit.age_s):
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
        # The pole's answer to a decaying exponential in closed form. Once it has reached the
        # impulse, this solution stays above it, so the lesser of both is exact.
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
    """Return the part that is left after ``dt_s`` of a decay with time constant ``time_s``."""
    if dt_s <= 0.0:
        return 1.0
    return math.exp(-dt_s / time_s) if time_s > 0.0 else 0.0


RISE = 0.125
"""Last part of a beat, in which the pulse rises towards the next beat: the beat clock predicts
that beat, so the peak is on it and not after it."""


def beat_pulse(phase: float) -> float:
    """Return the pulse at ``phase`` of a beat, 0…1.

    1 on the beat; falls as (1 − phase / (1 − RISE))² to 0 and rises again over the last RISE
    of the beat as x² (3 − 2 x), with x from 0 to 1. Continuous everywhere.

    phase: 0 on the beat, rising to 1 at the next; whole numbers are dropped.
    """
    phase -= math.floor(phase)
    fall = 1.0 - RISE
    if phase < fall:
        return (1.0 - phase / fall) ** 2
    x = (phase - fall) / RISE
    return x * x * (3.0 - 2.0 * x)


class Lfo:
    """A sine between 0 and 1, (1 − cos 2π phase) / 2: free running, or locked to the beat.

    A change of rate never jumps; locking to the beat may, once.
    """

    def __init__(self) -> None:
        self.phase = 0.0

    def step(
        self, dt_s: float, *, rate_hz: float, beats: float = 0.0, position: float | None = None
    ) -> float:
        """Advance by ``dt_s`` (s) and return the value of the wave, 0…1.

        rate_hz: waves per second when free running.
        beats: length of a wave in beats; 0: free running.
        position: beats since the beat clock's count began, with the phase as its fraction;
            None while no beat is known, and the wave is then free running.
        """
        if beats > 0.0 and position is not None:
            self.phase = position / beats % 1.0
        else:
            self.phase = (self.phase + max(0.0, dt_s) * rate_hz) % 1.0
        return 0.5 - 0.5 * math.cos(2.0 * math.pi * self.phase)
