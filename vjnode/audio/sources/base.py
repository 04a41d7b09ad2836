"""A source of sound: something that is read block by block."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100
"""Every source delivers this sample rate; files and devices are resampled to it."""

BLOCK = 256
"""Frames in a block, 5.8 ms: an onset is known that early."""

BLOCK_S = BLOCK / RATE_HZ

HOP = 2 * BLOCK
"""Frames from one MFCC to the next: two blocks, 11.6 ms."""

HOP_S = HOP / RATE_HZ


@dataclass(frozen=True)
class Block:
    """A short piece of sound.

    pcm: shape (BLOCK, 2), float32, nominal range −1…1, left and right; always finite.
    t_s: position in the sound of the end of this block, s. Wraps when a file loops.
    captured_s: when its last sample was heard, on ``monotonic_s``; offline: running
        time since the start of the sound (no wrap).
    gain: what each frame is multiplied by before it is analysed, shape (BLOCK,), float32, at
        least 1: what was lost when many channels were mixed to two; None: nothing was.
    """

    pcm: NDArray[np.float32]
    t_s: float
    captured_s: float
    gain: NDArray[np.float32] | None = None


class Source(Protocol):
    """A source of sound, live or not."""

    name: str

    def read(self) -> Block | None:
        """Return the next block, waiting for it when live; None at the end of the sound.

        Raises:
            SourceError: the device has gone. The caller closes and opens anew.
        """
        ...

    def close(self) -> None:
        """Release the device or file; safe to call twice."""
        ...
