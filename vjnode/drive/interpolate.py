"""Points in time between those at which the encoder has spoken."""


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
