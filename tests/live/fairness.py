"""Playing shows fairly on a test machine, which has other things to do as well.

Beside each show runs a canary, a thread that has about as much to do as an output and notes how
long it is made to wait. A limit that is missed while the canary was on time is a fault; when it
was held up too, the show is played once more, and then the test is skipped with the reason.
"""

import threading
import time
from dataclasses import dataclass

import pytest

from tests.early import standing_still


class Canary(threading.Thread):
    """A thread that is due 20 times a second, and notes how long this machine makes it wait."""

    REST_S, WORK_S = 0.045, 0.005
    HELD_UP_S = 0.1
    LEAST_SHARE = 0.5  # of a core, that it gets while it works

    def __init__(self):
        super().__init__(daemon=True)
        self._beats = []  # each: its end, time since it was due, time that its work took, s
        self._over = threading.Event()

    def run(self):
        while not self._over.is_set():
            began_s = time.monotonic()
            time.sleep(self.REST_S)
            woke_s, worked_s = time.monotonic(), time.thread_time()
            while time.thread_time() - worked_s < self.WORK_S:
                pass
            ended_s = time.monotonic()
            self._beats.append((ended_s, ended_s - began_s - self.REST_S, ended_s - woke_s))

    def held_up(self, since_s, until_s):
        """Return why nothing can be said of a span of time; "" where the machine was free."""
        near = [beat for beat in self._beats if since_s - 1.0 <= beat[0] <= until_s + 1.0]
        if not near:
            return "nothing was measured"
        longest_s = max(waited_s for _, waited_s, _ in near)
        share = self.WORK_S * len(near) / sum(took_s for *_, took_s in near)
        if longest_s > self.HELD_UP_S or share < self.LEAST_SHARE:
            return f"it waited up to {longest_s:.2f} s and got {share:.0%} of a core"
        return ""

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()


@dataclass(frozen=True)
class Miss:
    """A limit that did not hold, and its span of time, monotonic s."""

    what: str
    since_s: float
    until_s: float


def play_fairly(scenario):
    """Play a show with ``scenario``, which returns its misses; see above how they are judged."""
    for _ in range(2):
        with standing_still(), Canary() as canary:
            misses = scenario()
        reasons = [(one, canary.held_up(one.since_s, one.until_s)) for one in misses]
        assert all(why for _, why in reasons), [one for one, why in reasons if not why]
        if not misses:
            return
    pytest.skip(f"this machine was too busy to tell, twice: {reasons}")
