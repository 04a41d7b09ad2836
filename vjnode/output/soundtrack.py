"""Sound laid along the time line of a recording: pure, so that it needs no file to test."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.source import RATE_HZ

JITTER = round(0.015 * RATE_HZ)
"""Samples by which a block may be stamped early or late without meaning anything."""

GAP = round(0.1 * RATE_HZ)
"""Beyond this a block is out of place without doubt; in between it has to prove itself."""

PATIENCE = round(0.25 * RATE_HZ)
"""Samples that must be out of place to the same side before a smaller step is believed."""


class SoundTrack:
    """Blocks of stereo sound, each laid where it was heard, without gaps or overlaps.

    Positions are samples from the start of the recording. Blocks join seamlessly as long as
    their times say so, give or take jitter: cutting at every late time stamp would be heard.
    """

    def __init__(self) -> None:
        self.laid = 0
        """Where the sound laid so far ends."""
        self.taken = 0
        """Where the sound taken so far ends."""
        self._parts: deque[NDArray[np.float32]] = deque()
        self._started = False
        self._drop = 0  # samples to come that overlap what is laid
        self._off = 0
        self._off_for = 0

    def lay(self, samples: NDArray[np.float32], end_s: float) -> None:
        """Lay a block, filling a gap before it with silence and dropping what overlaps.

        samples: shape (n, 2), float32. end_s: when the last of them was heard, s from the
            start of the recording; what was heard before that is dropped.
        """
        if len(samples) == 0:
            return
        expected = self.laid - self._drop
        start = round(end_s * RATE_HZ) - len(samples)
        drop = self._drop - self._believed(start - expected, len(samples))
        self.pad_to(self.laid - drop)
        kept = samples[max(0, drop) :]
        if len(kept):
            self._parts.append(kept)
            self.laid += len(kept)
        self._drop = max(0, drop - len(samples))
        self._started = True

    def pad_to(self, position: int) -> None:
        """Lay silence up to ``position``."""
        missing = position - self.laid
        if missing > 0:
            # Every row is the same memory: an hour of silence costs nothing.
            self._parts.append(np.broadcast_to(np.zeros((1, 2), np.float32), (missing, 2)))
            self.laid = position

    def take(self, count: int) -> NDArray[np.float32]:
        """Return the next ``count`` samples at most, shape (n, 2), float32."""
        pieces: list[NDArray[np.float32]] = []
        missing = count
        while missing and self._parts:
            part = self._parts.popleft()
            if len(part) > missing:
                self._parts.appendleft(part[missing:])
                part = part[:missing]
            pieces.append(part)
            missing -= len(part)
        self.taken += count - missing
        return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)

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
