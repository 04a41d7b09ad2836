"""Times in the trace of a real show, and misses of limits."""

import time

from tests.live.fairness import Miss


def missed(*limits, since_s):
    """Return a miss for each limit, a pair of what it is and whether it held, that did not hold."""
    now_s = time.monotonic()
    return [Miss(what, since_s, now_s) for what, held in limits if not held]


def frames_between(show, begin_s, end_s):
    """Return the times, s, at which frames were published within a span of time."""
    published = (line["published_s"] for line in show.trace())
    return [one_s for one_s in published if begin_s < one_s < end_s]


def first_shown_s(show, **wanted):
    """Return the time, s, at which the first frame of a face or expression was published."""
    shown = (one for one in show.trace() if all(one[name] == wanted[name] for name in wanted))
    return next((one["published_s"] for one in shown), float("inf"))
