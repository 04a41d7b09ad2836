"""Pacing: the time at which the engine begins each frame."""

from collections import deque

from vjnode.output.clock import FrameClock

LEAD, MOST_LEAD = 0.4, 0.9
"""A frame is begun this part of a period before its deadline, or more where it takes longer."""

SPARE = 0.1
"""Part of a period that a frame should be there before its deadline."""

LOOKED_BACK = 90
"""Frames of late whose slowest, but for two that were held up, say how long the next will take."""

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
        self._took_s: deque[float] = deque(maxlen=LOOKED_BACK)

    def due_s(self, now_s: float) -> float:
        """Return when to begin the next frame, s; asked once for each."""
        period_s, begun = self._clock.period_s, self._begun_s
        # Two that overlap are begun in the time that one takes.
        pairs_s = [(later - first) / 2 for first, later in zip(begun, begun[2:], strict=False)]
        takes_s = min(pairs_s, default=0.0)
        if self._overlaps and takes_s > LATE * period_s:
            return begun[-1] + EVEN * takes_s
        lead_s = self._lead_s()
        self._frame = self._clock.next_frame(after=self._frame, now_s=now_s + lead_s)
        return self._clock.due_s(self._frame) - lead_s

    def begun(self, now_s: float) -> None:
        """Take note that a frame is begun."""
        self._begun_s = [*self._begun_s, now_s][-REMEMBERED:]

    def done(self, now_s: float) -> None:
        """Take note that the frame that was begun last is there."""
        self._took_s.append(now_s - self._begun_s[-1])

    def _lead_s(self) -> float:
        """Return how long before its deadline a frame is begun, s."""
        slow_s = sorted(self._took_s)[-3:][0] if len(self._took_s) > 2 else 0.0
        period_s = self._clock.period_s
        return min(max(LEAD * period_s, slow_s + SPARE * period_s), MOST_LEAD * period_s)
