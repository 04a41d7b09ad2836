"""Measure a show that switches between a face that ships and one made from a photo.

    python -m tools.bench.switch FACE [--beside maple] [--size 512] [--fps 60] [--every 4]
                                 [--seconds 60] [--expression laugh]

First the time from asking for FACE until its first picture is there: with its graph prepared and no
key frame of it, and with its key frames on disk. Then a real `vjnode run` whose face is changed
over OSC, from key frames: frames a second, intervals between them. Ends with 1 where the first
picture takes longer than 1 s, or a gap is longer than 50 ms, or one frame in a hundred is missing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from itertools import cycle
from pathlib import Path

from pythonosc.udp_client import SimpleUDPClient

from vjnode.engines.own_weights import WithOwnWeights
from vjnode.engines.registry import open_engine
from vjnode.generators.registry import DEFAULT
from vjnode.paths import shipped
from vjnode.render.base import Look
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.layers import layers_of
from vjnode.render.open import latents_of

FIRST_S, GAP_MS, MISSING = 1.0, 50.0, 0.01
"""Longest time until a first picture, s, longest gap, ms, and part of the frames that may miss."""

PATIENCE_S, STARTS_S = 120.0, 30.0
OSC_PORT = 9023


def first_picture_s(options: argparse.Namespace, folder: Path) -> float:
    """Return the time until the first picture while another face is shown, s.

    folder: of key frames; afterwards all of the face are there.
    """
    beside, own = (Look(name, (options.expression,)) for name in (options.beside, options.face))
    renderer = KeyframeRenderer(
        lambda threads: WithOwnWeights(open_engine(options.size, threads), threads),
        latents_of(DEFAULT),
        layers_of(DEFAULT),
        size=options.size,
        memory_bytes=2048 << 20,
        folder=folder,
    )
    with closing(renderer):
        renderer.wait(renderer.sweep(beside), ready=1, timeout_s=PATIENCE_S)
        began_s = time.monotonic()
        sweep = renderer.sweep(own)
        renderer.wait(sweep, ready=1, timeout_s=PATIENCE_S)
        taken_s = time.monotonic() - began_s
        renderer.wait(sweep, ready=sweep.keys, timeout_s=PATIENCE_S)
    return taken_s


def first_pictures(options: argparse.Namespace) -> bool:
    """Print the times until the first picture; return whether they are short enough."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = [Path(folder) / name for name in "ab"]
        once, drawn, read = (first_picture_s(options, one) for one in (*fresh, fresh[1]))
    print(f"first picture: {drawn:.2f} s drawn, {read:.2f} s from disk (at first {once:.2f} s)")
    return max(drawn, read) <= FIRST_S


def run_show(options: argparse.Namespace) -> bool:
    """Print the report of a show whose face is changed again and again; return whether it holds."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "vjnode", "run", "--output", "null", "--drawing", "keys"]
        command += ["--audio", f"file:{shipped('demo', 'demo.ogg')}", "--report", str(report)]
        command += ["--size", str(options.size), "--fps", options.fps]
        command += ["--face", options.beside, "--expression", options.expression]
        command += ["--osc", f"127.0.0.1:{OSC_PORT}"]
        command += ["--duration", f"{options.seconds + STARTS_S:g}"]
        with subprocess.Popen(command) as show:  # noqa: S603 - our own
            node = SimpleUDPClient("127.0.0.1", OSC_PORT)
            time.sleep(STARTS_S)
            for _, face in zip(
                range(int(options.seconds / options.every)),
                cycle((options.face, options.beside)),
                strict=False,
            ):
                node.send_message("/vjnode/face", face)
                time.sleep(options.every)
            show.wait()
        figures = json.loads(report.read_text())
    interval = figures["interval_ms"]
    missing = (figures["late"] + figures["repeated"]) / figures["frames"]
    said = "  ".join(f"{key} {value:.2f}" for key, value in interval.items())
    print(f"show: {figures['fps']:.2f} frames/s, interval {said} ms, {missing:.2%} missing")
    return bool(max(interval.values()) <= GAP_MS and missing <= MISSING)


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.switch", description=__doc__.splitlines()[0]
    )
    parser.add_argument("face", help="made from a photo")
    parser.add_argument("--beside", default="maple")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--fps", default="60")
    parser.add_argument("--every", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--expression", default="laugh")
    options = parser.parse_args()
    holds = [first_pictures(options), run_show(options)]
    sys.exit(not all(holds))


if __name__ == "__main__":
    main()
