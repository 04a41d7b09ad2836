"""A show that is played while its frames are noted: by OSC, and to a MIDI clock."""

import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.check.osc_client import message
from tools.check.osc_sender import Sender
from tools.check.virtual_midi import PORT, ClockSender, midi_system

HOST = "127.0.0.1"
FPS = 60
SETTLE_S = 2.0
"""Time, s, that a show plays before it is measured."""

LATE = 1.5
"""Intervals, in those of the clock, from which on a frame counts as late."""

PROBE_S = 0.05
"""Time, s, from one message whose effect is looked for to the next, on average."""

FOLLOWED_BPM = 1.0
"""Tempo that most frames of a show that follows a clock may be off, BPM."""

HEARD = 0.9
"""Part of a clock's pulses that are heard at least: JACK drops some where it misses a cycle."""

Lines = Sequence[Mapping[str, Any]]
"""A trace: what is known of each frame."""


@dataclass(frozen=True)
class Played:
    """Figures of one or several shows.

    intervals_ms: from each frame to the next, ms.
    effects_ms: from messages to the first frame that shows what they say, ms.
    sent, received, refused: messages to the show. answers: messages that it sent.
    off_bpm: tempo of each frame above that of the MIDI clock, BPM; none without one.
    pulses, heard: of that clock, sent and received.
    """

    intervals_ms: NDArray[np.float64]
    effects_ms: NDArray[np.float64]
    sent: int = 0
    received: int = 0
    refused: int = 0
    answers: int = 0
    off_bpm: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    pulses: int = 0
    heard: int = 0

    @property
    def lost(self) -> int:
        """Messages that changed nothing."""
        return self.sent - self.received + self.refused

    @property
    def late(self) -> int:
        """Frames that came late."""
        return int((self.intervals_ms > LATE * 1e3 / FPS).sum())

    @property
    def follows(self) -> bool:
        """True if it had the tempo of its MIDI clock, or there was none."""
        if not self.pulses:
            return True
        off_bpm = float(np.median(abs(self.off_bpm))) if self.off_bpm.size else float("inf")
        return off_bpm <= FOLLOWED_BPM and self.heard >= HEARD * self.pulses

    def __add__(self, other: "Played") -> "Played":
        return Played(
            np.concatenate([self.intervals_ms, other.intervals_ms]),
            np.concatenate([self.effects_ms, other.effects_ms]),
            self.sent + other.sent,
            self.received + other.received,
            self.refused + other.refused,
            self.answers + other.answers,
            np.concatenate([self.off_bpm, other.off_bpm]),
            self.pulses + other.pulses,
            self.heard + other.heard,
        )


class BenchShow:
    """A show of the demo song without an output, in a process of its own.

    port: of its OSC. trace: its frames, some of which are not written yet while it runs.
    """

    def __init__(
        self, folder: Path, options: Sequence[str], environment: Mapping[str, str] | None
    ) -> None:
        """Wait until it is live.

        Raises:
            RuntimeError: it does not begin.
        """
        self.port, self.trace, self._report = _free_port(), folder / "trace", folder / "report"
        command = [sys.executable, "-m", "vjnode", "run", "--audio", "demo", "--output", "null"]
        command += ["--fps", str(FPS), "--osc", f"{HOST}:{self.port}"]
        command += ["--report", str(self._report), "--trace", str(self.trace), *options]
        self._process = subprocess.Popen(  # noqa: S603 - our own
            command,
            stderr=subprocess.PIPE,
            text=True,
            env=None if environment is None else dict(environment),
        )
        assert self._process.stderr is not None  # noqa: S101 - for the type checker
        said = ""
        while "live: " not in (line := self._process.stderr.readline()):
            said += line
            if not line:
                self.close()
                raise RuntimeError(f"the show has not begun:\n{said}")
        self._rest = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._rest.start()

    def lines(self) -> Lines:
        """Return the frames that are written."""
        whole = self.trace.read_text().rpartition("\n")[0] if self.trace.exists() else ""
        return [json.loads(line) for line in whole.splitlines()]

    def end(self) -> tuple[Mapping[str, Any], Lines]:
        """End the show; return its report, and its frames."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._rest.join()
        return json.loads(self._report.read_text()), self.lines()

    def close(self) -> None:
        """End what is left of it; safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@contextmanager
