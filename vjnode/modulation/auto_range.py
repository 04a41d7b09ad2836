"""Automatic range: even music moves the face, and loud music keeps clear of the top.

The knots of the encoder are fitted to music of all kinds. One song keeps to a part of that range,
compressed music to a small one, and a loud concert to its upper end. So a range that is narrow is
widened, about where it lies, as far as it takes for the face to move; and one that lies too high
is brought down, so that the top is left for what stands out from the last minutes.
"""

import math

import numpy as np

from vjnode.audio.sources.base import HOP_S
from vjnode.modulation.encoder.weights import LEVELS

LOUD = 0.75
"""The middle 70 % of the weights end here at most: so far up is an ordinary loud passage."""
RARE = 0.87
"""Weights that only one in fifty passes end here at most; above is room for what is rarer still."""
WIDTH = 0.6
"""The middle 70 % of the weights are brought to this width at least."""
MOST = 3.0
"""Largest factor; what hardly moves at all is meant to rest."""

_SHARES = (0.15, 0.85, 0.98)
_CALM = 0.05  # a range that is widened does not begin below this, so that rest is kept for rest
_STEEPER = 2.5  # what is rare is widened so many times more than what is usual
_STEEPEST = 8.0  # of the last stretch: where the top itself is usual, it is no longer the top
_BINS = 100
_EDGES = np.linspace(0.0, 1.0, _BINS + 1)
_ALL_MUSIC = (0.0, 0.15, 0.85, 1.0)  # shares of it below each of ``LEVELS``
_MEMORY_S = 180.0
_AT_FIRST_S = 4.0  # so much music of all kinds counts as heard
_EVERY = 8
_KEEP = math.exp(-_EVERY * HOP_S / _MEMORY_S)


class AutoRange:
    """Learns which weights are usual, step by step, and brings them into a range of their own.

    Rest stays rest, the most stays the most unless it is usual, and of two weights at one moment
    the greater stays the greater.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was heard; music of all kinds is expected."""
        self._heard_s = np.diff(np.interp(_EDGES, LEVELS, _ALL_MUSIC)) * _AT_FIRST_S
        self._waiting: list[float] = []
        self._fit()

    def step(self, weight: float, *, learn: bool = True) -> float:
        """Take the next of the encoder's weights, 0…1, and return it in its new range, 0…1.

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
        self._fit()

    def _fit(self) -> None:
        share = np.concatenate([[0.0], np.cumsum(self._heard_s)]) / self._heard_s.sum()
        low, high, rare = np.interp(_SHARES, share, _EDGES)
        width = min(max(high - low, WIDTH), MOST * (high - low))
        calm = min(low, _CALM)
        end = min(max((low + high + width) / 2.0, calm + width), LOUD)
        start = max(end - width, calm)
        slope = (end - start) / (high - low)
        top = max(end, min(end + _STEEPER * slope * (rare - high), RARE))
        most = min(1.0, top + _STEEPEST * (1.0 - rare))
        self._knots = ((0.0, low, high, rare, 1.0), (0.0, start, end, top, most))
