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


WAVER = 0.13
"""Moves much smaller than this are wavering, much larger ones are music."""

WAVER_S = 0.3
"""Time constant of the smallest moves, s."""


class Steady:
    """Smooths what wavers and lets through what moves.

    A held chord beats and trembles, and its weight with it, by some hundredths; a face that
    follows that looks nervous. One pole whose time constant depends on how far the target is
    away, waver_s · exp(−(distance / WAVER)²), smooths that and is out of the way of a hit (after
    G. Casiez et al., "1 € filter", CHI 2012, which does the same by speed).

    Args:
        waver_s: time constant of the smallest moves, s; 0 smooths nothing.
    """

    def __init__(self, waver_s: float = WAVER_S) -> None:
        self._waver_s = waver_s
        self.level = 0.0

    def step(self, target: float, dt_s: float, *, hit: bool = False) -> float:
        """Move on by ``dt_s`` (s) towards ``target`` and return where the level is then.

        hit: an attack is heard, so that a rise is no wavering, however small.
        """
        if hit and target > self.level:
            self.level = target
            return target
        apart = (target - self.level) / WAVER
        time_s = self._waver_s * math.exp(-min(apart * apart, 50.0))
        if self._waver_s > 0.0:
            target = step(self.level, target, dt_s=dt_s, attack_s=time_s, release_s=time_s)
        self.level = target
        return self.level
