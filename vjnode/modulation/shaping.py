"""Shaping: noise gate, response curve and range of the weight, and sums with soft limits."""

import math
from collections.abc import Sequence

GATE_DB = -60.0
HYSTERESIS_DB = 3.0
HOLD_S = 0.1

KNEE = 0.75
"""Weight above which amplified values are compressed, so that they near 1 without clipping."""

CURVE_LOW, CURVE_HIGH = 0.25, 4.0


def shape(weight: float, *, curve: float = 1.0, floor: float = 0.0, ceiling: float = 1.0) -> float:
    """Return the shaped weight, between floor and ceiling.

    low + (high − low) · weight^curve, with low and high the lesser and the greater of floor
    and ceiling: faders that cross each other move the range and never reverse it, so that louder
    sound never gives a smaller weight.

    weight: 0…1, clipped.
    curve: 0.25…4, clipped; 1 is linear; above 1 small weights get smaller, below 1 they get
        larger, so that soft sound is enough to move the face.
    floor, ceiling: 0…1, the results for weights 0 and 1; clipped.
    """
    low, high = sorted(min(1.0, max(0.0, end)) for end in (floor, ceiling))
    exponent = min(CURVE_HIGH, max(CURVE_LOW, curve))
    return low + (high - low) * math.pow(min(1.0, max(0.0, weight)), exponent)


def amplify(value: float, factor: float) -> float:
    """Return ``factor`` · ``value`` within 0…1, with a soft knee where it could pass 1.

    A factor up to 1 only multiplies. With a greater one, products above KNEE are compressed into
    the room below 1, little at first and more the further up: with t = factor · value − KNEE,
    d = factor − KNEE and r = 1 − KNEE the result is KNEE + t / (1 + t · (1/r − 1/d)). Its slope
    at the knee is the factor, and only value 1 reaches 1.

    value: 0…1. factor: 0 or more.
    """
    scaled = factor * value
    if factor <= 1.0 or scaled <= KNEE:
        return scaled
    above = scaled - KNEE
    return KNEE + above / (1.0 + above * (1.0 / (1.0 - KNEE) - 1.0 / (factor - KNEE)))


def add_softly(parts: Sequence[float], ends: Sequence[float]) -> float:
    """Return the sum of ``parts``, compressed if it could pass 1, so that it never does.

    The greatest part b stays as it is. The sum e of the others, which is E at most, is fitted
    into the room r = 1 − b that is left: where E is more than r, e becomes
    e / (1 + e · (1/r − 1/E)), which begins with slope 1 and reaches r at E. So a hit on loud
    music is still seen; a single part is never compressed, nor are parts that can never pass 1.

    parts: each 0…1. ends: the largest possible value of each, 0…1.
    """
    greatest = max(parts, default=0.0)
    room, others = 1.0 - greatest, sum(parts) - greatest
    if others <= 0.0 or room <= 0.0:
        return greatest
    end = sum(ends) - max(ends)
    return greatest + others / (1.0 + others * max(0.0, 1.0 / room - 1.0 / end))


class Gate:
    """A noise gate: open while there is sound, closed while there is only noise.

    It opens at once, at the threshold, and closes when the level has stayed more than 3 dB
    below the threshold for 0.1 s, so that it does not flutter. It is closed at first.

    Args:
        threshold_db: dBFS; may be set at any time.
    """

    def __init__(self, threshold_db: float = GATE_DB) -> None:
        self.threshold_db = threshold_db
        self.open = False
        self._below_s = 0.0

    def step(self, level_db: float, dt_s: float) -> bool:
        """Advance by ``dt_s`` and return whether the gate is open.

        level_db: level over the last ``dt_s``, dBFS; NaN counts as silence.
        """
        if math.isnan(level_db):
            level_db = -math.inf
        if level_db >= self.threshold_db:
            self.open = True
        if level_db >= self.threshold_db - HYSTERESIS_DB:
            self._below_s = 0.0
        else:
            self._below_s += max(0.0, dt_s)
        if self._below_s >= HOLD_S - 1e-9:  # ten tenths of it add up to a little less
            self.open = False
        return self.open
