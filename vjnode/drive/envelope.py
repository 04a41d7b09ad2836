"""Attack and release: the face rises with the music quickly and calms down slowly."""

import math


def step(level: float, target: float, *, dt_s: float, attack_s: float, release_s: float) -> float:
    """Move ``level`` towards ``target`` for ``dt_s`` and return where it is then.

    One pole, exact for any step: two steps of dt/2 lead where one of dt does, so that the
    movement does not depend on the frame rate.

    dt_s: time since the last step, s; a clock that went backwards (dt < 0) moves nothing.
    attack_s, release_s: time constants (63 % of the way) up and down, s; 0 jumps.
    """
    if dt_s <= 0.0:
        return level
    time_s = attack_s if target > level else release_s
    if time_s <= 0.0:
        return target
    return target + (level - target) * math.exp(-dt_s / time_s)


SLOPE = 0.45
"""Fastest calm movement, weight per second."""

_FREE_S = 0.7
_SMOOTH_S = 0.1
_FAR, _FURTHER = 0.25, 0.1


class Legato:
    """Follows at once what an attack sets off, and what moves without one calmly.

    A held chord beats and trembles, and its weight with it, by a tenth and more; a face that
    follows that looks nervous. A drum moves the weight as far, but it has an attack. So for 0.7 s
    after an attack the weight is followed as it is, up and down. After that it is smoothed over
    0.1 s and moves no faster than ``slope``; what is more than 0.25 away is followed faster, with
    the square of how much more it is in tenths, so that a swell or a cut is not dragged out.

    Args:
        slope: fastest calm movement, weight per second; infinite follows everything at once.
    """

    def __init__(self, slope: float = SLOPE) -> None:
        self._slope = slope
        self._since_s = math.inf
        self.level = 0.0

    def step(self, target: float, dt_s: float, *, attack: bool = False) -> float:
        """Move on by ``dt_s`` (s) towards ``target`` and return where the level is then.

        attack: one has been heard since the last step.
        """
        self._since_s = 0.0 if attack else self._since_s + max(0.0, dt_s)
        if self._since_s < _FREE_S or math.isinf(self._slope):
            self.level = target
            return self.level
        far = max(0.0, abs(target - self.level) - _FAR) / _FURTHER
        most = self._slope * (1.0 + far * far) * max(0.0, dt_s)
        smoothed = step(self.level, target, dt_s=dt_s, attack_s=_SMOOTH_S, release_s=_SMOOTH_S)
        self.level += min(max(smoothed - self.level, -most), most)
        return self.level

    def jump(self, level: float) -> None:
        """Be at ``level`` now."""
        self.level = level
