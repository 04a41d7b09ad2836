"""Cleaning of samples, and a queue that cuts them to other lengths."""

from collections import deque

import numpy as np
from numpy.typing import ArrayLike, NDArray


def scrub(samples: ArrayLike) -> NDArray[np.float32]:
    """Return ``samples`` as finite float32 in −1…1, same shape, always a new array.

    NaN becomes 0; infinities and overs are clipped to full scale. A single NaN or infinity would
    silence aubio's detectors for good.
    """
    # float32 first: 1e300 turns into inf and is then clipped like any over.
    with np.errstate(over="ignore"):
        clean = np.array(samples, dtype=np.float32)
    if clean.size and clean.min() >= -1.0 and clean.max() <= 1.0:  # false for NaN
        return clean
    np.clip(clean, -1.0, 1.0, out=clean)
    np.copyto(clean, 0.0, where=np.isnan(clean))
    return clean


class Fifo:
    """Queue of samples without gaps. Pieces that are put in are kept, not copied.

    Args:
        channels: samples per frame.
    """

    def __init__(self, channels: int = 2) -> None:
        self.waiting = 0
        """Number of frames that can be taken."""
        self._pieces: deque[NDArray[np.float32]] = deque()
        self._nothing = np.zeros((0, channels), np.float32)

    def put(self, piece: NDArray[np.float32]) -> None:
        """Append frames, shape (n, channels)."""
        if len(piece):
            self._pieces.append(piece)
            self.waiting += len(piece)

    def take(self, count: int) -> NDArray[np.float32]:
        """Return the next ``count`` frames, or fewer if fewer wait: (n, channels), float32."""
        missing = count = min(count, self.waiting)
        self.waiting -= count
        taken: list[NDArray[np.float32]] = []
        while missing:
            piece = self._pieces.popleft()
            if len(piece) > missing:
                self._pieces.appendleft(piece[missing:])
                piece = piece[:missing]
            taken.append(piece)
            missing -= len(piece)
        if len(taken) == 1:
            return taken[0]
        return np.concatenate(taken) if taken else self._nothing
