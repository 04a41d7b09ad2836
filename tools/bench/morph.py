"""Measure morphs on this machine: how even they are, and what they cost a show.

    python -m tools.bench.morph [--size 1024] [--fps 60] [--seconds 2] [--faces A B C]
                                [--interruptions N] [--show] [--strip FOLDER]

Ticks as an engine process does, without sound and idle life, and prints a line for each of a morph
from A to B, one that turns round half-way, and one that is led to C half-way. A step is the mean
difference of two neighbouring frames, in levels, judged at 256 px; sharpness is the deviation of
the Laplacian of the middle of a frame.

--interruptions: also goes on to another face N times, at random moments, and compares the largest
step with that of morphs that are left alone. --show: a real `vjnode run` as well, whose face is
changed over OSC. --strip: keeps a PNG of eight frames of the first, and one of its two hand-overs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise, permutations
from pathlib import Path
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from pythonosc.udp_client import SimpleUDPClient

from vjnode.control.state import Controls
from vjnode.faces.catalogue import face_names
from vjnode.generators.registry import DEFAULT
from vjnode.modulation.weight_track import live_track
from vjnode.output.clock import FrameClock, wait_until
from vjnode.paths import shipped
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.open import open_renderer
from vjnode.render.open_transition import open_transition
from vjnode.render.passage import Passage
from vjnode.render.transition import PassageTransition
from vjnode.runtime import monotonic_s

PATIENCE_S = 120.0
"""Longest time in which key frames, or a passage, get ready, s."""

AFTER_S = 2.0
"""Time that is watched after a morph, s: the hand-over is in it."""

HEAD = """\
               step, levels         brightness sharpness interval, ms    tick, ms pictures
                mean    max  ratio  most/frame  most, %     p99    max      p99 a second"""
JUDGED_PX = 256
MOVES = 0.1
"""Part of the largest step from which on a frame counts as one that moves."""

PLAIN = 3
"""Times that each morph is left alone: the largest step of few frames is small by chance."""

OSC_PORT = 9019

IDLE = ("idle_smile", "idle_gaze", "idle_breath", "route/expression/3/blink/amount")
"""Movements of a face at rest, which are left out: a blink in a morph is a step of its own."""


def shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a picture at ``side`` × ``side`` px."""
    small: NDArray[np.uint8] = np.empty((side, side, picture.shape[-1]), np.uint8)
    cv2.resize(picture, (side, side), dst=small, interpolation=cv2.INTER_AREA)
    return small


@dataclass
class Watch:
    """Frames of a morph, as small as they are judged.

    began_s, took_ms: of each tick. drawn: pictures of the passage up to each tick.
    """

    drawn: list[int] = field(default_factory=list)
    began_s: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    small: list[NDArray[np.uint8]] = field(default_factory=list)
    sharpness: list[float] = field(default_factory=list)
    whole: list[NDArray[np.uint8]] = field(default_factory=list)

    def see(self, frame: NDArray[np.uint8], *, keep: bool) -> None:
        """Take in a frame, (size, size, 4) uint8 RGBA."""
        if keep:
            self.whole.append(frame[..., 2::-1].copy())
        side = min(JUDGED_PX, len(frame))
        self.small.append(shrunk(frame, side)[..., :3].copy())
        quarter = len(frame) // 4
        middle = cv2.cvtColor(frame[quarter:-quarter, quarter:-quarter], cv2.COLOR_RGBA2GRAY)
        self.sharpness.append(float(cv2.Laplacian(middle, cv2.CV_32F).var()))

    def row(self, name: str) -> str:
        """Return what was seen, as a line of the table."""
        steps = self.steps()
        levels = np.diff([float(one.mean()) for one in self.small])
        moving = steps[steps > MOVES * steps.max()]
        intervals = 1e3 * np.diff(self.began_s)
        sharper = np.abs(np.diff(np.log(self.sharpness))) / 2
        return (
            f"{name:13} {moving.mean():6.3f} {steps.max():6.3f} {steps.max() / moving.mean():6.2f} "
            f"{np.abs(levels).max():6.2f} {100 * sharper.max():9.1f} "
            f"{np.percentile(intervals, 99):6.2f} {intervals.max():6.1f} "
            f"{np.percentile(self.took_ms, 99):9.2f} {self.rate():9.1f}"
        )

    def steps(self) -> NDArray[np.float64]:
        """Return the mean difference of each two neighbouring frames, in levels."""
        return np.array([float(cv2.absdiff(a, b).mean()) for a, b in pairwise(self.small)])

    def rate(self) -> float:
        """Return the pictures of the passage in a second, from the first to the last of them."""
        new = np.flatnonzero(np.diff(self.drawn))
        if len(new) < 2:
            return 0.0
        first, last = new[0] + 1, new[-1] + 1
        count = self.drawn[last] - self.drawn[first]
        return float(count / (self.began_s[last] - self.began_s[first]))


