"""Clock that derives the time at which sound was heard from its arrival."""

from collections import deque

WINDOW_S = 1.0
"""Time within which the quickest arrival is assumed to have had no delay."""

PAUSE_S = 0.25
"""Pause, s, after which the clock starts over."""

LOST_S = 0.003
"""Delay shared by all arrivals of the window, s, that shows that sound was lost before them."""

LATE_S = 0.01
"""Delay beyond the expected time, s, from which on an arrival is late; more than jitter."""

SOON_S = 0.15
"""Time, s, for which all arrivals are late and none catches up before sound counts as lost."""

SLEW = 4e-4
"""Rate at which the estimated start may move later, s/s: more than clocks drift apart, less than
is noticeable."""


class ArrivalClock:
    """Stamps pieces of sound that a card or a sound server delivers in bursts.

    The card counts frames evenly; only the delay until they are delivered varies. So the time of
    a frame is its number divided by the card's rate, after a start that is fitted to the
    arrivals: the latest start for which no sound would have arrived before it was heard.
    PortAudio's own time stamps would tell more, but several systems leave them at zero, or on
    a clock of their own.

    Args:
        rate_hz: nominal rate of the card's frames.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._frames = 0
        self._begin_s: float | None = None
        self._arrival_s = 0.0
        self._leads: deque[tuple[float, float]] = deque()  # arrival, start that fits it
        self._late: tuple[float, float] | None = None  # the same for the first late arrival

    def stamp(self, frames: int, arrival_s: float, *, lost: bool = False) -> float:
        """Return the time at which the last frame of the next piece was heard, ≤ ``arrival_s``.

        arrival_s: time at which the piece was delivered, s; must not decrease.
        lost: the card reports that sound was lost before this piece.
        """
        if lost or arrival_s - self._arrival_s > PAUSE_S:
            self._frames, self._begin_s = 0, None
            self._leads.clear()
            self._late = None
        elapsed_s, self._arrival_s = arrival_s - self._arrival_s, arrival_s
        self._frames += frames
        counted_s = self._frames / self._rate_hz
        self._begin_s = self._fit(arrival_s, arrival_s - counted_s, elapsed_s)
        return min(self._begin_s + counted_s, arrival_s)

    def _fit(self, arrival_s: float, lead_s: float, elapsed_s: float) -> float:
        """Return the time, s, at which the count of frames began, fitted to all arrivals."""
        while self._leads and self._leads[-1][1] >= lead_s:
            self._leads.pop()
        self._leads.append((arrival_s, lead_s))
        oldest_s = self._lost_since_s(arrival_s, lead_s) or arrival_s - WINDOW_S
        while self._leads[0][0] < oldest_s:
            self._leads.popleft()
        least_s = self._leads[0][1]
        if self._begin_s is None or least_s <= self._begin_s:
            return least_s
        later_s = least_s - self._begin_s
        if later_s > LOST_S:
            return least_s
        return self._begin_s + min(later_s, SLEW * elapsed_s)

    def _lost_since_s(self, arrival_s: float, lead_s: float) -> float | None:
        """Return the time, s, since which all arrivals are late, if sound was lost; else None."""
        if self._begin_s is None or lead_s <= self._begin_s + LATE_S:
            self._late = None
        elif self._late is None or lead_s < self._late[1] - LOST_S:  # it is catching up
            self._late = arrival_s, lead_s
        if self._late is None or arrival_s - self._late[0] < SOON_S:
            return None
        return self._late[0]
