"""Onsets: the attacks of notes and drums, known a few milliseconds after they happen.

Short windows are split into bands. An attack is a rise, in decibels, over the loudest of the
recent past, in some of the bands: a drum rises in its own bands though a pad is louder in
others, and what swells, beats or trembles stays below its own recent past. Only ratios count,
so the level of the input does not.

After S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection" (DAFx
2013), with the maximum taken over time and a threshold from the statistics of noise.
"""

from dataclasses import dataclass

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.source import BLOCK, RATE_HZ

WINDOW = 512
"""Frames in a window, 11.6 ms."""

STEP = 128
"""Frames from one window to the next, 2.9 ms."""

GAP_S = 0.055
"""Attacks closer than this are one: flams, the hands of a clap, a sweeping tom."""

LATENCY_S = 0.004
"""From an attack to the end of the first window that shows it: the median of many drums."""

_EDGES_HZ = (43, 130, 220, 350, 550, 850, 1400, 2200, 3500, 5500, 8000, 11_500, 16_500)
# Below 550 Hz a band is one or two bins wide; its level ripples with the period of the tone
# itself and with chance, so that it takes a longer past to know what is new.
_LOW_BANDS = 4
_PAST_LOW, _PAST_HIGH = 12, 6
_SKIPPED = 1  # the window just before shares most of its sound with this one

# What is quieter than this is not heard beside the rest: below a full-scale sine, below the
# band's own recent peak, below the recent peak of all bands together.
_FLOOR_DB, _BAND_RANGE_DB, _RANGE_DB = -84.0, 35.0, 50.0
_PEAK_FALL_DB_S = 6.0

# The level of Gaussian noise in n bins deviates by about 5.6 / √n dB (the power of one bin is
# exponential). What rises above its past by less than a part of that is chance.
_CHANCE_DB = 5.6
_CHANCE_PART = 0.45
_LEAST_RISE_DB, _MOST_RISE_DB = 1.1, 20.0
_THRESHOLD_DB = 6.7

_STRENGTH_RANGE_DB = 40.0


@dataclass(frozen=True)
class Onset:
    """One attack. Times are seconds of sound since the detector's first sample.

    heard_s: end of the block that told it; nothing after was listened to.
    attack_s: when it began, estimated, about 6 ms before ``heard_s``.
    strength: 0…1; as loud as the loudest attack of late is 1, each 0.1 less is 4 dB.
    """

    heard_s: float
    attack_s: float
    strength: float


class OnsetDetector:
    """Finds onsets in mono sound, block by block."""

    def __init__(self) -> None:
        self._spectrum = aubio.pvoc(WINDOW, STEP)
        self._bands = _bands()
        count = self._bands.shape[1]
        bins = np.count_nonzero(self._bands, axis=0)
        self._chance_db = _LEAST_RISE_DB + _CHANCE_PART * _CHANCE_DB / np.sqrt(bins)
        self._trust = bins**0.25 / np.mean(bins**0.25)  # wide bands are surer of what they say
        # Row −1 is the newest window. −inf forgets what lies beyond a band's past.
        self._past_db = np.full((_PAST_LOW + _SKIPPED, count), _FLOOR_DB)
        self._forgotten = np.zeros((_PAST_LOW, count))
        self._forgotten[: _PAST_LOW - _PAST_HIGH, _LOW_BANDS:] = -np.inf
        self._peaks, self._peak = np.zeros(count), 0.0
        self._floor = np.full(count, _power(_FLOOR_DB))
        self._frames = 0
        self._last = -RATE_HZ
        self._strongest = 0.0

    def push(self, mono: NDArray[np.float32]) -> list[Onset]:
        """Hear the next block, shape (BLOCK,), float32, finite, −1…1; return its onsets.

        There is at most one, as blocks are much shorter than ``GAP_S``. A constant offset
        makes no onsets, but can drown bass drums: take it away before.
        """
        attack = 0
        for start in range(0, BLOCK, STEP):
            # The norm is aubio's own memory, overwritten by the next window.
            power = np.square(self._spectrum(mono[start : start + STEP]).norm) @ self._bands
            rise_db = self._rise_db(power)
            self._frames += STEP
            waited_s = (self._frames - self._last) / RATE_HZ
            if waited_s >= GAP_S and float(rise_db @ self._trust) > _THRESHOLD_DB:
                attack = self._frames
                risen = float(power[rise_db > 0.0].sum())
                strength = self._strength(risen, waited_s)
                self._last = attack
        if not attack:
            return []
        attack_s = max(0.0, attack / RATE_HZ - LATENCY_S)
        return [Onset(self._frames / RATE_HZ, attack_s, strength)]

    def _rise_db(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take the next window; return each band's rise above its past, less chance, dB."""
        level_db = 10.0 * np.log10(np.maximum(power, self._floor))
        before_db = (self._past_db[:-_SKIPPED] + self._forgotten).max(axis=0)
        self._past_db[:-1] = self._past_db[1:]
        self._past_db[-1] = level_db
        self._peaks = np.maximum(power, self._peaks * _PEAK_FALL)
        self._peak = max(float(power.sum()), self._peak * _PEAK_FALL)
        least = max(self._peak * _power(-_RANGE_DB), _power(_FLOOR_DB))
        self._floor = np.maximum(self._peaks * _power(-_BAND_RANGE_DB), least)
        rise_db: NDArray[np.float64] = level_db - before_db - self._chance_db
        return rise_db.clip(0.0, _MOST_RISE_DB)

    def _strength(self, power: float, waited_s: float) -> float:
        """Strength of an attack with this power, ``waited_s`` after the one before."""
        faded = self._strongest * _power(-_PEAK_FALL_DB_S * waited_s)
        self._strongest = max(power, faded)
        below_db = 10.0 * np.log10(self._strongest / power)
        return max(0.0, 1.0 - float(below_db) / _STRENGTH_RANGE_DB)


def _power(level_db: float) -> float:
    return float(10.0 ** (level_db / 10.0))


_PEAK_FALL = _power(-_PEAK_FALL_DB_S * STEP / RATE_HZ)


def _bands() -> NDArray[np.float64]:
    """Return the sums from bins to bands, shape (257, bands); a full-scale sine gives 1.5."""
    bin_hz = np.arange(WINDOW // 2 + 1) * RATE_HZ / WINDOW
    edges_hz = np.array(_EDGES_HZ) - 43
    inside = (bin_hz[:, None] >= edges_hz[:-1]) & (bin_hz[:, None] < edges_hz[1:])
    inside[0] = False  # no tone is heard there
    # A Hann window adds to half its length, a sine shares it between two frequencies.
    return inside / (WINDOW / 4) ** 2
