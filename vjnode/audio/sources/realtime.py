"""Real-time pacing of sources that have no clock of their own."""

import math
import time
from collections.abc import Callable
from dataclasses import replace

from vjnode.audio.sources.base import BLOCK_S, Block, Source
from vjnode.runtime import monotonic_s

CATCH_UP_S = 0.1
"""Longest stall, s, that is caught up by delivering blocks faster. After a longer one the sound is
skipped to the position that it would have reached by now."""

MOST_SKIPPED_S = 15.0
"""Longest stall, s, that is skipped. After a longer one the sound continues where it stopped: the
whole show stood still, as when a laptop is closed, and an hour of a song takes long to skip."""


class Paced:
    """Delivers the blocks of a file or a tone at the times at which they would be heard.

    The n-th block is due n blocks after the first read, however long the reader takes, so that
    the sound does not drift from the clock; only a long standstill moves it.

    Args:
        source: any source that never waits.
        clock, sleep: seconds on one clock; replaced in tests.
    """

    def __init__(
        self,
        source: Source,
        clock: Callable[[], float] = monotonic_s,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = source.name
        self._source = source
        self._clock = clock
        self._sleep = sleep
        self._start_s = math.nan
        self._blocks = 0

    def read(self) -> Block | None:
        """Wait until the end of the next block is due; return it, stamped with that time."""
        now_s = self._clock()
        if not self._blocks:
            self._start_s = now_s
        due_s = self._next_due_s()
        if now_s - due_s > MOST_SKIPPED_S:
            self._start_s += now_s - due_s + BLOCK_S
            due_s = now_s + BLOCK_S
        elif now_s - due_s > CATCH_UP_S:
            while due_s < now_s:
                if self._source.read() is None:
                    return None
                due_s = self._next_due_s()
        block = self._source.read()
        if block is None:
            return None
        while (wait_s := due_s - self._clock()) > 0.0:
            self._sleep(wait_s)
        return replace(block, captured_s=due_s)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _next_due_s(self) -> float:
        self._blocks += 1
        return self._start_s + self._blocks * BLOCK_S
