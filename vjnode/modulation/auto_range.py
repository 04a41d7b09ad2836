"""Automatic range: makes the face move to even music, and keeps loud music below the top.

The knots of the encoder are fitted to music of all kinds. One song uses a part of that range,
compressed music a small part, and a loud concert its upper end. So a narrow range is widened
about its position until the face moves; and a range that lies too high is lowered, so that the
top is left for passages that stand out from the last minutes.
"""

import math

import numpy as np

from vjnode.audio.sources.base import HOP_S
from vjnode.modulation.encoder.weights import LEVELS

LOUD = 0.75
"""Highest upper end of the middle 70 % of the weights: the weight of an ordinary loud passage."""
RARE = 0.87
"""Highest weight that one in fifty passages exceeds; above is room for still rarer ones."""
WIDTH = 0.6
"""Least width to which the middle 70 % of the weights are widened."""
MOST = 3.0
"""Largest factor of widening; weights that hardly move at all are meant to stay at rest."""

_SHARES = (0.15, 0.85, 0.98)
_CALM = 0.05  # lower limit of a widened range, so that only silence is at rest
_STEEPER = 2.5  # most widening of rare weights, relative to that of usual ones
_STEEPEST = 8.0  # most slope of the last stretch: a top that is usual is no longer the top
_BINS = 100
_EDGES = np.linspace(0.0, 1.0, _BINS + 1)
_ALL_MUSIC = (0.0, 0.15, 0.85, 1.0)  # shares of all music below each of ``LEVELS``
_MEMORY_S = 180.0
_AT_FIRST_S = 4.0  # length of music of all kinds that counts as heard at the start
_EVERY = 8
_KEEP = math.exp(-_EVERY * HOP_S / _MEMORY_S)


class AutoRange:
    """Learns the usual range of the weights, step by step, and maps them to a wider one.

    0 stays 0, 1 stays 1 unless it is usual, and of two weights at one moment the greater one
    stays the greater.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the music heard so far, and expect music of all kinds."""
        self._heard_s = np.diff(np.interp(_EDGES, LEVELS, _ALL_MUSIC)) * _AT_FIRST_S
        self._waiting: list[float] = []
        self._fit()

    def step(self, weight: float, *, learn: bool = True) -> float:
        """Return the next of the encoder's weights, 0…1, mapped to the new range, 0…1.

        learn: whether the weight is of music; noise and silence do not tell its range.
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
