"""Points in time between those at which the encoder has spoken.

Live, a frame lies between two steps of the encoder, and ``mix`` finds its value. A rendering
knows what is still to come, so it may work in longer strides: ``time_points`` averages the
steps around every 0.25 s, ``densify`` puts 7 points between each two of these, and ``at``
reads the series at any moment.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

INTERVAL_S = 0.25
COUNT = 7


def mix(a: float, b: float, part: float) -> float:
    """Weighted mean of two values, the nearer one weighing more.

    part: 0…1, how far the wanted point is on the way from ``a`` to ``b``; clipped.
    """
    part = min(1.0, max(0.0, part))
    return a * (1.0 - part) + b * part


def between(a: float, b: float, count: int) -> list[float]:
    """Values of ``count`` points spread evenly between two time points, without these.

    between(0, 8, 7) is [1, 2, 3, 4, 5, 6, 7].
    """
    return [mix(a, b, i / (count + 1)) for i in range(1, count + 1)]


def densify(values: Sequence[float] | NDArray[np.float64], count: int = COUNT) -> list[float]:
    """Return ``values`` with ``count`` points between each two neighbours.

    Of n values come (n − 1) · (count + 1) + 1; of none or one, the same.
    densify([0, 2, 1], 1) is [0, 1, 2, 1.5, 1].
    """
    dense: list[float] = []
    for a, b in pairwise(values):
        dense += [float(a), *between(float(a), float(b), count)]
    return [*dense, *map(float, values[-1:])]


def at(points: Sequence[float] | NDArray[np.float64], t_s: float, *, step_s: float) -> float:
    """Return the value of a series at ``t_s``.

    Linear between two points: to hold each point until the next would be seen as steps as
    soon as there are more frames than points. Before the first and after the last point the
    series holds.

    points: at the times 0, step_s, 2 · step_s, …; at least one.
    """
    place = min(max(0.0, t_s / step_s), len(points) - 1.0)
    before = min(int(place), max(len(points) - 2, 0))
    after = min(before + 1, len(points) - 1)
    return mix(float(points[before]), float(points[after]), place - before)


def time_points(
    times_s: ArrayLike, values: ArrayLike, *, interval_s: float = INTERVAL_S
) -> NDArray[np.float64]:
    """Average fast steps into equidistant time points, centred, so that nothing is late.

    Point k lies at k · interval_s and is the mean of the values with
    (k − ½) · interval_s ≤ t < (k + ½) · interval_s. Where there is no value in that stretch,
    it lies on the line between the nearest points that have some.

    times_s, values: shape (n,); times 0 or more, in any order.

    Returns: shape (points,), float64, up to the point nearest to the last time; empty for n = 0.
    """
    times, known = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    if not times.size:
        return np.zeros(0)
    index = np.floor(times / interval_s + 0.5).astype(np.int64)
    counts = np.bincount(index)
    sums = np.bincount(index, weights=known)
    there = np.flatnonzero(counts)
    means = sums[there] / counts[there]
    return np.interp(np.arange(len(counts)), there, means)