class Ticks:
    """An engine's ticks, without a show around them."""

    def __init__(self, options: argparse.Namespace) -> None:
        fps = Fraction(options.fps)
        self.size, self.seconds = options.size, options.seconds
        self.controls = Controls(
            *("", options.faces[0], options.expression),
            **{"morph": options.seconds, **dict.fromkeys(IDLE, 0.0)},
        )
        self.renderer = open_renderer(
            size=self.size, drawing="auto", period_s=float(1 / fps), memory_mib=2048
        )
        self.transition = open_transition(self.renderer, spec=DEFAULT, size=self.size)
        self._frames = FrameRenderer(self.renderer, live_track(), self.transition)
        if not self._frames.prepare(self.controls, keys=64, timeout_s=PATIENCE_S):
            raise SystemExit("the first look was not ready in time")
        self._clock = FrameClock(monotonic_s(), fps)
        self._tick = 0
        self._out = np.empty((self.size, self.size, 4), np.uint8)

    def go(self, seconds: float, watch: Watch | None = None, *, keep: bool = False) -> None:
        """Tick for so long."""
        end_s = monotonic_s() + seconds
        while (now_s := monotonic_s()) < end_s:
            self._tick = self._clock.next_frame(after=self._tick, now_s=now_s)
            wait_until(self._clock.due_s(self._tick))
            began_s = monotonic_s()
            self._frames.render(began_s, self.controls, self._out)
            if watch is not None:
                watch.began_s.append(began_s)
                watch.drawn.append(self.drawn())
                watch.took_ms.append(1e3 * (monotonic_s() - began_s))
                watch.see(self._out, keep=keep)

    def drawn(self) -> int:
        """Return the number of pictures that the passage has drawn."""
        passage = getattr(self.transition, "passage", None)
        return passage.drawn if isinstance(passage, Passage) else 0

    def ask(self, face: str) -> None:
        """Ask for a face."""
        self.controls = self.controls.with_(face=face)

    def settle(self) -> None:
        """Tick until everything that is prepared in the background is."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            self.go(0.5)
            drawn = self._frames.drawn_look
            transition = self.transition
            waits = isinstance(transition, PassageTransition) and not (
                transition.passage.ready or transition.passage.given_up
            )
            if drawn is not None and drawn[1] and not waits:
                break

    def close(self) -> None:
        """Close what draws."""
        self.transition.close()
        self.renderer.close()


def watch_morphs(options: argparse.Namespace) -> None:
    """Print a table of morphs, each to a look of which no key frame is there."""
    first, second, third = options.faces
    half_s, rest_s = options.seconds / 2, options.seconds + AFTER_S
    print(f"{options.size} px, {options.fps} frames/s, morphs of {options.seconds:g} s")
    print(HEAD)
    with closing(Ticks(options)) as ticks:
        ticks.settle()
        for name, asked in (
            ("there", ((second, rest_s),)),
            ("and back", ((first, half_s), (second, rest_s))),
            ("on to third", ((first, half_s), (third, rest_s))),
        ):
            watch, keep = Watch(), options.strip is not None and name == "there"
            ticks.go(0.2, watch, keep=keep)
            for face, seconds in asked:
                ticks.ask(face)
                ticks.go(seconds, watch, keep=keep)
            print(watch.row(name), flush=True)
            if keep:
                keep_strips(watch, options)
            ticks.settle()
        if options.interruptions:
            interrupt(ticks, options)
        if isinstance(ticks.renderer, KeyframeRenderer):
            print(f"key frames by {ticks.renderer.engine_name}")


def interrupt(ticks: Ticks, options: argparse.Namespace) -> None:
    """Print the largest step of morphs that are interrupted at random, and of those that are not.

    The latter go from each face to each other, ``PLAIN`` times.
    """
    longest, broken, dice = 0.0, Watch(), Random(1)
    for first, second in PLAIN * tuple(permutations(options.faces, 2)):
        ticks.ask(first)
        ticks.go(options.seconds + AFTER_S)
        ticks.settle()
        plain = Watch()
        ticks.go(0.2, plain)
        ticks.ask(second)
        ticks.go(options.seconds + AFTER_S, plain)
        longest = max(longest, float(plain.steps().max()))
    ticks.settle()
    for _ in range(options.interruptions):
        ticks.ask(dice.choice(options.faces))
        ticks.go(dice.uniform(0.05, options.seconds), broken)
    print(broken.row("interrupted"), flush=True)
    ratio, count = broken.steps().max() / longest, options.interruptions
    print(f"{count} interruptions: largest step {ratio:.2f} of the longest plain one")


def keep_strips(watch: Watch, options: argparse.Namespace) -> None:
    """Write PNGs of a morph's frames."""
    options.strip.mkdir(parents=True, exist_ok=True)
    count = round((options.seconds + 1.0) * Fraction(options.fps))
    frames = watch.whole
    for name, which, side in (
        ("morph", np.linspace(0, min(count, len(frames) - 1), 8), 256),
        ("begin", np.arange(8) * 4 + 10, 512),
    ):
        shown = [shrunk(frames[int(at)], side) for at in which]
        rows = [np.hstack(shown[:4]), np.hstack(shown[4:])]
        cv2.imwrite(str(options.strip / f"{name}.png"), np.vstack(rows))


