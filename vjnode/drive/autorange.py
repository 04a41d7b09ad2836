"""Automatic range: a piece that is even moves the face as well as one that is wild.

The knots of the encoder are fitted to music of all kinds. One song keeps to a part of that range,
and compressed music to a small one. So a range that is narrow is widened, about where it lies, as
far as it takes for the face to move; one that is wide enough is left as it is.
"""

import math

import numpy as np

from vjnode.audio.source import HOP_S

WIDTH = 0.55
"""The middle 70 % of the weights are brought to this width at least."""
MOST = 3.0
"""Largest factor; what hardly moves at all is meant to rest."""

_MIDDLE = (0.15, 0.85)
_ENDS = (0.08, 0.92)  # what is widened stays between these, so that the ends are kept for more
_BINS = 100
_MEMORY_S = 180.0
_AT_FIRST_S = 4.0  # so much music of all kinds counts as heard
_EVERY = 8
_KEEP = math.exp(-_EVERY * HOP_S / _MEMORY_S)


class AutoRange:
    """Learns which weights are usual, step by step, and widens their range.

    Rest stays rest and the most stays the most, and of two weights at one moment the greater
    stays the greater.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: every weight is itself."""
        self._heard_s = np.full(_BINS, _AT_FIRST_S / _BINS)
        self._waiting: list[float] = []
        self._knots: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0, 1.0), (0.0, 1.0))

    def step(self, weight: float, *, learn: bool = True) -> float:
        """Take the next of the encoder's weights, 0…1, and return it in its wider range, 0…1.

        learn: whether it is one of music; noise and silence say nothing of the range.
        """
        if learn:
            self._waiting.append(weight)
            if len(self._waiting) == _EVERY:
                self._learn()
        return float(np.interp(weight, *self._knots))

    def _learn(self) -> None:
        bins = np.minimum(np.array(self._waiting) * _BINS, _BINS - 1).astype(int)
        self._waiting.clear()
        self._heard_s *= _KEEP
        np.add.at(self._heard_s, bins, HOP_S)
        share = np.cumsum(self._heard_s)
        edges = np.linspace(0.0, 1.0, _BINS + 1)
        low, high = np.interp(_MIDDLE, np.concatenate([[0.0], share / share[-1]]), edges)
        width = min(max(high - low, WIDTH), MOST * (high - low))
        start = max((low + high - width) / 2.0, min(low, _ENDS[0]))
        start = min(start, max(high, _ENDS[1]) - width)
        self._knots = ((0.0, low, high, 1.0), (0.0, start, start + width, 1.0))
