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
