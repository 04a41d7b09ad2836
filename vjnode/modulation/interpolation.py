"""Interpolation in time between the encoder's steps.

Live, a frame lies between two steps of the encoder, and ``mix`` finds its value. A rendering
knows the sound ahead, so it may work in longer strides: ``time_point`` averages the steps around
every 0.25 s, ``densify`` puts 7 points between each two of these, and ``at`` reads them at any
moment. ``Steps`` does either, as the drives arrive.
"""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

INTERVAL_S = 0.25
COUNT = 7

KEPT_S = 10.0
"""Time, s, for which steps are kept behind the newest one, as no older ones are read in a live
show; in a rendering its strides are added to it."""

GAP_S = 0.25
"""Distance, s, beyond which two steps have a pause of the sound between them."""


def mix(a: float, b: float, part: float) -> float:
    """Return the linear interpolation between ``a`` and ``b``.

    part: 0…1, position of the wanted point between ``a`` (0) and ``b`` (1); clipped.
    """
    part = min(1.0, max(0.0, part))
    return a * (1.0 - part) + b * part


def between(a: float, b: float, count: int) -> list[float]:
    """Return the values of ``count`` points spread evenly between two time points, without these.

    between(0, 8, 7) is [1, 2, 3, 4, 5, 6, 7].
    """
    return [mix(a, b, i / (count + 1)) for i in range(1, count + 1)]


def densify(values: Sequence[float] | NDArray[np.float64], count: int = COUNT) -> list[float]:
    """Return ``values`` with ``count`` points between each two neighbours.

    From n values it makes (n − 1) · (count + 1) + 1; none or one stay the same.
    densify([0, 2, 1], 1) is [0, 1, 2, 1.5, 1].
    """
    dense: list[float] = []
    for a, b in pairwise(values):
        dense += [float(a), *between(float(a), float(b), count)]
    return [*dense, *map(float, values[-1:])]


def at(points: Sequence[float] | NDArray[np.float64], t_s: float, *, step_s: float) -> float:
    """Return the value of a series at ``t_s``.

    Linear between two points: holding each point until the next would show steps as soon as there
    are more frames than points. Before the first and after the last point the value is constant.

    points: at the times 0, step_s, 2 · step_s, …; at least one.
    """
    place = min(max(0.0, t_s / step_s), len(points) - 1.0)
    before = min(int(place), max(len(points) - 2, 0))
    after = min(before + 1, len(points) - 1)
    return mix(float(points[before]), float(points[after]), place - before)


def time_point(
    times_s: Sequence[float], values: Sequence[float], *, at_s: float, interval_s: float
) -> float | None:
    """Return the mean of the steps around a time point; None where there are none.

    These are the steps with at_s − ½ · interval_s ≤ t < at_s + ½ · interval_s: centred, so that
    the mean is not late.

    times_s, values: of the steps, s and 0…1, equally long.
    """
    half_s = 0.5 * interval_s
    around = [
        value
        for t_s, value in zip(times_s, values, strict=True)
        if at_s - half_s <= t_s < at_s + half_s
    ]
    return sum(around) / len(around) if around else None


class Steps:
    """Buffer of the encoder's steps, with values at any moment; reads no clock.

    Args:
        interval_s: stride of the time points, at 0, interval_s, 2 · interval_s, …; 0 makes each
            step a time point.
        count: points that are interpolated between two time points of a stride.
    """

    def __init__(self, interval_s: float = 0.0, count: int = COUNT) -> None:
        self._interval_s = interval_s
        self._count = count
        self._steps: deque[tuple[float, float]] = deque()
        self._points: dict[int, float] = {}

    def push(self, t_s: float, value: float) -> None:
        """Add a step; ignore one that is not newer than the last, as it is the same one again.

        Old steps are removed here, even while no values are read: silence may last for hours.
        """
        if not self._steps or t_s > self._steps[-1][0]:
            self._steps.append((t_s, value))
        oldest_s = t_s - KEPT_S - 4.0 * self._interval_s
        while len(self._steps) > 1 and self._steps[1][0] < oldest_s:
            self._steps.popleft()

    def clear(self) -> None:
        """Forget all steps."""
        self._steps.clear()
        self._points.clear()

    def at(self, t_s: float) -> float:
        """Return the value at ``t_s``; call it with rising times. 0 before the first step.

        Beyond the newest step the value is that of the newest step.
        """
        if self._interval_s > 0.0:
            return self._between_time_points(t_s) if self._steps else 0.0
        steps = self._steps
        while len(steps) > 1 and steps[1][0] <= t_s:
            steps.popleft()
        if not steps or t_s < steps[0][0]:
            return 0.0
        (a_s, a), (b_s, b) = steps[0], steps[min(1, len(steps) - 1)]
        # No interpolation across a gap in the sound.
        return mix(a, b, (t_s - a_s) / (b_s - a_s)) if 0.0 < b_s - a_s < GAP_S else a

    def _between_time_points(self, t_s: float) -> float:
        before = int(t_s / self._interval_s)
        a, b = self._time_point(before), self._time_point(before + 1)
        part_s = t_s - before * self._interval_s
        if not self._count:
            return a
        return at(densify([a, b], self._count), part_s, step_s=self._interval_s / (self._count + 1))

    def _time_point(self, index: int) -> float:
        if index not in self._points:
            at_s = index * self._interval_s
            while self._steps and self._steps[0][0] < at_s - 2.0 * self._interval_s:
                self._steps.popleft()
            times_s, values = zip(*self._steps, strict=True) if self._steps else ((), ())
            found = time_point(times_s, values, at_s=at_s, interval_s=self._interval_s)
            self._points = {index - 1: self._points.get(index - 1, 0.0)}
            self._points[index] = self._points[index - 1] if found is None else found
        return self._points[index]
