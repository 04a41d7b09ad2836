"""When the engine begins each frame."""

from vjnode.output.clock import FrameClock

LEAD = 0.4
"""A frame is begun this part of a period before its deadline."""

EVEN = 0.85
"""Of the mean of the last two intervals: where frames take more or less, none waits for long."""

LATE = 1.05
"""In periods: frames that come no later than this keep to the clock."""


class Pace:
    """Just ahead of each deadline; or, where frames overlap and take longer, evenly.

    Two that are begun together would also be there together, and then none for long. What
    bounds the rate is the engine: this only moves the beginnings apart.

    overlaps: whether each frame is begun before the one before it is there.
    """

    def __init__(self, clock: FrameClock, *, overlaps: bool, now_s: float) -> None:
        self._clock, self._overlaps = clock, overlaps
        self._frame = clock.frame_at(now_s)
        self._begun_s = [now_s]

    def due_s(self, now_s: float) -> float:
        """Return when to begin the next frame, s; asked once for each."""
        period_s = self._clock.period_s
        mean_s = (self._begun_s[-1] - self._begun_s[0]) / max(len(self._begun_s) - 1, 1)
        if self._overlaps and mean_s > LATE * period_s:
            return self._begun_s[-1] + EVEN * mean_s
        lead_s = LEAD * period_s
        self._frame = self._clock.next_frame(after=self._frame, now_s=now_s + lead_s)
        return self._clock.due_s(self._frame) - lead_s

    def begun(self, now_s: float) -> None:
        """Take note that a frame is begun."""
        self._begun_s = [*self._begun_s[-2:], now_s]
