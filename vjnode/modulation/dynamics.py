"""Dynamics: scaling of the weight's movement about its running mean, from steady to dancing."""

from vjnode.modulation.modulators import follow

AS_HEARD = 0.5
"""Setting that leaves the weight as it is."""

_MEAN_S = 1.0  # about two beats: a hit stands out from the mean, a passage does not


class Dynamics:
    """Moves the weight towards its running mean, or further away from it.

    With d = weight − mean and k = 2 · amount the weight becomes mean + k · d for k ≤ 1. Above
    that it is mean + k · d / (1 + (k − 1) · |d| / room), where room is the distance from the mean
    to the end of 0…1 on that side: hits and the falls between them grow, and neither end is ever
    passed or clipped.
    """

    def __init__(self) -> None:
        self._mean = 0.0

    def step(self, weight: float, dt_s: float, amount: float = AS_HEARD) -> float:
        """Advance by ``dt_s`` (s) and return the new weight, 0…1.

        weight: 0…1.
        amount: 0 is steady, the running mean alone; 0.5 leaves the weight as it is; 1 is dancing:
            small movements are twice as large. Clipped to 0…1.
        """
        self._mean = follow(self._mean, weight, dt_s=dt_s, attack_s=_MEAN_S, release_s=_MEAN_S)
        factor = 2.0 * min(1.0, max(0.0, amount))
        apart = weight - self._mean
        room = 1.0 - self._mean if apart > 0.0 else self._mean
        if factor > 1.0 and room > 0.0:
            factor /= 1.0 + (factor - 1.0) * min(1.0, abs(apart) / room)
        return self._mean + factor * apart

    def rest(self) -> None:
        """Start over from rest, because there is no sound."""
        self._mean = 0.0
