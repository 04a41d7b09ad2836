"""Attacks on running shows, and the measurements by which these are judged."""

import os
import time
from pathlib import Path

from tests.events import wait_for
from tests.live.fairness import Miss

GAP_S = 0.25
"""Time that an output may lack frames when something else falls; the report tells longer ones."""

BACK_S, ENGINE_BACK_S = 2.0, 10.0

WITNESS_MIB = 4


def hit(show, stage, number):
    """Attack a stage with a signal and wait until it is back; return misses as ``late`` does."""
    count = show.log.count(f"{stage} is back")
    began_s = time.monotonic()
    os.kill(show.children()[stage], number)
    wait_for(lambda: show.log.count(f"{stage} is back") > count, lambda: show.log)
    return late(stage, number.name, began_s, time.monotonic())


def late(stage, what, began_s, back_s):
    """Return the miss of a stage that was away for too long, in a list; or an empty one."""
    limit_s = ENGINE_BACK_S if stage == "engine" else BACK_S
    if back_s - began_s <= limit_s:
        return []
    return [Miss(f"{stage}, {what}: back after {back_s - began_s:.2f} s", began_s, back_s)]


def footprint(pid):
    """Return the number of a process's open handles, and its resident memory in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    handles = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return handles, pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Sizes:
    """Footprint of each process of a show when it was first looked at, and when last."""

    def __init__(self, show):
        self._show = show
        self.first, self.last = {}, {}

    def look(self):
        """Note the footprint of every process that has settled."""
        for name, pid in {"parent": self._show.process.pid, **self._show.children()}.items():
            if name != "spare" and "python" not in name:
                self.first.setdefault((name, pid), footprint(pid))
                self.last[name, pid] = footprint(pid)

    def of(self, name):
        """Return first and last footprint of each process that had that name, in their order."""
        return [(self.first[key], self.last[key]) for key in self.first if key[0] == name]


def check_flat(sizes, names):
    """Check that processes that were not hit have not grown."""
    for name in names:
        ((before, after),) = sizes.of(name)  # one process from beginning to end
        assert after[0] <= before[0], (name, before, after)
        assert after[1] < before[1] + WITNESS_MIB, (name, before, after)


def gaps_beside_own_faults(report, output):
    """Return an output's gaps when it was not hit itself, as (from, to), s since the show began."""
    figures = report["outputs"][output]
    own = [(one["at_s"], one["at_s"] + one["away_s"]) for one in figures["incidents"]]
    gaps = [(one["at_s"], one["at_s"] + one["ms"] / 1e3) for one in figures["gaps"]]
    return [
        (since, until)
        for since, until in gaps
        if not any(until > down - 0.2 and since < up + 0.2 for down, up in own)
    ]


def gaps(report, epoch_s):
    """Return the misses of outputs that were not hit themselves at that time."""
    return [
        Miss(f"{output}: no frame for {until - since:.2f} s", epoch_s + since, epoch_s + until)
        for output in report["outputs"]
        for since, until in gaps_beside_own_faults(report, output)
        if until - since > GAP_S
    ]
