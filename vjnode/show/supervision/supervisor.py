"""Supervisor, which keeps the processes of a show alive: start, watch, restart, end."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from vjnode.errors import VjnodeError
from vjnode.runtime import monotonic_s
from vjnode.show.supervision.child import Child, StageSpec
from vjnode.show.supervision.warm_spare import Spares

_log = logging.getLogger(__name__)

STOP_S = 1.2
"""Time that children may take to end by themselves."""

LOOK_S = 0.25
"""Time between two checks above which the supervisor itself was held up, and perhaps its children
with it."""


@dataclass
class Incident:
    """A fault of a stage: its time (s since the start of the show), reason, and outage, s.

    The outage lasts from the last sign of life to the next one. faults: number of faults in that
    time, including the first.
    """

    stage: str
    at_s: float
    reason: str
    away_s: float | None = None
    faults: int = 1


class Supervisor:
    """Supervisor of all children of a show.

    Args:
        specs: of its stages; each has a unique name.
        flags_name: of the show's ``ShowFlags``.
        modules: modules that the spare process imports; empty: there is no spare.

    """

    def __init__(
        self, specs: list[StageSpec], flags_name: str, modules: tuple[str, ...] = ()
    ) -> None:
        self._spares = Spares(modules)
        self._looked_s = 0.0
        self.children = [Child(spec, flags_name, self._spares) for spec in specs]
        self.incidents: list[Incident] = []
        self._away: dict[str, tuple[Incident, float]] = {}
        self._begun_s = 0.0

    @property
    def restarts(self) -> int:
        """Number of restarts of all children together."""
        return sum(child.restarts for child in self.children)

    def start(self, *, timeout_s: float, going_on: Callable[[], bool]) -> bool:
        """Start every child, and wait until each has opened its resources.

        Before the show faults are reported to the user, so no child is restarted yet.

        going_on: called repeatedly; once it returns False, the start is given up.
        Returns: whether the show can begin.

        Raises:
            VjnodeError: a child could not open its resources; with its exit code.
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
            if not going_on():  # first, because the end of the show may have ended a child as well
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
        """Start supervision at the start of the show: from now on children are restarted."""
        self._begun_s = self._looked_s = epoch_s
        for child in self.children:
            child.expect_progress(epoch_s)

    def poll(self, now_s: float) -> None:
        """Check every child once; call this about ten times a second."""
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
        """Log a fault and keep it for the report; faults until recovery are one incident."""
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
        """Return a stage's own report of what it has opened, for the show's report."""
        return next((child.about for child in self.children if child.spec.name == stage), {})

    def report(self, stage: str | None = None) -> list[dict[str, object]]:
        """Return the incidents of all stages or of one, for the report."""
        return [asdict(each) for each in self.incidents if stage in (None, each.stage)]

    def stop(self) -> None:
        """Wait for every child to end, and kill those that take too long."""
        self._spares.kill()
        until_s = monotonic_s() + STOP_S
        for child in self.children:
            child.join(until_s)

    def kill(self) -> None:
        """Kill every child at once."""
        self._spares.kill()
        for child in self.children:
            child.kill()