def bench_show(
    options: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator[BenchShow]:
    """Within it a show runs. options: for ``vjnode run``. environment: None for this one."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(BenchShow(Path(folder), options, environment)) as show,
    ):
        yield show


def play(
    seconds: float,
    *,
    rate: float = 0.0,
    outs: int = 0,
    size: int = 256,
    clock_bpm: float = 0.0,
) -> Played:
    """Play a show, and return its figures while ``rate`` messages a second came, after a while.

    clock_bpm: tempo of the MIDI clock that it follows; 0 for none.
    """
    with ExitStack() as stack:
        options = ["--size", str(size)]
        for _ in range(outs):
            options += ["--osc-out", f"{HOST}:{stack.enter_context(_listener())}"]
        clock, environment = None, None
        if clock_bpm:
            environment = stack.enter_context(midi_system())
            clock = stack.enter_context(closing(ClockSender(clock_bpm, environment)))
            options += ["--midi", PORT, "--set", "beat_source=midi"]
        show = stack.enter_context(bench_show(options, environment))
        if clock is not None:
            clock.begin()
        sender = Sender(show.port, rate, seconds) if rate else None
        time.sleep(SETTLE_S)
        asked: dict[float, float] = {}
        begun_s = time.monotonic()
        asking = threading.Thread(target=_ask, args=(show.port, begun_s + seconds, asked))
        asking.start()
        sent = sender.send() if sender is not None else 0
        asking.join()
        ended_s = time.monotonic()
        pulses, sent_bpm = clock.end() if clock is not None else (0, 0.0)
        time.sleep(SETTLE_S)  # what has come is acted on
        told, lines = show.end()
    inside = [line for line in lines if begun_s <= line["published_s"] <= ended_s]
    off_bpm = [line["bpm"] - sent_bpm for line in inside] if clock is not None else []
    return Played(
        1e3 * np.diff([line["published_s"] for line in inside]),
        effects_ms(asked, lines),
        sent + len(asked),
        told["osc"]["received"],
        told["osc"]["rejected"],
        told["osc_out"]["sent"],
        np.array(off_bpm, float),
        pulses,
        max(told["midi"]["clock"] - 1, 0) if clock is not None else 0,  # the first is the start
    )


def _ask(port: int, until_s: float, asked: dict[float, float]) -> None:
    """Set the gain anew again and again, and note when each value was sent, monotonic s."""
    chance = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while time.monotonic() < until_s:
            time.sleep(chance.uniform(0.5, 1.5) * PROBE_S)
            gain = 1.0 + len(asked) % 2000 / 1000
            asked[gain] = time.monotonic()
            out.sendto(message("/vjnode/gain", "f", gain), (HOST, port))


def effects_ms(asked: Mapping[float, float], lines: Lines) -> NDArray[np.float64]:
    """Return the time from each value to the first frame of a trace that has it, ms.

    asked: when each was sent, monotonic s. One that was replaced before a frame was drawn is left
    out.
    """
    gains = np.array([line["gain"] for line in lines])
    published = np.array([line["published_s"] for line in lines])
    found = []
    for gain, sent_s in asked.items():
        shown = np.flatnonzero((abs(gains - gain) < 1e-4) & (published > sent_s))
        if shown.size:
            found.append(1e3 * (published[shown[0]] - sent_s))
    return np.array(found)


@contextmanager
def _listener() -> Iterator[int]:
    """Give the port of one that takes what it is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as ear:
        ear.bind((HOST, 0))
        ear.settimeout(0.2)
        over = threading.Event()

        def hear() -> None:
            while not over.is_set():
                try:
                    ear.recv(65536)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hear)
        thread.start()
        try:
            yield int(ear.getsockname()[1])
        finally:
            over.set()
            thread.join()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
