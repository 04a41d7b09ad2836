"""One stage of a show from its supervisor's side: a process, its messages and its progress."""

import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vjnode.runtime import monotonic_s
from vjnode.show.supervision.warm_spare import Spares, Worker, start_worker
from vjnode.show.supervision.worker import Begun, Failed, Job, Patience, Ready

_log = logging.getLogger(__name__)

BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Waits before the first, second, … restart in a row."""

HEALTHY_S = 10.0
"""Time without a fault after which the waits start from the beginning."""

ANSWER_S = 1.0
"""Time within which a warm process must accept its job; otherwise it hangs."""


@dataclass(frozen=True)
class StageSpec:
    """Specification of one child process, and of the check that it works.

    run: takes the number of restarts so far; returns the function to run, and its arguments.
    progress: returns a number that grows while it works; being alive is not enough.
    stall_s: time for which that number may stay the same before the process counts as hung,
        unless it has asked for longer.
    start_s: time that it may take from a start during the show to its first progress.
    """

    name: str
    run: Callable[[int], tuple[Callable[..., None], tuple[object, ...]]]
    progress: Callable[[], int]
    stall_s: float
    start_s: float


class Child:
    """One stage's process, replaced by a new one whenever it dies or hangs."""

    def __init__(self, spec: StageSpec, flags_name: str, spares: Spares) -> None:
        self.spec = spec
        self.restarts = 0
        self.ready = False
        self.failed: Failed | None = None
        self.about: Mapping[str, object] = {}
        """Its last report of what it has opened."""
        self.progress_s = 0.0
        """Time at which it was last seen to make progress, monotonic s."""
        self._flags_name = flags_name
        self._spares = spares
        self._worker: Worker | None = None
        self._row = 0  # faults in a row
        self._start_at_s = 0.0
        self._progress = 0
        self._live = False
        self._was_warm = False
        self._answered = False
        self._patience_s: float | None = None

    def start(self, now_s: float) -> None:
        """Start the process.

        Raises:
            OSError: the system has no process, memory or handle left for it.
        """
        stage, arguments = self.spec.run(self.restarts)
        # A stage that fails again and again must not use up the spares that others may need.
        first = self._row < len(BACK_OFF_S)
        self._worker = self._spares.take(now_s) if first else start_worker()
        self._was_warm, self._answered, self._patience_s = self._worker.warm, False, None
        self.ready, self.failed = False, None
        self._progress, self.progress_s, self._live = self.spec.progress(), now_s, False
        self._worker.send(Job(stage, self.spec.name, self._flags_name, arguments))

    def poll(self, now_s: float) -> str | None:
        """Check the process; restart it when due; return the reason if it is newly dead or hung.

        A process that cannot be started is dead at once.
        """
        if self._worker is None:
            return self._restart(now_s) if now_s >= self._start_at_s else None
        if (reason := self.death()) is not None:
            return reason
        if (progress := self.spec.progress()) != self._progress:
            self._progress, self.progress_s, self._live = progress, now_s, True
            if self._row and now_s - self._start_at_s > HEALTHY_S:
                self._row = 0
        limit_s = self._limit_s()
        if now_s - self.progress_s > limit_s:
            return f"no sign of life for {limit_s:g} s"
        return None

    def _restart(self, now_s: float) -> str | None:
        """Start the process again; return the reason if that is not possible now."""
        self.restarts += 1
        try:
            self.start(now_s)
        except OSError as error:
            return f"cannot be started: {error}"
        return None

    def _limit_s(self) -> float:
        """Return the time for which it may now be without progress, s."""
        if self._live:
            return self.spec.stall_s if self._patience_s is None else self._patience_s
        if self._was_warm and not self._answered:
            return ANSWER_S
        return self.spec.start_s

    def forgive(self, lost_s: float) -> None:
        """Ignore ``lost_s`` without any check: a stall then may not have been the child's fault."""
        self.progress_s += lost_s

    def expect_progress(self, now_s: float) -> None:
        """Measure the time without progress from now on."""
        self.progress_s = now_s

    @property
    def working(self) -> bool:
        """True if it has made progress since its last start."""
        return self._worker is not None and self._live

    @property
    def pid(self) -> int | None:
        """Its process id, while there is a process."""
        return None if self._worker is None else self._worker.process.pid

    def death(self) -> str | None:
        """Return why the process is dead, or None while it lives or is not started yet."""
        if self._worker is None:
            return None
        self._listen(self._worker)
        if self._worker.process.is_alive():
            return None
        self._listen(self._worker)  # its messages between the last check and its end
        if self.failed is not None:
            return self.failed.text
        code = self._worker.process.exitcode
        return _signal_name(-code) if code is not None and code < 0 else f"ended with code {code}"

    def retire(self, now_s: float) -> None:
        """Kill and release the process, and set the time of the next start."""
        self.kill()
        wait_s = BACK_OFF_S[min(self._row, len(BACK_OFF_S) - 1)]
        self._row += 1
        self._start_at_s = now_s + wait_s

    def kill(self) -> None:
        """Kill the process at once."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def join(self, until_s: float) -> None:
        """Wait for the process to end by itself, at most until ``until_s``; then kill it."""
        if self._worker is not None:
            self._worker.process.join(max(until_s - monotonic_s(), 0.0))
            if self._worker.process.is_alive():
                _log.warning("%s did not end by itself", self.spec.name)
        self.kill()

    def _listen(self, worker: Worker) -> None:
        """Process the messages that the process has sent."""
        try:
            while worker.connection.poll():
                match worker.connection.recv():
                    case Begun():
                        self._answered = True
                    case Ready(about):
                        self.ready, self.about = True, about
                    case Patience(stall_s):
                        self._patience_s = stall_s
                        # Whoever says so lives: a wait that was asked for before is not counted
                        # against the limit that holds from now on.
                        self.progress_s = max(self.progress_s, monotonic_s())
                    case Failed() as failed:
                        self.failed = failed
        except (EOFError, OSError):  # it was killed, which is_alive shows
            pass


def _signal_name(number: int) -> str:
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended by signal {number}"
