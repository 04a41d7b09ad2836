"""Interface of a source of sound, which is read block by block."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 44_100
"""Sample rate of every source; files and devices are resampled to it."""

BLOCK = 256
"""Frames in a block, 5.8 ms, which bounds the delay of an onset."""

BLOCK_S = BLOCK / RATE_HZ

HOP = 2 * BLOCK
"""Frames from one MFCC to the next: two blocks, 11.6 ms."""

HOP_S = HOP / RATE_HZ


@dataclass(frozen=True)
class Block:
    """A short piece of sound.

    pcm: shape (BLOCK, 2), float32, nominal range −1…1, left and right; always finite.
    t_s: position in the sound of the end of this block, s. Wraps when a file loops.
    captured_s: time at which its last sample was heard, on ``monotonic_s``; offline: running
        time since the start of the sound (no wrap).
    mixdown_gain: factor by which each frame is multiplied before it is analysed, shape (BLOCK,),
        float32, at least 1. It makes up for level lost when many channels were mixed to two;
        None: none was lost.
    """

    pcm: NDArray[np.float32]
    t_s: float
    captured_s: float
    mixdown_gain: NDArray[np.float32] | None = None


class Source(Protocol):
    """A source of sound, live or not."""

    name: str

    def read(self) -> Block | None:
        """Return the next block, waiting for it when live; None at the end of the sound.

        Raises:
            SourceError: the device has gone. The caller closes the source and opens a new one.
        """
        ...

    def close(self) -> None:
        """Release the device or file; safe to call twice."""
        ...
