"""Frame rates, read as people write them, and the clock that keeps them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vjnode.errors import InputError
from vjnode.runtime import monotonic_s

FPS_LOW, FPS_HIGH = 1, 240

_LONGEST = 32
"""Characters: 1e999999999 would take very long to be made a number of."""


def in_range(fps: Fraction) -> bool:
    """Return whether pictures can come at ``fps``, frames/s."""
    return FPS_LOW <= fps <= FPS_HIGH


def parse_fps(text: str) -> Fraction:
    """Read a frame rate: ``60``, ``29.97`` (meant as 30000/1001), ``30000/1001``.

    Raises:
        InputError: no number from ``FPS_LOW`` to ``FPS_HIGH``.
    """
    try:
        fps = Fraction(text) if len(text) <= _LONGEST else Fraction(0)
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if not in_range(fps):
        raise InputError(
            f"fps {text[:_LONGEST]!r} is not a number from {FPS_LOW} to {FPS_HIGH}, "
            "such as 60 or 30000/1001"
        )
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if fps != whole and abs(fps - ntsc) < Fraction(1, 100):
            return ntsc
    return fps


SPIN_S = 0.0006
"""The end of a wait is spun, because a sleep wakes up late by about this much."""


@dataclass(frozen=True)
class FrameClock:
    """A grid of deadlines that cannot drift: each is counted from the epoch.

    All stages of a show share one epoch, so that the engine can finish a frame just
    before the outputs send it.

    epoch_s: the deadline of frame 0, s.
    fps: frames/s, exact (30000/1001 is a rate like any other).
    """

    epoch_s: float
    fps: Fraction

    @property
    def period_s(self) -> float:
        """Time between two deadlines, s."""
        return float(1 / self.fps)

    def due_s(self, frame: int) -> float:
        """Deadline of ``frame``, s."""
        return self.epoch_s + float(frame / self.fps)

    def frame_at(self, now_s: float) -> int:
        """Return the newest frame whose deadline is not later than ``now_s``."""
        frame = math.floor((now_s - self.epoch_s) * self.fps)
        # The product of floats can fall on the wrong side of a deadline by one.
        if self.due_s(frame + 1) <= now_s:
            return frame + 1
        return frame if self.due_s(frame) <= now_s else frame - 1

    def next_frame(self, *, after: int, now_s: float) -> int:
        """Return the frame to aim for when ``after`` has been sent at ``now_s``.

        The one that follows; when that is over by more than a period, the newest that is
        due, because a stalled clock must not send a burst.
        """
        return max(after + 1, self.frame_at(now_s))


def wait_until(
    due_s: float,
    *,
    now: Callable[[], float] = monotonic_s,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return at ``due_s`` (monotonic s), to a fraction of a millisecond on a quiet machine."""
    remaining = due_s - now()
    if remaining > SPIN_S:
        sleep(remaining - SPIN_S)
    while now() < due_s:
        pass
