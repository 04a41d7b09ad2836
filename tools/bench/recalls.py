"""Time from a step through a set list to the first frame of the preset that it recalls."""

import random
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.bench.played import HOST, Lines, bench_show
from tools.check.osc_client import message
from vjnode.show.factory import stock

ENTRIES = ("stage", "riot", "dream")
"""Presets of the set list; each has another face, by which it is known in the trace."""

WARM_S = 3.0
"""Time, s, that each of them is shown first, so that its key frames are there."""

PATIENCE_S = 60.0
PAUSE_S = 0.4
"""Time, s, from one step to the next, on average."""

Step = tuple[float, str]
"""A step: when it was sent, monotonic s, and the face that it leads to."""


def play_recalls(count: int, *, size: int = 256, warm_s: float = WARM_S) -> NDArray[np.float64]:
    """Play a show that steps through its set list; return the time that each step took, ms.

    Raises:
        RuntimeError: an entry was not shown at all.
    """
    presets = stock().presets
    faces = [presets[name].face for name in ENTRIES]
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        path = Path(folder) / "set.toml"
        entries = "".join(f'[[entry]]\npreset = "{name}"\n' for name in ENTRIES)
        path.write_text(f"version = 1\n{entries}", "utf-8")
        with bench_show(["--size", str(size), "--set-list", str(path)]) as show:

            def send(verb: str, *text: str) -> float:
                data = message(f"/vjnode/set/{verb}", *(("s", *text) if text else ("i", 1.0)))
                out.sendto(data, (HOST, show.port))
                return time.monotonic()

            for name, face in zip(ENTRIES, faces, strict=True):
                send("go", name)
                until_s = time.monotonic() + PATIENCE_S
                while not (lines := show.lines()) or lines[-1]["face"] != face:
                    time.sleep(0.2)
                    if time.monotonic() > until_s:
                        raise RuntimeError(f"{name} was not shown within {PATIENCE_S:g} s")
                time.sleep(warm_s)
            chance, at, steps = random.Random(1), len(ENTRIES) - 1, list[Step]()
            for _ in range(count):
                back = at == len(ENTRIES) - 1 or (at > 0 and chance.random() < 0.5)
                at += -1 if back else 1
                steps.append((send("previous" if back else "next"), faces[at]))
                time.sleep(chance.uniform(0.5, 1.5) * PAUSE_S)
            _, lines = show.end()
    return steps_ms(steps, lines)


def steps_ms(steps: Sequence[Step], lines: Lines) -> NDArray[np.float64]:
    """Return the time from each step to the first frame of a trace with its face, ms.

    It is infinite where the next step came before that.
    """
    published = np.array([line["published_s"] for line in lines])
    faces = np.array([line["face"] for line in lines])
    ends = [*(sent_s for sent_s, _ in steps[1:]), np.inf]
    found = []
    for (sent_s, face), end_s in zip(steps, ends, strict=True):
        shown = np.flatnonzero((faces == face) & (published > sent_s) & (published <= end_s))
        found.append(1e3 * (published[shown[0]] - sent_s) if shown.size else np.inf)
    return np.array(found)
