"""How the calibrated weight is shaped before it drives anything: gate, curve, range, knee."""

import math

GATE_DB = -60.0
HYSTERESIS_DB = 3.0
HOLD_S = 0.1

KNEE = 0.75
"""From here up what is added together takes its place in what is left below 1."""

CURVE_LOW, CURVE_HIGH = 0.25, 4.0


def shape(weight: float, *, curve: float = 1.0, floor: float = 0.0, ceiling: float = 1.0) -> float:
    """Return the shaped weight, between floor and ceiling.

    low + (high − low) · weight^curve, with low and high the lesser and the greater of floor
    and ceiling: faders that cross each other move the range and never turn it around, so
    louder is never less.

    weight: 0…1, clipped.
    curve: 0.25…4, clipped; 1 is linear, above it the calm stays calm for longer, below it
        little is enough to move the face.
    floor, ceiling: 0…1, what weights 0 and 1 become; clipped.
    """
    low, high = sorted(min(1.0, max(0.0, end)) for end in (floor, ceiling))
    exponent = min(CURVE_HIGH, max(CURVE_LOW, curve))
    return low + (high - low) * math.pow(min(1.0, max(0.0, weight)), exponent)


def soften(total: float, highest: float) -> float:
    """Return ``total`` bent into 0…1 where it could pass 1: a soft knee, never a hard clip.

    Up to KNEE it stays as it is. From there to ``highest`` the rest is pressed into what is left
    below 1, evenly at first and harder the further up: with t = total − KNEE, d = highest − KNEE
    and r = 1 − KNEE it becomes KNEE + t / (1 + t · (1/r − 1/d)), whose slope at the knee is 1 and
    which reaches 1 at ``highest`` alone. What cannot pass 1 is not bent.

    highest: the largest that ``total`` can become.
    """
    total = min(total, highest)
    if highest <= 1.0 or total <= KNEE:
        return min(1.0, max(0.0, total))
    above = total - KNEE
    return KNEE + above / (1.0 + above * (1.0 / (1.0 - KNEE) - 1.0 / (highest - KNEE)))


class Gate:
    """A noise gate: open while there is sound, closed while there is only noise.

    It opens at once, at the threshold, and closes when the level has stayed more than 3 dB
    below the threshold for 0.1 s, so that it does not flutter. It begins closed.

    Args:
        threshold_db: dBFS; may be set at any time.
    """

    def __init__(self, threshold_db: float = GATE_DB) -> None:
        self.threshold_db = threshold_db
        self.open = False
        self._below_s = 0.0

    def step(self, level_db: float, dt_s: float) -> bool:
        """Move on by ``dt_s`` and return whether the gate is open.

        level_db: level over the last ``dt_s``, dBFS; no number counts as silence.
        """
        if math.isnan(level_db):
            level_db = -math.inf
        if level_db >= self.threshold_db:
            self.open = True
        if level_db >= self.threshold_db - HYSTERESIS_DB:
            self._below_s = 0.0
        else:
            self._below_s += max(0.0, dt_s)
        if self._below_s >= HOLD_S - 1e-9:  # tenths of it add up to a little less
            self.open = False
        return self.open
