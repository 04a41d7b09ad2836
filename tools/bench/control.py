"""Measure a show that is played by OSC against the same show that is left alone.

    python -m tools.bench.control [--seconds 30] [--rounds 2] [--rate 1000] [--outs 2] [--size 256]

Plays real shows in turns, without and with so many messages a second and OSC outs, and prints a
table of their frames with ratios, and of the time from a message to the first frame that shows it.
Ends with 1 if the 99th percentile of the interval is more than 1 ms worse, or a message is lost.
Times of a machine that does something else as well say little. Not for Windows.
"""

import argparse
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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tools.check.osc_client import message
from tools.check.osc_sender import Sender

HOST = "127.0.0.1"
FPS = 60
SETTLE_S = 2.0
"""Time, s, that a show plays before it is measured."""

LATE = 1.5
"""Intervals, in those of the clock, from which on a frame counts as late."""

WORSE_MS = 1.0
"""Time, ms, by which the 99th percentile of the interval may be worse."""

PROBE_S = 0.05
"""Time, s, from one message whose effect is looked for to the next, on average."""

FRAMES = 2
"""Frames within which a message has its effect: the one that is drawn meanwhile, and its tick."""


@dataclass(frozen=True)
class Played:
    """Figures of one or several shows.

    intervals_ms: from each frame to the next, ms.
    effects_ms: from messages to the first frame that shows what they say, ms.
    sent, received, refused: messages to the show. answers: messages that it sent.
    """

    intervals_ms: NDArray[np.float64]
    effects_ms: NDArray[np.float64]
    sent: int = 0
    received: int = 0
    refused: int = 0
    answers: int = 0

    @property
    def lost(self) -> int:
        """Messages that changed nothing."""
        return self.sent - self.received + self.refused

    @property
    def late(self) -> int:
        """Frames that came late."""
        return int((self.intervals_ms > LATE * 1e3 / FPS).sum())

    def __add__(self, other: "Played") -> "Played":
        return Played(
            np.concatenate([self.intervals_ms, other.intervals_ms]),
            np.concatenate([self.effects_ms, other.effects_ms]),
            self.sent + other.sent,
            self.received + other.received,
            self.refused + other.refused,
            self.answers + other.answers,
        )


def play(seconds: float, *, rate: float = 0.0, outs: int = 0, size: int = 256) -> Played:
    """Play a show, and return its figures while ``rate`` messages a second came, after a while."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        report, trace = Path(folder) / "report.json", Path(folder) / "trace.jsonl"
        port = _free_port()
        command = [sys.executable, "-m", "vjnode", "run", "--audio", "demo", "--output", "null"]
        command += ["--size", str(size), "--fps", str(FPS), "--osc", f"{HOST}:{port}"]
        command += ["--report", str(report), "--trace", str(trace)]
        for _ in range(outs):
            command += ["--osc-out", f"{HOST}:{stack.enter_context(_listener())}"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as show:  # noqa: S603 - our own
            assert show.stderr is not None  # noqa: S101 - for the type checker
            said = ""
            while "live: " not in (line := show.stderr.readline()):
                said += line
                if not line:
                    raise RuntimeError(f"the show has not begun:\n{said}")
            rest = threading.Thread(target=show.stderr.read)
            rest.start()
            sender = Sender(port, rate, seconds) if rate else None
            time.sleep(SETTLE_S)
            asked: dict[float, float] = {}
            begun_s = time.monotonic()
            asking = threading.Thread(target=_ask, args=(port, begun_s + seconds, asked))
            asking.start()
            sent = sender.send() if sender is not None else 0
            asking.join()
            ended_s = time.monotonic()
            time.sleep(SETTLE_S)  # what has come is acted on
            show.send_signal(signal.SIGINT)
            show.wait()
            rest.join()
        told = json.loads(report.read_text())
        lines = [json.loads(line) for line in trace.read_text().splitlines()]
    published = np.array([line["published_s"] for line in lines])
    inside = published[(published >= begun_s) & (published <= ended_s)]
    return Played(
        1e3 * np.diff(inside),
        effects_ms(asked, lines),
        sent + len(asked),
        told["osc"]["received"],
        told["osc"]["rejected"],
        told["osc_out"]["sent"],
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


def effects_ms(
    asked: Mapping[float, float], lines: Sequence[Mapping[str, float]]
) -> NDArray[np.float64]:
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


def compared(alone: Played, played: Played, about: str) -> list[tuple[str, str]]:
    """Return a table of two shows: names, and what was measured."""
    rows = [("", f"{'alone':>10} {about:>28} {'ratio':>8}")]
    for about_times, ones, others in (
        ("interval", alone.intervals_ms, played.intervals_ms),
        ("effect after", alone.effects_ms, played.effects_ms),
    ):
        for name, percent in (("p50", 50.0), ("p99", 99.0), ("p99.9", 99.9), ("longest", 100.0)):
            one, other = (float(np.percentile(times, percent)) for times in (ones, others))
            values = f"{one:10.2f} {other:28.2f} {other / one:8.3f}"
            rows.append((f"{about_times} {name}, ms", values))
    for name, before, now in (
        ("frames", len(alone.intervals_ms), len(played.intervals_ms)),
        ("late frames", alone.late, played.late),
    ):
        ratio = f"{now / before:8.3f}" if before else f"{'':8}"
        rows.append((name, f"{before:10d} {now:28d} {ratio}"))
    rows.append(("messages sent, lost", f"{'':10} {f'{played.sent}, {played.lost}':>28}"))
    rows.append(("messages that it sent", f"{'':10} {played.answers:28d}"))
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.control", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=30.0, help="of each show")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1000.0, help="messages/s")
    parser.add_argument("--outs", type=int, default=2, help="programs that are told of values")
    parser.add_argument("--size", type=int, default=256, help="px")
    options = parser.parse_args(arguments)
    alone = played = None
    for _ in range(options.rounds):
        one = play(options.seconds, size=options.size)
        alone = one if alone is None else alone + one
        one = play(options.seconds, rate=options.rate, outs=options.outs, size=options.size)
        played = one if played is None else played + one
    if alone is None or played is None:
        parser.error("--rounds is at least 1")
    for name, values in compared(alone, played, f"{options.rate:g}/s, {options.outs} outs"):
        print(f"{name:24} {values}")
    p99_ms = [float(np.percentile(one.intervals_ms, 99.0)) for one in (alone, played)]
    worse_ms = p99_ms[1] - p99_ms[0]
    held = worse_ms <= WORSE_MS and not played.lost
    soon = float((played.effects_ms <= FRAMES * 1e3 / FPS).mean())
    print(f"effect within a frame and a tick: {soon:.1%} of {len(played.effects_ms)}")
    print(f"interval p99: {worse_ms:+.2f} ms, at most {WORSE_MS:g}; lost {played.lost}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
