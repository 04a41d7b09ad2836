"""Envelopes of the low, mid and high band, each of which uses its whole range on any track.

A band's level in decibels is scaled between its own recent trough and peak, so that a quiet
input, a thin mix or a loud bass line all move from 0 to 1.
"""

import math
from dataclasses import dataclass

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK_S, RATE_HZ

LOW_HZ = (30.0, 150.0)
"""Kick drum and bass."""

MID_HZ = (250.0, 2500.0)
"""Voices, chords, the skin of snares and toms."""

HIGH_HZ = 5000.0
"""Lower limit of the high band: hats, cymbals and sibilants."""

RELEASE_S = 0.15
"""Time in which an envelope falls from 1 to 0 when a sound stops; linear in decibels."""

_ATTACK_S = 0.01
# Peaks are forgotten in about ten seconds, troughs sooner, so that breaks and new songs show.
_PEAK_FALL_DB_S, _TROUGH_RISE_DB_S = 3.0, 6.0
# Limits of the range between trough and peak: the lower one keeps a held note from being
# magnified, the upper one keeps a fading note from showing for ever.
_LEAST_RANGE_DB, _MOST_RANGE_DB = 12.0, 24.0
# A band whose peak lies further below the loudest band's than this holds only leakage from
# there. The higher the band, the less power music has in it.
_LOW_LEAK_DB, _MID_LEAK_DB, _HIGH_LEAK_DB = -18.0, -24.0, -28.0
_FLOOR_DB = -72.0
_BUTTERWORTH_4 = (0.5412, 1.3066)
_LOW_PASS, _HIGH_PASS = -1.0, 1.0


@dataclass(frozen=True)
class BandLevels:
    """Level of each band, 0 (silent, or at its quietest) … 1 (as loud as its recent peak)."""

    low: float
    mid: float
    high: float


class Bands:
    """Follows the three envelopes, block by block."""

    def __init__(self) -> None:
        rumble = _biquad(LOW_HZ[0], np.sqrt(0.5), _HIGH_PASS)
        mid = [*_fourth(MID_HZ[0], _HIGH_PASS), *_fourth(MID_HZ[1], _LOW_PASS)]
        self._bands = (
            _Band([rumble, *_fourth(LOW_HZ[1], _LOW_PASS)], _LOW_LEAK_DB),
            _Band(mid, _MID_LEAK_DB),
            _Band(_fourth(HIGH_HZ, _HIGH_PASS), _HIGH_LEAK_DB),
        )

    def push(self, mono: NDArray[np.float32]) -> BandLevels:
        """Return the levels after the next block, shape (BLOCK,), float32, finite, −1…1."""
        for band in self._bands:
            band.measure(mono)
        loudest_db = max(band.peak_db for band in self._bands)
        return BandLevels(*(band.follow(loudest_db) for band in self._bands))


class _Band:
    """One band: its filters, its peak and trough, its envelope."""

    def __init__(self, filters: list[aubio.digital_filter], leak_db: float) -> None:
        self._filters = filters
        self._leak_db = leak_db
        self.peak_db = _FLOOR_DB
        self._trough_db = _FLOOR_DB
        self._power = 0.0
        self._level_db = _FLOOR_DB
        self._envelope = 0.0

    def measure(self, mono: NDArray[np.float32]) -> None:
        for band_filter in self._filters:
            mono = band_filter(mono)
        self._power += _ATTACK * (float(mono @ mono) / len(mono) - self._power)
        self._level_db = 10.0 * math.log10(self._power + 1e-12)
        self.peak_db = max(self._level_db, self.peak_db - _PEAK_FALL_DB_S * BLOCK_S)
        self._trough_db = min(self._level_db, self._trough_db + _TROUGH_RISE_DB_S * BLOCK_S)

    def follow(self, loudest_db: float) -> float:
        peak_db = max(self.peak_db, loudest_db + self._leak_db, _FLOOR_DB)
        range_db = min(max(peak_db - self._trough_db, _LEAST_RANGE_DB), _MOST_RANGE_DB)
        height = min(1.0, max(0.0, 1.0 + (self._level_db - peak_db) / range_db))
        self._envelope = max(height, self._envelope - BLOCK_S / RELEASE_S)
        return self._envelope


_ATTACK = 1.0 - float(np.exp(-BLOCK_S / _ATTACK_S))


def _fourth(corner_hz: float, sign: float) -> list[aubio.digital_filter]:
    """Return a fourth-order Butterworth filter as two biquads."""
    return [_biquad(corner_hz, quality, sign) for quality in _BUTTERWORTH_4]


def _biquad(corner_hz: float, quality: float, sign: float) -> aubio.digital_filter:
    """Return a second-order high-pass or low-pass, after Bristow-Johnson, Audio EQ Cookbook."""
    omega = 2.0 * np.pi * corner_hz / RATE_HZ
    alpha, cosine = np.sin(omega) / (2.0 * quality), np.cos(omega)
    b = np.array([0.5, -sign, 0.5]) * (1.0 + sign * cosine) / (1.0 + alpha)
    a = np.array([-2.0 * cosine, 1.0 - alpha]) / (1.0 + alpha)
    biquad = aubio.digital_filter(3)
    biquad.set_biquad(*b, *a)
    return biquad
