"""Parser of frame rates, and the clock that keeps them."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from vjnode.errors import InputError
from vjnode.runtime import monotonic_s

FPS_LOW, FPS_HIGH = 1, 240

_LONGEST = 32
"""Longest text of a frame rate, characters: 1e999999999 would take very long to convert."""


def in_range(fps: Fraction) -> bool:
    """Return whether ``fps``, frames/s, is a rate that vjnode supports."""
    return FPS_LOW <= fps <= FPS_HIGH


def parse_fps(text: str) -> Fraction:
    """Return the frame rate in ``text``: ``60``, ``29.97`` (for 30000/1001), ``30000/1001``.

    Raises:
        InputError: it is not a number from ``FPS_LOW`` to ``FPS_HIGH``.
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
"""Length of the end of a wait that is spun, as a sleep wakes up late by about this much, s."""


@dataclass(frozen=True)
class FrameClock:
    """Evenly spaced deadlines without drift, because each is computed from the epoch.

    All stages of a show share one epoch, so that the engine can finish a frame just before the
    outputs send it.

    epoch_s: deadline of frame 0, s.
    fps: frames/s, exact (30000/1001 is a rate like any other).
    """

    epoch_s: float
    fps: Fraction

    @property
    def period_s(self) -> float:
        """Time between two deadlines, s."""
        return float(1 / self.fps)

    def due_s(self, frame: int) -> float:
        """Return the deadline of ``frame``, s."""
        return self.epoch_s + float(frame / self.fps)

    def frame_at(self, now_s: float) -> int:
        """Return the newest frame whose deadline is not later than ``now_s``."""
        frame = math.floor((now_s - self.epoch_s) * self.fps)
        # Rounding of the product can put a time on the wrong side of a deadline, by one frame.
        if self.due_s(frame + 1) <= now_s:
            return frame + 1
        return frame if self.due_s(frame) <= now_s else frame - 1

    def next_frame(self, *, after: int, now_s: float) -> int:
        """Return the frame to send next when ``after`` has been sent at ``now_s``.

        It is the following one, or, if that is late by more than a period, the newest that is
        due, because a clock must not send a burst after a stall.
        """
        return max(after + 1, self.frame_at(now_s))


def wait_until(
    due_s: float,
    *,
    now: Callable[[], float] = monotonic_s,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until ``due_s`` (monotonic s), to a fraction of a millisecond on a quiet machine."""
    remaining = due_s - now()
    if remaining > SPIN_S:
        sleep(remaining - SPIN_S)
    while now() < due_s:
        pass