def run_show(options: argparse.Namespace) -> None:
    """Print the report of a show whose face is changed again and again."""
    pause_s = options.seconds + AFTER_S
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "vjnode", "run", "--output", "null"]
        command += ["--audio", f"file:{shipped('demo', 'demo.ogg')}", "--report", str(report)]
        command += ["--size", str(options.size), "--fps", options.fps]
        command += ["--face", options.faces[0], "--expression", options.expression]
        command += ["--set", f"morph={options.seconds:g}", "--osc", f"127.0.0.1:{OSC_PORT}"]
        command += ["--duration", f"{4 * pause_s + 10.0:g}"]
        show = subprocess.Popen(command)  # noqa: S603 - our own
        node = SimpleUDPClient("127.0.0.1", OSC_PORT)
        time.sleep(12.0)
        for face in (*options.faces[1:], *options.faces[:2]):
            node.send_message("/vjnode/face", face)
            time.sleep(pause_s)
        show.wait()
        figures = json.loads(report.read_text())
    interval = "  ".join(f"{key} {value:.2f}" for key, value in figures["interval_ms"].items())
    print(f"show: {figures['fps']:.2f} frames/s, interval {interval} ms, ", end="")
    print(f"late {figures['late']}, repeated {figures['repeated']} of {figures['frames']}")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.morph", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--fps", default="60")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--faces", nargs=3, default=face_names()[:3])
    parser.add_argument("--expression", default="laugh")
    parser.add_argument("--show", action="store_true", help="a real show as well")
    parser.add_argument("--interruptions", type=int, default=0, metavar="N", help="at random")
    parser.add_argument("--strip", type=Path, help="folder for PNGs of frames")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    watch_morphs(options)
    if options.show:
        run_show(options)


if __name__ == "__main__":
    main()
