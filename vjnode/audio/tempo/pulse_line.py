"""Line through the times of pulses: the steady clock behind pulses that arrive a little late."""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

LONGEST = 384
"""Pulses that a line goes through at most: four bars of MIDI clock."""

SHORTEST = 8
"""Pulses that are left of it after a jump of tempo, or some more where they are late by turns; and
those at an end that tell of one."""

_LEAST_JITTER_S = 0.0005  # some systems stamp in whole milliseconds, and tell of no jitter at all
_SURE = 4.5
"""Deviations of a mean by which an end of a line that holds no more lies beside it."""
_MOST = 3.0  # jitters that one pulse counts there at most

_BLOCK, _BLOCKS = 24, 8
"""Pulses of a row whose own line tells of jitter, and number of rows."""
_HIGH = 0.75  # quantile of rows that counts: a jump of tempo spoils two of eight

_STEEP = 0.015
"""Deviation of the slope of the shortest line, relative to it."""

_HUBER = 1.5  # jitters from the line up to which a pulse counts in full (Huber 1964)
_ROUNDS = 4


class PulseLine:
    """The line through the newest pulses, as many of them as lie on one.

    Pulses far from it count little. If those at either end lie beside it, the tempo has changed,
    and the older half is dropped until they do not.
    """

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=LONGEST)
        self._kept = 0
        """Pulses that the line goes through."""
        self._row = 0
        """Pulses that have come since the newest of ``_rows``."""
        self._rows: deque[float] = deque(maxlen=_BLOCKS)
        """Deviation of arrival times, s, in the newest rows."""
        self.period_s = 0.0
        """Time from pulse to pulse, s; 0 for none."""
        self.newest_s = 0.0
        """Time of the newest pulse by the line, s."""

    def __len__(self) -> int:
        """Return how many pulses the line goes through."""
        return self._kept

    def clear(self) -> None:
        """Forget the pulses; the period stays until there are new ones."""
        self._times.clear()
        self._kept = self._row = 0

    def push(self, at_s: float) -> None:
        """Add a pulse that arrived at ``at_s``."""
        self._times.append(at_s)
        self._kept = min(self._kept + 1, LONGEST)
        if self._kept < SHORTEST:
            self._shift(at_s)
            return
        times = np.array(self._times)
        jitter_s = self._jitter_s(times)
        least = self._least(jitter_s)
        while True:
            line = times[-self._kept :]
            start_s, self.period_s = _fitted(line, jitter_s)
            beside = line - start_s - self.period_s * np.arange(len(line))
            if self._kept <= least or not _astray(beside / jitter_s):
                self.newest_s = start_s + self.period_s * (len(line) - 1)
                return
            self._kept = max(self._kept // 2, least)

    def _shift(self, at_s: float) -> None:
        """Lay the line through too few pulses to tell a period of their own."""
        newest = list(self._times)[-self._kept :]
        ages = range(self._kept - 1, -1, -1)
        told = [one + self.period_s * age for one, age in zip(newest, ages, strict=True)]
        self.newest_s = float(np.median(told)) if self.period_s else at_s

    def _least(self, jitter_s: float) -> int:
        """Return how many pulses are left of a line at least, so that its slope tells a tempo.

        The deviation of a slope is jitter · √(12 / n³).
        """
        apart = jitter_s / (_STEEP * max(self.period_s, 1e-3))
        return min(max(math.ceil(math.cbrt(12.0 * apart * apart)), SHORTEST), _BLOCK)

    def _jitter_s(self, times: NDArray[np.float64]) -> float:
        """Return the deviation of arrival times, s, whatever the tempo does.

        By second differences, which know no tempo; and by the lines through rows of pulses, which
        tell of those that are sent in time with a buffer, and late by turns.
        """
        self._row += 1
        if self._row >= _BLOCK:
            self._row = 0
            row = times[-_BLOCK:]
            start_s, period_s = _fitted(row, math.inf)
            self._rows.append(_deviation(row - start_s - period_s * np.arange(_BLOCK)))
        bends_s = _deviation(np.diff(times, 2)) / math.sqrt(6.0)
        rows_s = float(np.quantile(self._rows, _HIGH)) if self._rows else 0.0
        return max(bends_s, rows_s, _LEAST_JITTER_S)


def _deviation(errors: NDArray[np.float64]) -> float:
    """Return the deviation of errors, by their median, which no single one moves."""
    return 1.4826 * float(np.median(np.abs(errors)))


def _astray(beside: NDArray[np.float64]) -> bool:
    """Return whether an end of the line lies beside the pulses. beside: in jitters."""
    clipped = np.clip(beside, -_MOST, _MOST)
    return any(
        abs(float(end.mean())) > _SURE / math.sqrt(len(end))
        for count in (SHORTEST, max(len(beside) // 4, SHORTEST))
        for end in (clipped[:count], clipped[-count:])
    )


def _fitted(times: NDArray[np.float64], jitter_s: float) -> tuple[float, float]:
    """Return start and slope of the line through ``times``, by least squares with Huber weights."""
    numbers = np.arange(len(times), dtype=np.float64)
    relative = times - times[0]
    weights = np.ones(len(times))
    start = slope = 0.0
    for _ in range(_ROUNDS):
        whole = weights.sum()
        middle, mean = numbers @ weights / whole, relative @ weights / whole
        across = (numbers - middle) * weights
        slope = float(across @ relative / (across @ numbers))
        start = float(mean - slope * middle)
        beside = np.abs(relative - start - slope * numbers)
        weights = np.minimum(1.0, _HUBER * jitter_s / np.maximum(beside, 1e-9))
    return start + float(times[0]), slope
