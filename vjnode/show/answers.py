"""Answers of a show: a thread that tells values and features to whoever listens.

Nothing in the show waits for it: it looks at the controls and the memory that are there.
"""

import threading
from collections.abc import Callable

from vjnode.control.osc_map import OscMapSender
from vjnode.control.osc_out import OscOut
from vjnode.control.parameter import Value
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
        mapped: tells other programs under their own addresses.

    """

    def __init__(
        self,
        out: OscOut,
        newest: Callable[[], Controls],
        memory: ShowMemory,
        size_px: int,
        *,
        rate: float,
        mapped: OscMapSender | None = None,
    ) -> None:
        self._out = out
        self._newest = newest
        self._rate = rate
        self._mapped = mapped or None
        self._features = FeatureReader(memory, size_px)
        self._levels: dict[str, Value] = {}
        """Features that have been read, for maps."""
        self._due: dict[str, Value] = {}
        """Those of them that have not been told to destinations yet."""
        self._due_s = monotonic_s()
        self._refreshes = 0
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
        next_s = monotonic_s()
        while not self._stopping.is_set():
            if not self._out.destinations and self._mapped is None:
                self._out.woken.wait()
                self._out.woken.clear()
                continue
            now_s, controls = monotonic_s(), self._newest()
            self._out.tell(controls)
            for_maps = self._mapped is not None and self._mapped.takes_features
            if self._rate or for_maps:
                self._tell_events(controls, now_s)
                if for_maps or now_s >= self._due_s:
                    self._tell_levels(controls, now_s)
            if self._mapped is not None:
                if self._refreshes != self._out.refreshes:
                    self._refreshes = self._out.refreshes
                    self._mapped.refresh()
                self._mapped.tell(controls, self._levels, now_s)
            next_s = max(next_s + 1.0 / max(TICKS, self._rate), now_s)
            self._stopping.wait(max(next_s - monotonic_s(), 0.0))

    def _tell_events(self, controls: Controls, now_s: float) -> None:
        for name, value in self._features.events(now_s):
            if self._mapped is not None:
                self._mapped.happen(name, value)
            self._send(name, value, controls)

    def _tell_levels(self, controls: Controls, now_s: float) -> None:
        """Read features, and tell those that are due; the status comes only now and then."""
        told = dict(self._features.levels(now_s))
        self._levels |= told
        self._due |= told
        if now_s >= self._due_s and self._rate:
            self._due_s = max(self._due_s + 1.0 / self._rate, now_s)
            for name, value in self._due.items():
                self._send(name, value, controls)
            self._due = {}

    def _send(self, name: str, value: Value, controls: Controls) -> None:
        if self._rate:
            self._out.send(name, value, switched_on=controls.is_on(f"send/{name}"))
