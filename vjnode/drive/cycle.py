"""Movement that comes from the clock: a pulse on each beat, and a slow wave."""

import math

RISE = 0.125
"""The last part of a beat, in which the pulse rises towards the next: the beat clock knows
that one ahead, so the peak is on the beat and not after it."""


def beat_pulse(phase: float) -> float:
    """Return the pulse at ``phase`` of a beat, 0…1.

    1 on the beat; falls as (1 − phase / (1 − RISE))² to 0 and rises again over the last RISE
    of the beat as x² (3 − 2 x), x going from 0 to 1. Continuous everywhere.

    phase: 0 on the beat, going up to 1 at the next; whole numbers are dropped.
    """
    phase -= math.floor(phase)
    fall = 1.0 - RISE
    if phase < fall:
        return (1.0 - phase / fall) ** 2
    x = (phase - fall) / RISE
    return x * x * (3.0 - 2.0 * x)


class Lfo:
    """A sine between 0 and 1, (1 − cos 2π phase) / 2: free running, or locked to the beat.

    A change of rate never jumps; locking to the beat may, once.
    """

    def __init__(self) -> None:
        self.phase = 0.0

    def step(
        self, dt_s: float, *, rate_hz: float, beats: float = 0.0, position: float | None = None
    ) -> float:
        """Move on by ``dt_s`` (s) and return the wave there, 0…1.

        rate_hz: waves per second when it runs free.
        beats: length of a wave in beats; 0 runs free.
        position: beats since the beat clock's count began, with the phase as its fraction;
            None while no beat is known, and then it runs free.
        """
        if beats > 0.0 and position is not None:
            self.phase = position / beats % 1.0
        else:
            self.phase = (self.phase + max(0.0, dt_s) * rate_hz) % 1.0
        return 0.5 - 0.5 * math.cos(2.0 * math.pi * self.phase)
