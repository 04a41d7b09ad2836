"""Keeper of a show's presets: a thread that writes them, while nothing waits for a disk."""

import logging
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue

from vjnode.control.preset_job import PresetJob, do_job
from vjnode.control.presets import PresetShelf
from vjnode.control.state import Preset
from vjnode.errors import VjnodeError
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

LOOK_S = 0.05
"""Pause between two looks for files that have changed: a fader may send presets all the time."""

CLOSE_S = 5.0

Presets = Mapping[str, Preset]
Told = Callable[[Presets, tuple[str, str] | None], None]
"""Told of new presets; and of the one that may be on, with the name that stands for it now."""


class PresetKeeper:
    """Does jobs one after the other, and sees files that others have changed.

    Args:
        shelf: the presets of the show.
        clock: monotonic s.

    """

    def __init__(self, shelf: PresetShelf, clock: Callable[[], float] = monotonic_s) -> None:
        self._shelf, self._clock = shelf, clock
        self._lock = threading.Lock()
        self._looked_s = clock()
        self._jobs: SimpleQueue[tuple[PresetJob, Told] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="presets", daemon=True)
        self._thread.start()

    @property
    def presets(self) -> Presets:
        """The presets at the last look."""
        return self._shelf.presets

    def look(self) -> bool:
        """Read files that have changed; returns whether there were any.

        It does not wait for the thread, and looks at most every ``LOOK_S``.
        """
        if self._clock() - self._looked_s < LOOK_S or not self._lock.acquire(blocking=False):
            return False
        try:
            self._looked_s = self._clock()
            return self._shelf.refresh()
        finally:
            self._lock.release()

    def post(self, job: PresetJob, told: Told) -> None:
        """Have a job done soon. told: called by the thread once it is."""
        self._jobs.put((job, told))

    def close(self) -> None:
        """Finish what is to be done, and end the thread."""
        self._jobs.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while (one := self._jobs.get()) is not None:
            job, told = one
            try:
                with self._lock:
                    _log.info("preset: %s", do_job(job, self._shelf.presets))
                    self._shelf.refresh()
                told(self._shelf.presets, job.renamed)
            except VjnodeError as error:
                _log.warning("presets are as they were: %s", error)
