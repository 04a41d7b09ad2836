"""Onsets: the attacks of notes and drums, known a few milliseconds after they happen.

Short windows are split into bands. An attack is a rise in some of the bands, in decibels, over
their recent maximum: a drum rises in its own bands even if a pad is louder in others; a swell, a
beating or a tremolo stays near its own recent past; the energy that a vibrato or a glide moves
from band to band was lost in the neighbouring band. Only ratios count, so the level of the input
does not matter.

After S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection" (DAFx
2013), with the maximum over time and a threshold from the statistics of noise.
"""

import math
from dataclasses import dataclass

import aubio
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ

WINDOW = 512
"""Frames in a window, 11.6 ms."""

STEP = 128
"""Frames from one window to the next, 2.9 ms."""

GAP_S = 0.055
"""Attacks closer together than this count as one: flams, the hands of a clap, a tom's sweep."""

LATENCY_S = 0.004
"""Time from an attack to the end of the first window that shows it: the median of many drums."""

_STEPS = BLOCK // STEP
# First bins (of 86 Hz) of the bands, and the end of the last one, 16.5 kHz; without DC.
_EDGES = np.array([1, 2, 3, 4, 6, 10, 16, 26, 41, 64, 93, 134, 192])
_BANDS = len(_EDGES) - 1
# Below 850 Hz a band is only a few bins wide; its level ripples with the period of the tone and
# with chance, so that a longer past is needed to tell what is new.
_LOW_BANDS = 5
_PAST_LOW, _PAST_HIGH = 16, 6
_SKIPPED = 1  # the window just before shares most of its sound with this one
_MOVED = 4  # windows apart that share no sound: energy lost since may be in the next band

# Power below the greatest of these floors is inaudible beside the rest. They are relative to a
# full-scale sine, to the band's own recent peak, and to the recent peak of all bands together.
_FULL_SCALE = (WINDOW / 4) ** 2  # a Hann window adds up to half its length, a sine to half that
_FLOOR, _BAND_RANGE, _RANGE = _FULL_SCALE * 10.0**-8.4, 10.0**-3.5, 10.0**-5.0
_PEAK_FALL_DB_S = 6.0
_PEAK_FALL = 10.0 ** (-_PEAK_FALL_DB_S * BLOCK_S / 10.0)

# The level of Gaussian noise in n bins deviates by about 5.6 / √n dB (the power of one bin is
# exponential). A rise of less than a part of that is chance.
_CHANCE_DB = 5.6
_CHANCE_PART = 0.6
_LEAST_RISE_DB, _MOST_RISE_DB = 1.1, 12.0
_THRESHOLD_DB = 6.0  # of the rises of all bands together

_STRENGTH_RANGE_DB = 40.0


@dataclass(frozen=True)
class Onset:
    """One attack. Times are seconds of sound since the detector's first sample.

    heard_s: end of the block in which it was found; no later sound was used.
    attack_s: estimated beginning of the attack, about 6 ms before ``heard_s``.
    strength: 0…1; 1 is as loud as the loudest recent attack, each 0.1 less is 4 dB.
    """

    heard_s: float
    attack_s: float
    strength: float


class OnsetDetector:
    """Finds onsets in mono sound, block by block."""

    def __init__(self) -> None:
        self._spectrum = aubio.pvoc(WINDOW, STEP)
        bins = np.diff(_EDGES)
        self._chance_db = _LEAST_RISE_DB + _CHANCE_PART * _CHANCE_DB / np.sqrt(bins)
        self._magnitudes = np.zeros((_STEPS, WINDOW // 2 + 1))
        self._floor = np.full(_BANDS, _FLOOR)
        # The power of each window, oldest first; for each window of the newest block a view of
        # its past; and a mask whose zeros hide windows older than a band's past.
        self._past = np.tile(self._floor, (_PAST_LOW + _SKIPPED + _STEPS, 1))
        self._pasts = sliding_window_view(self._past[: _PAST_LOW + _STEPS - 1], _PAST_LOW, axis=0)
        self._known = np.ones((_BANDS, _PAST_LOW))
        self._known[_LOW_BANDS:, : _PAST_LOW - _PAST_HIGH] = 0.0
        self._peaks, self._peak = np.zeros(_BANDS), 0.0
        self._frames = 0
        self._last = -RATE_HZ
        self._strongest = 0.0

    def push(self, mono: NDArray[np.float32]) -> list[Onset]:
        """Return the onsets of the next block, shape (BLOCK,), float32, finite, −1…1.

        There is at most one, because blocks are much shorter than ``GAP_S``. A constant offset
        causes no onsets, but can mask bass drums: remove it first.
        """
        for i in range(_STEPS):
            self._magnitudes[i] = self._spectrum(mono[i * STEP : (i + 1) * STEP]).norm
        magnitudes = self._magnitudes
        power = np.add.reduceat(magnitudes * magnitudes, _EDGES, axis=1)[:, :-1]
        rises_db = self._rises_db(power)
        scores_db = rises_db.sum(axis=1).tolist()
        block_start = self._frames
        self._frames += BLOCK
        for i, score_db in enumerate(scores_db):
            attack = block_start + (i + 1) * STEP
            waited_s = (attack - self._last) / RATE_HZ
            if score_db > _THRESHOLD_DB and waited_s >= GAP_S:
                self._last = attack
                # The end of the block tells best how loud the attack becomes.
                strength = self._strength(float(power[-1, rises_db[i] > 0.0].sum()), waited_s)
                attack_s = max(0.0, attack / RATE_HZ - LATENCY_S)
                return [Onset(self._frames / RATE_HZ, attack_s, strength)]
        return []

    def _rises_db(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rise of each band in the windows of a block, shape (steps, bands).

        power: shape (steps, bands).
        Returns: shape (steps, bands), dB above the band's recent maximum, minus what may be
            chance, 0…12.
        """
        level = np.maximum(power, self._floor)
        self._past[:-_STEPS] = self._past[_STEPS:]
        self._past[-_STEPS:] = level
        before = (self._pasts * self._known).max(axis=2)
        lost = np.maximum(self._past[-_STEPS - _MOVED : -_MOVED] - level, 0.0)
        before[:, 1:] += lost[:, :-1]
        before[:, :-1] += lost[:, 1:]

        self._peaks = np.maximum(power[-1], self._peaks * _PEAK_FALL)
        self._peak = max(sum(power[-1].tolist()), self._peak * _PEAK_FALL)
        self._floor = np.maximum(self._peaks * _BAND_RANGE, max(self._peak * _RANGE, _FLOOR))

        rises_db: NDArray[np.float64] = 10.0 * np.log10(level / before) - self._chance_db
        return np.minimum(np.maximum(rises_db, 0.0, out=rises_db), _MOST_RISE_DB, out=rises_db)

    def _strength(self, power: float, waited_s: float) -> float:
        """Return the strength of an attack with this power, ``waited_s`` after the previous one."""
        faded = self._strongest * 10.0 ** (-_PEAK_FALL_DB_S * waited_s / 10.0)
        self._strongest = max(power, faded)
        below_db = 10.0 * math.log10(self._strongest / power)
        return max(0.0, 1.0 - below_db / _STRENGTH_RANGE_DB)
