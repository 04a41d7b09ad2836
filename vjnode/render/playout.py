"""Playout: the moment that is shown of pictures that come when they are drawn; reads no clock."""

from collections import deque
from statistics import median

REMEMBERED = 24
"""Pictures of late, some in a second, that tell how long one may be waited for."""

SLOWEST, FASTEST = 0.6, 1.1
"""Limits on the rate of what is shown, in its own time: it slows down at once for a picture that is
late, and catches up so slowly that nobody sees it hurry."""

LATE_S = 0.1
"""Length of a tick, s, from which on the time that it took is made up at once. After a shorter one
that came late, the next step is no longer than others."""

SETTLES_S = 0.15
"""Time in which most of a wrong lag is made up, s."""


class Playout:
    """Shows pictures a little late, so that the next is always there and movement is even.

    Each picture belongs to the moment that it was asked for. Shown is a moment between two of them;
    it runs with the clock, as far behind it as the slowest pictures of late need it.
    """

    def __init__(self) -> None:
        self._stale_s: deque[float] = deque(maxlen=REMEMBERED)
        """Ages of newest pictures just before the next one came, s."""
        self._ticks_s: deque[float] = deque(maxlen=REMEMBERED)
        """Lengths of ticks of late, s."""
        self._last: tuple[float, float, float] | None = None

    def at(self, now_s: float, newest_s: float) -> float:
        """Return the moment to show at ``now_s``, s, which is no later than ``newest_s``.

        newest_s: moment of the newest picture. Both rise from call to call.
        """
        if self._last is None:
            self._last = now_s, newest_s, newest_s
            return newest_s
        before_s, picture_s, shown_s = self._last
        if newest_s > picture_s:
            self._stale_s.append(before_s - picture_s)
        behind_s = max(*self._stale_s, now_s - newest_s, 0.0)
        error_s = (now_s - behind_s) - shown_s
        dt_s = max(now_s - before_s, 0.0)
        rate = min(max(1.0 + (error_s - dt_s) / SETTLES_S, SLOWEST), FASTEST)
        self._ticks_s.append(dt_s)
        step_s = rate * dt_s
        if dt_s < LATE_S:
            step_s = min(step_s, FASTEST * median(self._ticks_s))
        shown_s = max(min(shown_s + step_s, newest_s), shown_s)
        self._last = now_s, newest_s, shown_s
        return shown_s
