"""Answers of a show: a thread that tells values and features to whoever listens.

Nothing in the show waits for it: it looks at the controls and the memory that are there.
"""

import threading
from collections.abc import Callable

from vjnode.control.osc_out import OscOut
from vjnode.control.state import Controls
from vjnode.runtime import monotonic_s
from vjnode.show.features import FeatureReader
from vjnode.show.shared_memory import ShowMemory

TICKS = 60.0
"""Looks for what has changed, 1/s; never fewer than features are told."""

CLOSE_S = 1.0


class Answers:
    """Tells destinations of a show's values; it rests while there are none.

    Args:
        out: who is told.
        newest: returns the controls as they are now.
        memory: the show's.
        size_px: size of its frames.
        rate: how often features are told, 1/s; 0 for never.

    """

    def __init__(
        self,
        out: OscOut,
        newest: Callable[[], Controls],
        memory: ShowMemory,
        size_px: int,
        rate: float,
    ) -> None:
        self._out = out
        self._newest = newest
        self._rate = rate
        self._features = FeatureReader(memory, size_px)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="osc-out", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._out.woken.set()
        self._thread.join(CLOSE_S)
        if not self._thread.is_alive():  # else the memory is still in use
            self._features.close()

    def _run(self) -> None:
        next_s = features_s = monotonic_s()
        while not self._stopping.is_set():
            if not self._out.destinations:
                self._out.woken.wait()
                self._out.woken.clear()
                continue
            now_s = monotonic_s()
            self._out.tell(self._newest())
            if self._rate:
                self._tell_events(now_s)
                if now_s >= features_s:
                    self._tell_levels(now_s)
                    features_s = max(features_s + 1.0 / self._rate, now_s)
            next_s = max(next_s + 1.0 / max(TICKS, self._rate), now_s)
            self._stopping.wait(max(next_s - monotonic_s(), 0.0))

    def _tell_events(self, now_s: float) -> None:
        for name, value in self._features.events(now_s):
            self._out.send(name, value)

    def _tell_levels(self, now_s: float) -> None:
        for name, value in self._features.levels(now_s):
            self._out.send(name, value)
