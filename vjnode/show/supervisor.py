"""Keeping the processes of a show alive: start, watch, restart, end."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from vjnode.errors import VjnodeError
from vjnode.show.child import Failed, Ready, child_main, stop_signals_ignored

_log = logging.getLogger(__name__)

BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Waits before the first, second, … restart in a row."""

HEALTHY_S = 10.0
"""After this long without a fault the waits start from the beginning."""

STOP_S = 1.2
"""How long children may take to end by themselves."""


@dataclass(frozen=True)
class StageSpec:
    """One child process and how to tell that it lives.

    run: what it runs, given how often it has been restarted.
    progress: a number that grows while it works; being alive is not enough.
    stall_s: how long that may stand still before the process counts as hung.
    start_s: how long it may take from a start during the show to its first progress.
    """

    name: str
    run: Callable[[int], tuple[Callable[..., None], tuple[object, ...]]]
    progress: Callable[[], int]
    stall_s: float
    start_s: float


@dataclass
class Incident:
    """A fault: what was hit, when (s since the show began), why, and how long it was away."""

    stage: str
    at_s: float
    reason: str
    away_s: float | None = None


class Child:
    """One stage's process, replaced by a new one whenever it dies or hangs."""

    def __init__(self, spec: StageSpec, board_name: str) -> None:
        self.spec = spec
        self.restarts = 0
        self.ready = False
        self.failed: Failed | None = None
        self.about: Mapping[str, object] = {}
        """What it has opened, as it said last."""
        self._board_name = board_name
        self._context = multiprocessing.get_context("spawn")
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._row = 0  # faults in a row
        self._start_at_s = 0.0
        self._progress = 0
        self._progress_s = 0.0
        self._live = False

    def start(self, now_s: float) -> None:
        """Start the process."""
        ours, theirs = self._context.Pipe(duplex=False)
        run, arguments = self.spec.run(self.restarts)
        self._process = self._context.Process(
            target=child_main,
            args=(run, self.spec.name, self._board_name, theirs, *arguments),
            name=f"vjnode-{self.spec.name}",
        )
        with stop_signals_ignored():
            self._process.start()
        theirs.close()
        self._connection = ours
        self.ready, self.failed = False, None
        self._progress, self._progress_s, self._live = self.spec.progress(), now_s, False

    def poll(self, now_s: float) -> str | None:
        """Look after the process; returns the reason when it has just been found dead or hung."""
        if self._process is None:
            if now_s >= self._start_at_s:
                self.restarts += 1
                self.start(now_s)
            return None
        if (reason := self.death()) is not None:
            return reason
        if (progress := self.spec.progress()) != self._progress:
            self._progress, self._progress_s, self._live = progress, now_s, True
            if self._row and now_s - self._start_at_s > HEALTHY_S:
                self._row = 0
        limit_s = self.spec.stall_s if self._live else self.spec.start_s
        if now_s - self._progress_s > limit_s:
            return f"no sign of life for {limit_s:g} s"
        return None

    def expect_progress(self, now_s: float) -> None:
        """Count the time without progress from now on."""
        self._progress_s = now_s

    @property
    def working(self) -> bool:
        """Whether it has made progress since its last start."""
        return self._process is not None and self._live

    @property
    def pid(self) -> int | None:
        """Its process id, while there is one."""
        return None if self._process is None else self._process.pid

    def death(self) -> str | None:
        """Return why the process is dead, or None while it lives or has yet to be started."""
        if self._process is None:
            return None
        self._listen()
        if self._process.is_alive():
            return None
        self._listen()  # what it said between the last look and its end
        if self.failed is not None:
            return self.failed.text
        code = self._process.exitcode
        return _signal_name(-code) if code is not None and code < 0 else f"ended with code {code}"

    def retire(self, now_s: float) -> None:
        """Bury the process and set the time of the next start."""
        self.kill()
        wait_s = BACK_OFF_S[min(self._row, len(BACK_OFF_S) - 1)]
        self._row += 1
        self._start_at_s = now_s + wait_s

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def join(self, until_s: float) -> None:
        """Wait for the process to end by itself, at most until ``until_s``; then kill it."""
        if self._process is not None:
            self._process.join(max(until_s - time.monotonic(), 0.0))
            if self._process.is_alive():
                _log.warning("%s did not end by itself", self.spec.name)
        self.kill()

    def _listen(self) -> None:
        """Take in what the process has said."""
        if self._connection is None:
            return
        try:
            while self._connection.poll():
                word = self._connection.recv()
                if isinstance(word, Ready):
                    self.ready, self.about = True, word.about
                elif isinstance(word, Failed):
                    self.failed = word
        except (EOFError, OSError):  # killed: is_alive tells
            pass


class Supervisor:
    """All the children of a show."""

    def __init__(self, specs: list[StageSpec], board_name: str) -> None:
        self.children = [Child(spec, board_name) for spec in specs]
        self.incidents: list[Incident] = []
        self._away: dict[str, tuple[Incident, float]] = {}
        self._begun_s = 0.0

    @property
    def restarts(self) -> int:
        """Restarts of all children together."""
        return sum(child.restarts for child in self.children)

    def start(self, *, timeout_s: float, going_on: Callable[[], bool]) -> bool:
        """Start every child and wait until each has opened what it needs.

        Before the show a fault is the user's to know, so nothing is restarted yet.

        going_on: asked again and again; when it says no, the start is given up.
        Returns: whether the show can begin.

        Raises:
            VjnodeError: a child could not open what it needs; with its exit code.
        """
        for child in self.children:
            child.start(time.monotonic())
        deadline_s = time.monotonic() + timeout_s
        while not all(child.ready for child in self.children):
            for child in self.children:
                if reason := child.death():
                    error = VjnodeError(reason if child.failed else f"{child.spec.name}: {reason}")
                    error.exit_code = child.failed.exit_code if child.failed else 1
                    raise error
            if time.monotonic() > deadline_s:
                late = [child.spec.name for child in self.children if not child.ready]
                raise VjnodeError(f"not ready after {timeout_s:g} s: {', '.join(late)}")
            if not going_on():
                return False
            time.sleep(0.01)
        return True

    def begin(self, epoch_s: float) -> None:
        """Note when the show began: from now on a fault is mended."""
        self._begun_s = epoch_s
        for child in self.children:
            child.expect_progress(epoch_s)

    def poll(self, now_s: float) -> None:
        """Look after every child once; call this some ten times a second."""
        for child in self.children:
            name = child.spec.name
            if reason := child.poll(now_s):
                _log.error("%s: %s; it is started again", name, reason)
                child.retire(now_s)
                if name not in self._away:
                    incident = Incident(name, round(now_s - self._begun_s, 3), reason)
                    self.incidents.append(incident)
                    self._away[name] = (incident, now_s)
            elif name in self._away and child.working:
                incident, since_s = self._away.pop(name)
                incident.away_s = round(now_s - since_s, 3)
                _log.info("%s is back after %.1f s", name, incident.away_s)

    def about(self, stage: str) -> Mapping[str, object]:
        """Return what a stage has said of what it has opened, for the report."""
        return next((one.about for one in self.children if one.spec.name == stage), {})

    def report(self) -> list[dict[str, object]]:
        """Return what happened, for the report."""
        return [asdict(incident) for incident in self.incidents]

    def stop(self) -> None:
        """Wait for every child to end; kill those that do not in time."""
        until_s = time.monotonic() + STOP_S
        for child in self.children:
            child.join(until_s)

    def kill(self) -> None:
        """End every child at once."""
        for child in self.children:
            child.kill()


def _signal_name(number: int) -> str:
    try:
        return f"ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended by signal {number}"
