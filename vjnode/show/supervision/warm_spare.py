"""Child processes, and a warm spare that has finished its imports.

Starting Python and importing arrays, codecs and sound takes a second or more, which is most of a
fault's outage. So one process is always kept warm, and replaces a stage that fails.
"""

import logging
import multiprocessing
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from vjnode.show.supervision.worker import Job, Warm, child_main, stop_signals_ignored

_log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""Time before a spare that died, or could not be started, is replaced: something may be killing
every new process, or the system may have no room for more."""

REFILL_S = 1.0
"""Time before a used spare is replaced, so that the restarted stage has the machine to itself."""

KILL_S = 0.5
"""Time to wait for a killed process. One that hangs in a driver ends when it returns from there."""


@dataclass
class Worker:
    """A child process and the connection to it. warm: whether it has finished its imports."""

    process: BaseProcess
    connection: Connection
    warm: bool = False

    def send(self, job: Job) -> None:
        """Send it its job; if the process is dead already, the next check notices that."""
        with suppress(OSError):
            self.connection.send(job)

    def look(self) -> bool:
        """Update ``warm`` by its messages, and return whether it is alive."""
        try:
            while not self.warm and self.connection.poll():
                self.warm = isinstance(self.connection.recv(), Warm)
        except (EOFError, OSError):
            return False
        return self.process.is_alive()

    def kill(self) -> None:
        """Kill the process at once and release it."""
        self.process.kill()
        self.process.join(KILL_S)
        if self.process.exitcode is not None:
            self.process.close()
        self.connection.close()


def start_worker(modules: tuple[str, ...] = ()) -> Worker:
    """Start a process that imports ``modules`` and waits for a job.

    Raises:
        OSError: the system has no process, memory or handle left for it.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=child_main, args=(theirs, modules), name="vjnode-child")
    try:
        with theirs, stop_signals_ignored():
            process.start()
    except OSError:
        ours.close()
        raise
    return Worker(process, ours)


class Spares:
    """The spare process of a show.

    modules: modules that it imports, before its job is known; empty: there is no spare.
    """

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._spare: Worker | None = None
        self._start_at_s = 0.0

    def poll(self, now_s: float) -> None:
        """Check the spare, and start one if it is missing."""
        if self._spare is None:
            if self._modules and now_s >= self._start_at_s:
                self._start(now_s)
        elif not self._spare.look():
            self.kill()
            self._start_at_s = now_s + AGAIN_S

    def _start(self, now_s: float) -> None:
        """Start the spare; while that fails, the show goes on without one."""
        try:
            self._spare = start_worker(self._modules)
        except OSError as error:
            _log.warning("no process in reserve: %s; tried again in %g s", error, AGAIN_S)
            self._start_at_s = now_s + AGAIN_S

    def take(self, now_s: float) -> Worker:
        """Return the spare, or a newly started process if there is none.

        Raises:
            OSError: no process can be started.
        """
        worker, self._spare = self._spare, None
        self._start_at_s = max(self._start_at_s, now_s + REFILL_S)
        if worker is not None:
            if worker.look():
                return worker
            worker.kill()
        return start_worker()

    def kill(self) -> None:
        """Kill the spare."""
        if self._spare is not None:
            self._spare.kill()
            self._spare = None
