"""Automatic gain: a quiet line and a hot one give the same show.

This finds the gain, dB; ``Analyser`` multiplies the sound that the encoder hears by it.

It must be fast at the start, when nothing is known, and after that leave the music's own rise and
fall alone. The reference level is therefore that of the loud passages heard so far, which a quiet
passage cannot change; at the very start, when there may have been none, louder ones are expected
to come. Once the gain is about right, it hardly moves: a gain that is always moving towards the
best value hides which of two passages was the louder one.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import HOP_S

TARGET_DB = -20.0
"""Loudness to which the loud passages are brought, dB of K-weighted power."""

LOWEST_DB, HIGHEST_DB = -30.0, 50.0
"""Limits of the gain."""

_AUDIBLE_DB = -85.0  # a converter's own noise
_GATE_DB = -25.0  # softer passages say nothing about the loud ones
_SMOOTH_S = 0.2
_MEMORY_S = 300.0
# The crack of a pulled plug is not the loudness of the show: a level further above the loud
# passages than the first value is limited to it; a level below the smoothed one by the second
# value is only the smoothing's decay after such a peak, and does not count.
_SUDDEN_DB, _FALLING_DB = 8.0, -10.0
_EXPONENT = 3.0  # a mean of cubed powers: passages 10 dB below the loudest do not count
_HEADROOM_DB = 6.0
_HEADROOM_S = 40.0
_ACQUIRED_S = 3.0

# Within the zone around the wanted gain, the gain is good enough and moves very slowly; from
# outside it comes back soon, and sooner where it is too high. At first the zone is narrow:
# whichever side the gain comes from, it must not stay at that edge for the whole show.
_ZONE_DB, _ZONE_S = 3.0, 200.0
_ZONE_GROWS_S = 20.0
_UP_S, _DOWN_S = 5.0, 0.5
_RISE_DB_S = 3.0

# The level of hiss, hum and test tones does not move; they do not tell how loud a show is.
_PART_HOPS = 8
_PARTS_LEAST, _PARTS_MOST = 10, 22
_PAUSE_PARTS = 10
_STEADY_DB = 0.8

# A source counts as turned down when nothing has come near the loud passages for this long.
_LOST_S = 45.0
_LOST_DB = -14.0

_SMOOTH, _KEEP = 1.0 - math.exp(-HOP_S / _SMOOTH_S), math.exp(-HOP_S / _MEMORY_S)
_FALLING = 10.0 ** (_FALLING_DB / 10.0)


class AutoGain:
    """Automatic gain: follows the loudness of the sound, hop by hop, and sets the gain by it.

    The same sound at another level gets the same gain plus the difference, once its level has
    moved for a second, as long as it is audible and the limits are not reached.
    """

    def __init__(self) -> None:
        self.gain_db = 0.0
        """Gain in force."""
        self._held_db = 0.0
        self.reset()

    def reset(self) -> None:
        """Forget the sound heard so far; the gain stays until new sound has been heard."""
        self._power = 0.0
        self._part: list[float] = []
        self._parts: deque[float] = deque(maxlen=_PARTS_MOST)
        self._silent = 1
        self.moves = False
        """True if the level moves as that of music does; hum, hiss and test tones do not."""
        self._reference: float | None = None
        self._sum = self._count = 0.0
        self._heard_s = 0.0
        self._lost_s = 0.0
        self._astray = False

    def step(self, power: float, *, mode: str = "on") -> float:
        """Take the K-weighted mean square of the next hop; return the gain, dB.

        mode: ``on``; ``freeze`` keeps the gain and learns nothing; ``off`` is 0 dB.
        """
        if mode == "on":
            self._learn(power)
        self.gain_db = 0.0 if mode == "off" else self._held_db
        return self.gain_db

    def _learn(self, power: float) -> None:
        self._power += (power - self._power) * _SMOOTH
        level_db = _db(self._power)
        falling = power < self._power * _FALLING
        if self._steady(power) or falling or _db(power) < _AUDIBLE_DB:
            return
        heard = self._power
        if self._reference is not None:
            beside_db = level_db - _db(self._reference)
            self._lost_s = 0.0 if beside_db > _LOST_DB else self._lost_s + HOP_S
            if self._lost_s > _LOST_S:
                self._sum = self._count = self._lost_s = 0.0
                self._astray = True
            elif beside_db < _GATE_DB:
                return
            else:
                heard = min(heard, self._reference * 10.0 ** (_SUDDEN_DB / 10.0))
        self._sum = _KEEP * self._sum + heard**_EXPONENT
        self._count = _KEEP * self._count + 1.0
        self._reference = (self._sum / self._count) ** (1.0 / _EXPONENT)
        self._heard_s += HOP_S
        self._approach(self._reference)

    def _approach(self, reference: float) -> None:
        headroom_db = _HEADROOM_DB * math.exp(-self._heard_s / _HEADROOM_S)
        wanted_db = TARGET_DB - _db(reference) - headroom_db
        wanted_db = min(max(wanted_db, LOWEST_DB), HIGHEST_DB)
        if self._heard_s <= _ACQUIRED_S:
            self._held_db = wanted_db
            return
        beside_db = wanted_db - self._held_db
        self._astray = self._astray and abs(beside_db) > 1.0
        grown = 1.0 - math.exp(-self._heard_s / _ZONE_GROWS_S)
        zone_db = 0.0 if self._astray else _ZONE_DB * grown
        inside_db = min(max(beside_db, -zone_db), zone_db)
        outside_db = beside_db - inside_db
        rate_db_s = inside_db / _ZONE_S + outside_db / (_UP_S if outside_db > 0.0 else _DOWN_S)
        self._held_db += min(rate_db_s, _RISE_DB_S) * HOP_S

    def _steady(self, power: float) -> bool:
        """Return whether the level of the last two seconds has not moved, but for an even slope."""
        self._part.append(power)
        if len(self._part) == _PART_HOPS:
            level_db = _db(float(np.mean(self._part)))
            self._part.clear()
            if level_db < _AUDIBLE_DB:
                self._silent += 1
                if self._silent > _PAUSE_PARTS:
                    self._parts.clear()  # a start after a pause is no movement
            else:
                if not self._silent:  # the part that ends a silence may be silent at its start
                    self._parts.append(level_db)
                self._silent = 0
            self.moves = (
                len(self._parts) >= _PARTS_LEAST
                and float(np.std(_detrended(np.array(self._parts)))) > _STEADY_DB
            )
        return not self.moves


def _detrended(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``levels`` minus the straight line that fits them best."""
    x = np.arange(len(levels)) - (len(levels) - 1) / 2.0
    slope = float(x @ levels) / float(x @ x)
    return np.asarray(levels - levels.mean() - slope * x)


def _db(power: float) -> float:
    return 10.0 * math.log10(power + 1e-14)
