"""Sound laid along the time line of a recording: pure, so that it needs no file to test."""

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.samples import Fifo
from vjnode.audio.sources.base import RATE_HZ

JITTER = round(0.015 * RATE_HZ)
"""Samples by which a block may be stamped early or late without meaning anything."""

GAP = round(0.1 * RATE_HZ)
"""Beyond this a block is out of place without doubt; in between it has to prove itself."""

PATIENCE = round(0.25 * RATE_HZ)
"""Samples that must be out of place to the same side before a smaller step is believed."""

DRIFT = round(0.003 * RATE_HZ)
"""Samples by which the sound may lead or lag on average before it is drawn out or drawn in."""

DRIFT_OVER = 5 * RATE_HZ
"""Samples over which that average is taken, so that jitter is not followed."""

LEAST_STRETCHED = 128
"""Shorter blocks are left as they are: one sample more or less in so few would be heard."""


class SoundTrack:
    """Blocks of stereo sound, each laid where it was heard, without gaps or overlaps.

    Positions are samples from the start of the recording. Blocks join seamlessly as long as
    their times say so, give or take jitter: cutting at every late time stamp would be heard.
    A sound card's clock that runs a little fast or slow is followed sample by sample.
    """

    def __init__(self) -> None:
        self.laid = 0
        """Where the sound laid so far ends."""
        self.taken = 0
        """Where the sound taken so far ends."""
        self._parts = Fifo()
        self._started = False
        self._drop = 0  # samples to come that overlap what is laid
        self._off = 0
        self._off_for = 0
        self._drift = 0.0  # how far off the sound is on average, samples

    def lay(self, samples: NDArray[np.float32], end_s: float) -> None:
        """Lay a block, filling a gap before it with silence and dropping what overlaps.

        samples: shape (n, 2), float32. end_s: when the last of them was heard, s from the
            start of the recording; what was heard before that is dropped.
        """
        if len(samples) == 0:
            return
        expected = self.laid - self._drop
        start = round(end_s * RATE_HZ) - len(samples)
        off = start - expected
        drop = self._drop - self._believed(off, len(samples))
        self.pad_to(self.laid - drop)
        samples = stretched(samples, self._drifted(off, len(samples)))
        kept = samples[max(0, drop) :]
        if len(kept):
            self._parts.put(kept)
            self.laid += len(kept)
        self._drop = max(0, drop - len(samples))
        self._started = True

    def pad_to(self, position: int) -> None:
        """Lay silence up to ``position``."""
        missing = position - self.laid
        if missing > 0:
            # Every row is the same memory: an hour of silence costs nothing.
            self._parts.put(np.broadcast_to(np.zeros((1, 2), np.float32), (missing, 2)))
            self.laid = position

    def take(self, count: int) -> NDArray[np.float32]:
        """Return the next ``count`` samples at most, shape (n, 2), float32."""
        taken = self._parts.take(count)
        self.taken += len(taken)
        return taken

    def _believed(self, off: int, count: int) -> int:
        """Return by how many samples the sound is to be moved when a block seems ``off``."""
        if not self._started or abs(off) > GAP:
            self._off_for = 0
            return off
        if abs(off) <= JITTER or off * self._off < 0:
            self._off_for = 0
        if abs(off) <= JITTER:
            return 0
        self._off = off if self._off_for == 0 else min(off, self._off, key=abs)
        self._off_for += count
        if self._off_for < PATIENCE:
            return 0
        self._off_for = 0
        return self._off

    def _drifted(self, off: int, count: int) -> int:
        """Return by how many samples, −1, 0 or 1, a block is to be longer to follow a drift."""
        if abs(off) > JITTER:
            return 0
        self._drift += (off - self._drift) * min(1.0, count / DRIFT_OVER)
        if abs(self._drift) <= DRIFT or count < LEAST_STRETCHED:
            return 0
        by = 1 if self._drift > 0.0 else -1
        self._drift -= by
        return by


def stretched(samples: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """Return ``samples`` with ``by`` more of them, by cubic interpolation (Catmull and Rom).

    samples: shape (n, 2), float32. Returns: shape (n + by, 2), float32, with the same ends.
    """
    if by == 0:
        return samples
    last = len(samples) - 1
    at = np.linspace(0.0, last, len(samples) + by)
    before = at.astype(np.int64)
    share = (at - before).astype(np.float32)[:, None]
    a, b, c, d = (samples[np.clip(before + k, 0, last)] for k in (-1, 0, 1, 2))
    bend = 2.0 * a - 5.0 * b + 4.0 * c - d + share * (3.0 * (b - c) + d - a)
    return np.asarray(b + 0.5 * share * (c - a + share * bend), dtype=np.float32)
