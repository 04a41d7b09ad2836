"""Sound placed on the time line of a recording; pure, so that tests need no file."""

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.samples import Fifo
from vjnode.audio.sources.base import RATE_HZ

JITTER = round(0.015 * RATE_HZ)
"""Jitter: samples by which a block's stamp may be early or late without a step in the sound."""

GAP = round(0.1 * RATE_HZ)
"""Offset, samples, above which a block is certainly displaced; a smaller one must last first."""

PATIENCE = round(0.25 * RATE_HZ)
"""Samples that must be displaced to the same side before a smaller step is accepted."""

DRIFT = round(0.003 * RATE_HZ)
"""Samples by which the sound may lead or lag on average before it is stretched or compressed."""

DRIFT_OVER = 5 * RATE_HZ
"""Samples over which that average is taken, so that jitter is not followed."""

LEAST_STRETCHED = 128
"""Shortest block that is stretched, samples: in a shorter one the change would be audible."""


class SoundTrack:
    """Blocks of stereo sound, each placed at the time it was heard, without gaps or overlaps.

    Positions are samples from the start of the recording. Blocks are joined seamlessly as long as
    their times agree within the jitter: a cut at every late time stamp would be audible. A sound
    card's clock that runs a little fast or slow is followed sample by sample.
    """

    def __init__(self) -> None:
        self.laid = 0
        """End of the sound placed so far, samples."""
        self.taken = 0
        """End of the sound taken so far, samples."""
        self._parts = Fifo()
        self._started = False
        self._drop = 0  # coming samples that overlap placed ones
        self._off = 0
        self._off_for = 0
        self._drift = 0.0  # average offset of the sound, samples

    def lay(self, samples: NDArray[np.float32], end_s: float) -> None:
        """Place a block; fill a gap before it with silence, and drop overlapping samples.

        samples: shape (n, 2), float32. end_s: time at which the last of them was heard, s from
            the start of the recording; samples heard before that start are dropped.
        """
        if len(samples) == 0:
            return
        expected = self.laid - self._drop
        start = round(end_s * RATE_HZ) - len(samples)
        off = start - expected
        drop = self._drop - self._accepted_offset(off, len(samples))
        self.pad_to(self.laid - drop)
        samples = stretched(samples, self._drift_correction(off, len(samples)))
        kept = samples[max(0, drop) :]
        if len(kept):
            self._parts.put(kept)
            self.laid += len(kept)
        self._drop = max(0, drop - len(samples))
        self._started = True

    def pad_to(self, position: int) -> None:
        """Add silence up to ``position``, samples."""
        missing = position - self.laid
        if missing > 0:
            # All rows share the same memory, so that an hour of silence costs none.
            self._parts.put(np.broadcast_to(np.zeros((1, 2), np.float32), (missing, 2)))
            self.laid = position

    def take(self, count: int) -> NDArray[np.float32]:
        """Return at most the next ``count`` samples, shape (n, 2), float32."""
        taken = self._parts.take(count)
        self.taken += len(taken)
        return taken

    def _accepted_offset(self, off: int, count: int) -> int:
        """Return the samples by which the sound is to be moved when a block is ``off`` by some."""
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

    def _drift_correction(self, off: int, count: int) -> int:
        """Return the samples, −1, 0 or 1, by which to lengthen a block to follow a drift."""
        if abs(off) > JITTER:
            return 0
        self._drift += (off - self._drift) * min(1.0, count / DRIFT_OVER)
        if abs(self._drift) <= DRIFT or count < LEAST_STRETCHED:
            return 0
        by = 1 if self._drift > 0.0 else -1
        self._drift -= by
        return by


def stretched(samples: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """Return ``samples`` lengthened by ``by``, by cubic interpolation (Catmull and Rom).

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
