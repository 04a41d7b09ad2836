"""Summary of a song's features and weight, condensed to the resolution of a plot."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vjnode.audio.features.analyser import COEFFICIENTS
from vjnode.audio.sources.base import BLOCK, BLOCK_S, HOP_S, Block
from vjnode.audio.tempo.beat import BEATS_PER_BAR
from vjnode.modulation.drive import Drive

COLUMNS = 4096
"""Most columns kept in any series: two for each pixel of a wide picture."""

GRAIN = 64
"""Samples in one column of the waveform in a short song."""

GRAIN_S = BLOCK_S * GRAIN / BLOCK

RANKS = ("beat", "bar", *(f"{4**n} bars" for n in range(1, 8)))
"""Names of the units that may begin at a beat; each is four times as long as the one before."""


class Series:
    """Values at even steps, folded in pairs whenever there are too many.

    So the memory is the same for any length, and every peak is kept.

    Args:
        width: number of values at each step.
        step_s: time from one step to the next, s.
        first_s: time of the first step, s.
        mean: fold by the mean; otherwise by the maximum.
    """

    def __init__(
        self, width: int, *, step_s: float, first_s: float = 0.0, mean: bool = False
    ) -> None:
        self._fold: np.ufunc = np.add if mean else np.maximum
        self._mean = mean
        self._step_s, self._first_s = step_s, first_s
        self._columns = np.zeros((COLUMNS, width))
        self._filled = 0  # complete columns
        self._stride = 1  # steps in a column
        self._begun = 0  # steps in the column after the complete ones

    def push(self, values: ArrayLike) -> None:
        """Add the next step, shape (width,)."""
        column = self._columns[self._filled]
        if self._begun:
            self._fold(column, values, out=column)
        else:
            column[:] = values
        self._begun += 1
        if self._begun == self._stride:
            self._filled, self._begun = self._filled + 1, 0
        if self._filled == COLUMNS:
            self._filled, self._stride = COLUMNS // 2, 2 * self._stride
            self._columns[: self._filled] = self._fold(self._columns[::2], self._columns[1::2])

    @property
    def values(self) -> NDArray[np.float64]:
        """The columns, shape (n, width), n < ``COLUMNS``."""
        steps = np.full((self._filled + bool(self._begun), 1), self._stride, np.float64)
        if self._begun:
            steps[-1] = self._begun
        columns = self._columns[: len(steps)]
        return columns / steps if self._mean else columns.copy()

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Times of the columns, shape (n,), s: the middle of the steps folded into each."""
        columns = np.arange(self._filled + bool(self._begun), dtype=np.float64)
        middle = (self._stride - 1) / 2.0
        return self._first_s + (columns * self._stride + middle) * self._step_s

    @property
    def span_s(self) -> float:
        """Duration of a column, s."""
        return self._stride * self._step_s


class Overview:
    """Condensed features of a song, in the same memory for seconds and for hours.

    Args:
        fps: frames per second.
    """

    def __init__(self, fps: Fraction) -> None:
        self.wave = Series(2, step_s=GRAIN_S, first_s=GRAIN_S / 2.0)
        """Greatest and negated least sample of both channels."""
        self.mfcc = Series(COEFFICIENTS, step_s=HOP_S, first_s=HOP_S, mean=True)
        """MFCCs."""
        self.audible = Series(1, step_s=HOP_S, first_s=HOP_S, mean=True)
        """1 where the noise gate was open, 0 where it was closed; same columns as the MFCCs."""
        self.bands = Series(3, step_s=BLOCK_S, first_s=BLOCK_S)
        """Low, mid, high, 0…1."""
        self.onsets = Series(1, step_s=BLOCK_S)
        """Strength of the attack that began there, 0…1; 0: none."""
        self.beats = Series(1, step_s=BLOCK_S, first_s=BLOCK_S)
        """1 where a beat began, 2 where a bar did, and so on in ``RANKS``; 0: none."""
        self.bpm = Series(1, step_s=BLOCK_S, first_s=BLOCK_S)
        """Tempo, beats per minute; 0 while none is known."""
        self.raw = Series(1, step_s=BLOCK_S, first_s=BLOCK_S, mean=True)
        """The encoder's calibrated weight, 0…1."""
        self.drawn = Series(2, step_s=float(1 / fps))
        """Greatest and negated least weight that is drawn."""
        self.count = 0
        """Number of onsets."""
        self.gains_db = (math.inf, -math.inf)
        """Least and greatest automatic gain while the noise gate was open, dB."""
        self.length_s = 0.0
        """Length of the sound added so far, s."""
        self._beat = 0

    def hear(self, block: Block, drive: Drive, mfcc: NDArray[np.float32] | None) -> None:
        """Add a block and its drive.

        mfcc: MFCCs of the hop that the block completed, shape (13,); None if it completed none.
        """
        for grain in block.pcm.reshape(-1, 2 * GRAIN):
            self.wave.push((grain.max(), -grain.min()))
        if mfcc is not None:
            self.mfcc.push(mfcc)
            self.audible.push(drive.audible)
        self.bands.push((drive.low, drive.mid, drive.high))
        self.onsets.push(drive.hits[-1][1] if drive.onsets > self.count else 0.0)
        self.beats.push(self._begun(drive))
        self.bpm.push(drive.beat.bpm if drive.beat.locked else 0.0)
        self.raw.push(drive.weight)
        self.count = drive.onsets
        self.length_s += BLOCK_S
        if drive.audible:
            least, greatest = self.gains_db
            self.gains_db = min(least, drive.agc_db), max(greatest, drive.agc_db)

    def draw(self, weight: float) -> None:
        """Add the weight, 0…1, of the next frame."""
        self.drawn.push((weight, -weight))

    @property
    def peak(self) -> float:
        """Greatest absolute sample; 1 is full scale."""
        return float(self.wave.values.max(initial=0.0))

    @property
    def median_bpm(self) -> float:
        """Median tempo where it was known, bpm; 0 if it never was."""
        bpm = self.bpm.values
        return float(np.median(bpm[bpm > 0.0])) if bpm.any() else 0.0

    def _begun(self, drive: Drive) -> int:
        """Return the rank of the beat that began with this block; 0 if none did."""
        before, self._beat = self._beat, math.floor(drive.beat.beats)
        return rank(self._beat) if drive.beat.locked and self._beat != before else 0


def rank(beat: int) -> int:
    """Return the rank of beat number ``beat``: 1 and up, in the order of ``RANKS``."""
    found = 1
    while found < len(RANKS) and beat % BEATS_PER_BAR**found == 0:
        found += 1
    return found
