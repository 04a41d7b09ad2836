"""Runner of one contender of ``tools/bench/engines.py``, in a process of its own."""

import multiprocessing
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from tools.bench.contenders import Contender, contenders
from vjnode.engines.cuda.capability import gpu_here
from vjnode.errors import VjnodeError

WAIT_S = 900.0
"""Time allowed for a contender to open, as compiling takes minutes."""


@dataclass
class Result:
    """Result of one contender. reason: why it could not run; times in ms, memory in MiB."""

    model: str
    size: int
    contender: str
    peer: bool
    name: str = ""
    reason: str = ""
    load_ms: float = 0.0
    first_ms: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    overlapped_ms: float | None = None
    memory_mib: float | None = None
    card_mib: float | None = None
    frames: int = 0
    ratio: float | None = None
    overlapped_ratio: float | None = None
    rounds_ms: list[float] = field(default_factory=list)
    overlapped_rounds_ms: list[float] = field(default_factory=list)


def work(name: str, model: str, size: int, threads: int | None, pipe: Connection) -> None:
    """Open one contender in this process, then make frames for each time that is sent to it."""
    one = next(one for one in contenders(model, size, threads) if one.name == name)
    before_mib, card_before_mib = resident_mib(), card_mib()
    start_s = time.perf_counter()
    try:
        opened = one.open()
        load_ms = 1e3 * (time.perf_counter() - start_s)
        first_ms = timed_ms(opened.frame)
        opened.frame()
    except (VjnodeError, RuntimeError, ImportError, OSError) as error:
        pipe.send(" ".join(str(error).split())[:300] or type(error).__name__)
        return
    pipe.send({"name": opened.name, "load_ms": load_ms, "first_ms": first_ms})
    used_mib = peak_mib()
    if opened.several:
        opened.several()
    while (seconds := pipe.recv()) is not None:
        frames = list(repeated_ms(opened.frame, seconds))
        groups = list(repeated_ms(opened.several, seconds / 2)) if opened.several else []
        pipe.send((frames, [group / opened.at_once for group in groups]))
    pipe.send(
        {
            "memory_mib": used_mib - before_mib if used_mib and before_mib else None,
            "card_mib": card_mib() - card_before_mib if card_before_mib else None,
        }
    )


def repeated_ms(frame: Callable[[], object], seconds: float) -> Iterator[float]:
    """Yield the time of each frame, ms, until ``seconds`` have passed; at least one."""
    end_s = time.perf_counter() + seconds
    yield timed_ms(frame)
    while time.perf_counter() < end_s:
        yield timed_ms(frame)


def timed_ms(frame: Callable[[], object]) -> float:
    """Return the time of one frame, ms."""
    start_s = time.perf_counter()
    frame()
    return 1e3 * (time.perf_counter() - start_s)


def resident_mib() -> float:
    """Return the resident memory of this process, MiB; 0 if it cannot be read."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_mib() -> float:
    """Return the peak resident memory of this process, MiB; 0 if it cannot be read."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def card_mib() -> float:
    """Return the card's memory in use, by its driver's count, MiB; 0 without a card."""
    found = ask_card("memory.used")
    return float(found) if found else 0.0


def ask_card(what: str) -> str:
    """Return the driver's value of property ``what`` of the first card; empty without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None or gpu_here() is None:
        return ""
    command = [tool, f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.partition("\n")[0].strip()


class Runner:
    """One contender's process, from the parent's side."""

    def __init__(self, one: Contender, model: str, size: int, threads: int | None) -> None:
        self.result = Result(model, size, one.name, one.peer)
        self._frames_ms: list[float] = []
        self._overlapped_ms: list[float] = []
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        task = one.name, model, size, threads, theirs
        self._process = context.Process(target=work, args=task, daemon=True)
        self._process.start()
        theirs.close()
        told = self._hear()
        if isinstance(told, dict):
            vars(self.result).update(told)
        else:
            self.result.reason = str(told)

    def turn(self, seconds: float) -> None:
        """Make the contender draw frames for ``seconds``, and keep their times."""
        if self.result.reason:
            return
        self._tell(seconds)
        told = self._hear()
        if not isinstance(told, tuple):
            self.result.reason = str(told)
            return
        frames, overlapped = told
        self.result.rounds_ms.append(statistics.median(frames))
        self._frames_ms += frames
        if overlapped:
            self.result.overlapped_rounds_ms.append(statistics.median(overlapped))
        self._overlapped_ms += overlapped

    def end(self) -> Result:
        """End the process and return its result."""
        if not self.result.reason:
            self._tell(None)
            told = self._hear()
            if isinstance(told, dict):
                vars(self.result).update(told)
            ordered = sorted(self._frames_ms)
            self.result.frames = len(ordered)
            self.result.p50_ms = statistics.median(ordered)
            self.result.p99_ms = ordered[min(int(0.99 * len(ordered)), len(ordered) - 1)]
            if self._overlapped_ms:
                self.result.overlapped_ms = statistics.median(self._overlapped_ms)
        self._process.join(10)
        self._process.kill()
        return self.result

    def _tell(self, seconds: float | None) -> None:
        with suppress(OSError):  # it has died, which ``_hear`` reports
            self._pipe.send(seconds)

    def _hear(self) -> object:
        """Return its next message; a reason, as text, if it has died or takes too long."""
        try:
            if self._pipe.poll(WAIT_S):
                return self._pipe.recv()
            return f"it did not answer within {WAIT_S:g} s"
        except (EOFError, OSError):
            self._process.join()
            return f"its process ended with {self._process.exitcode}"
