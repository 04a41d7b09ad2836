"""Pacing: the time at which the engine begins each frame."""

from vjnode.output.clock import FrameClock

LEAD = 0.4
"""A frame is begun this part of a period before its deadline."""

EVEN = 0.95
"""Part of the time that a frame takes of late: below 1, so that it can take less again."""

REMEMBERED = 6
"""Beginnings. A frame that was held up spoils two pairs of intervals of those between them."""

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
        period_s, begun = self._clock.period_s, self._begun_s
        # Two that overlap are begun in the time that one takes.
        pairs_s = [(later - first) / 2 for first, later in zip(begun, begun[2:], strict=False)]
        takes_s = min(pairs_s, default=0.0)
        if self._overlaps and takes_s > LATE * period_s:
            return begun[-1] + EVEN * takes_s
        lead_s = LEAD * period_s
        self._frame = self._clock.next_frame(after=self._frame, now_s=now_s + lead_s)
        return self._clock.due_s(self._frame) - lead_s

    def begun(self, now_s: float) -> None:
        """Take note that a frame is begun."""
        self._begun_s = [*self._begun_s, now_s][-REMEMBERED:]
