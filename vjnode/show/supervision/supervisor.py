"""Keeping the processes of a show alive: start, watch, restart, end."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from vjnode.errors import VjnodeError
from vjnode.runtime import monotonic_s
from vjnode.show.supervision.stage import Child, StageSpec
from vjnode.show.supervision.warm_spare import Spares

_log = logging.getLogger(__name__)

STOP_S = 1.2
"""How long children may take to end by themselves."""

LOOK_S = 0.25
"""Who looks less often has been held up himself, and his children perhaps with him."""


@dataclass
class Incident:
    """A fault: what was hit, when (s since the show began), why, and how long it was away, s.

    It counts from the last sign of life to the next one. faults: until then, with the first.
    """

    stage: str
    at_s: float
    reason: str
    away_s: float | None = None
    faults: int = 1


class Supervisor:
    """All the children of a show.

    Args:
        specs: of its stages; each has a name of its own.
        board_name: of the show's board.
        modules: what the process in reserve imports; without any, there is none.

    """

    def __init__(
        self, specs: list[StageSpec], board_name: str, modules: tuple[str, ...] = ()
    ) -> None:
        self._spares = Spares(modules)
        self._looked_s = 0.0
        self.children = [Child(spec, board_name, self._spares) for spec in specs]
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
            try:
                child.start(monotonic_s())
            except OSError as refused:
                raise VjnodeError(
                    f"{child.spec.name} cannot be started: {refused}; "
                    "end other programs, or raise the limits on processes and open files"
                ) from refused
        deadline_s = monotonic_s() + timeout_s
        while not all(child.ready for child in self.children):
            if not going_on():  # asked first: what ends a show may have ended a child as well
                return False
            for child in self.children:
                if reason := child.death():
                    error = VjnodeError(reason if child.failed else f"{child.spec.name}: {reason}")
                    error.exit_code = child.failed.exit_code if child.failed else 1
                    raise error
            if monotonic_s() > deadline_s:
                late = [child.spec.name for child in self.children if not child.ready]
                raise VjnodeError(f"not ready after {timeout_s:g} s: {', '.join(late)}")
            self._spares.poll(monotonic_s())
            time.sleep(0.01)
        return True

    def begin(self, epoch_s: float) -> None:
        """Note when the show began: from now on a fault is mended."""
        self._begun_s = self._looked_s = epoch_s
        for child in self.children:
            child.expect_progress(epoch_s)

    def poll(self, now_s: float) -> None:
        """Look after every child once; call this some ten times a second."""
        lost_s, self._looked_s = now_s - self._looked_s - LOOK_S, now_s
        for child in self.children:
            if lost_s > 0.0:
                child.forgive(lost_s)
            name = child.spec.name
            if reason := child.poll(now_s):
                self._note(child, reason)
                child.retire(now_s)
            elif name in self._away and child.working:
                incident, since_s = self._away.pop(name)
                incident.away_s = round(now_s - since_s, 3)
                _log.info("%s is back after %.1f s", name, incident.away_s)
        self._spares.poll(now_s)

    def _note(self, child: Child, reason: str) -> None:
        """Log a fault and keep it for the report; those until it is back are one incident."""
        name = child.spec.name
        if name in self._away:
            incident, _ = self._away[name]
            incident.faults += 1
            _log.warning("%s: %s; fault %d in a row", name, reason, incident.faults)
            return
        _log.error("%s: %s; it is started again", name, reason)
        since_s = child.progress_s
        incident = Incident(name, round(max(since_s - self._begun_s, 0.0), 3), reason)
        self.incidents.append(incident)
        self._away[name] = (incident, since_s)

    def about(self, stage: str) -> Mapping[str, object]:
        """Return what a stage has said of what it has opened, for the report."""
        return next((one.about for one in self.children if one.spec.name == stage), {})

    def report(self, stage: str | None = None) -> list[dict[str, object]]:
        """Return what happened, to all stages or to one, for the report."""
        return [asdict(one) for one in self.incidents if stage in (None, one.stage)]

    def stop(self) -> None:
        """Wait for every child to end; kill those that do not in time."""
        self._spares.kill()
        until_s = monotonic_s() + STOP_S
        for child in self.children:
            child.join(until_s)

    def kill(self) -> None:
        """End every child at once."""
        self._spares.kill()
        for child in self.children:
            child.kill()
