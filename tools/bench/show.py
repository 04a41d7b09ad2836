"""Measure a show on this machine: blending and drawing, a live show, and ticks under load.

    python -m tools.bench.show [--part sweep|show|ticks …] [--song FILE] [--seconds 60]
                               [--size 1024] [--fps 60] [--drawing auto] [--midpoints 16]
                               [--face NAME] [--expression NAME]

Prints three tables. The first compares blending two keyframes with drawing the same picture, in
time and in quality (PSNR at the midpoints between keys, where it is worst), after a sweep that was
drawn for the first time. The second is the report of a real `vjnode run`, once its sweep is on
disk. The third is the delay of ticks by drawing in the background: no key is on disk, presets ask
for more looks, the face changes every 3 s, and other programs use all cores.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.config import SWEEP_MEMORY_MIB
from vjnode.control.state import Controls
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.generators.registry import DEFAULT
from vjnode.modulation.weight_track import live_track
from vjnode.output.clock import FrameClock, wait_until
from vjnode.paths import shipped
from vjnode.render.base import Look, Progress
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.keyframes import KEYS
from vjnode.render.layers import layers_of
from vjnode.render.open import latents_of
from vjnode.runtime import cores, monotonic_s
from vjnode.show.factory import looks, stock

if sys.platform == "linux":
    import resource

SWITCH_S = 3.0
"""Time between changes of the face while ticks are timed, s."""

ASKING_MS = 0.3
"""Limit on the time of a request for a frame's sweep, ms, at the 99.9th percentile."""


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of two pictures, dB, over the colours."""
    error = np.mean((a[..., :3].astype(np.float32) - b[..., :3].astype(np.float32)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-9)))


def bench_sweep(look: Look, size: int, midpoints: int) -> None:
    """Print a comparison of blending and drawing."""
    cv2.setNumThreads(1)
    open_engine(size).close()  # prepares the generator, if that has not been done yet
    began_s = time.perf_counter()
    library = KeyframeRenderer(
        lambda threads: open_engine(size, threads),
        latents_of(DEFAULT),
        layers_of(DEFAULT),
        size=size,
        memory_bytes=KEYS * size * size * 4,
        folder=None,
    )
    sweep = library.sweep(look)
    library.wait(sweep, ready=1, timeout_s=300)
    first_s = time.perf_counter() - began_s
    library.wait(sweep, ready=sweep.keys, timeout_s=300)
    whole_s = time.perf_counter() - began_s
    library.close()
    engine = open_engine(size)
    out = np.empty((size, size, 4), np.uint8)
    drawing_ms, blending_ms, quality_db = [], [], []
    latent = latents_of(DEFAULT)
    for key in np.linspace(0, sweep.keys - 2, midpoints).astype(int):
        weight = (key + 0.5) / (sweep.keys - 1)
        wanted = latent(look, (weight,))
        start_s = time.perf_counter()
        picture = engine.draw(wanted)
        drawing_ms.append(1e3 * (time.perf_counter() - start_s))
        start_s = time.perf_counter()
        sweep.blend(weight, out)
        blending_ms.append(1e3 * (time.perf_counter() - start_s))
        quality_db.append(psnr_db(picture, out))
    draw_ms, blend_ms = statistics.median(drawing_ms), statistics.median(blending_ms)
    print(f"\nsweep of {sweep.keys} keys at {size} px, {look.face} with {look.expression}")
    print(f"  first key after          {first_s:8.2f} s   (the engine opened and one drawn)")
    print(f"  all keys after           {whole_s:8.2f} s   ({sweep.drawn} drawn, the others spared)")
    print(f"  drawing ({engine.name})  {draw_ms:8.2f} ms")
    print(f"  blending                 {blend_ms:8.2f} ms  ratio {blend_ms / draw_ms:.4f}")
    print(f"  PSNR at midpoints        {min(quality_db):8.2f} dB least", end="")
    print(f", {statistics.median(quality_db):.2f} dB median of {len(quality_db)}")


def bench_run(look: Look, options: argparse.Namespace) -> None:
    """Print the report of a live show."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "vjnode", "run", "--audio", f"file:{options.song}"]
        command += ["--output", "null", "--size", str(options.size), "--fps", options.fps]
        command += ["--drawing", options.drawing]
        command += ["--duration", str(options.seconds), "--report", str(report)]
        command += ["--face", look.face, "--expression", look.expression]
        subprocess.run([*command, "--osc", "127.0.0.1:9019"], check=True)  # noqa: S603 - our own
        figures = json.loads(report.read_text())
    interval = figures["interval_ms"]
    choice = figures["engine_choice"]
    print(f"\nlive at {options.size} px, {options.fps} frames/s asked, {options.seconds:g} s")
    print(f"  drawn      {choice['drawing']}, by {choice['engine']}")
    print(f"  rate       {figures['fps']:8.3f} frames/s")
    print(
        "  interval   " + "  ".join(f"{key} {value:.2f}" for key, value in interval.items()), "ms"
    )
    for name, about in (("latency", "when first shown"), ("age", "on screen, repeats included")):
        behind = "  ".join(f"{key} {value:.2f}" for key, value in figures[f"{name}_ms"].items())
        print(f"  {name:10} {behind} ms {about}")
    new = (figures["frames"] - figures["repeated"]) / figures["duration_s"]
    print(f"  late {figures['late']}, repeated {figures['repeated']} of {figures['frames']}")
    print(f"  new        {new:8.3f} pictures/s")


class TimedRenderer(KeyframeRenderer):
    """A renderer that records the delay of each tick by its request for a sweep."""

    asking_ms: list[float]
    running_ms: list[float]
    """Processor time alone, ms: without the time for which another program had the core."""
    waits: int = 0
    """Number of waits for another thread meanwhile; known on Linux only."""

    def ready(self, look: Look) -> Progress:
        """Return how far ``look`` is prepared; see ``KeyframeRenderer.ready``."""
        waited, ran_s, start_s = waits(), time.thread_time(), time.perf_counter()
        progress = super().ready(look)
        self.asking_ms.append(1e3 * (time.perf_counter() - start_s))
        self.running_ms.append(1e3 * (time.thread_time() - ran_s))
        self.waits += waits() - waited
        return progress


def waits() -> int:
    """Return the number of times that this thread has waited; 0 if the system cannot tell.

    A thread that loses the core to another program does not count as waiting.
    """
    if sys.platform != "linux":
        return 0
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


@contextmanager
def busy() -> Iterator[None]:
    """Run other programs on all cores within the context, at this program's priority."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(cores())]  # noqa: S603 - our own
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def bench_ticks(look: Look, options: argparse.Namespace) -> None:
    """Print the times of ticks on a busy machine while new faces are drawn in the background."""
    cv2.setNumThreads(1)
    fps, size = Fraction(options.fps), options.size
    controls = Controls("", look.face, look.expression)
    painting_ms, late_ms, out = [], [], np.empty((size, size, 4), np.uint8)
    with tempfile.TemporaryDirectory() as folder, busy():
        library = TimedRenderer(
            lambda threads: open_engine(size, threads),
            latents_of(DEFAULT),
            layers_of(DEFAULT),
            size=size,
            memory_bytes=SWEEP_MEMORY_MIB << 20,
            folder=Path(folder),
        )
        library.asking_ms, library.running_ms = [], []
        frames = FrameRenderer(library, live_track())
        frames.prepare(controls, keys=1, timeout_s=300)
        library.asking_ms.clear()
        library.running_ms.clear()
        library.waits = 0
        library.prefetch(looks(controls, stock()))
        faces = cycle(face_names())
        clock = FrameClock(monotonic_s(), fps)
        tick, last, switched = 0, round(options.seconds * fps), -1
        while tick < last:
            if (turn := int(tick / (SWITCH_S * fps))) > switched:
                controls, switched = Controls("", next(faces), look.expression), turn
            due_s = clock.due_s(tick)
            wait_until(due_s)
            begun_s = monotonic_s()
            frames.render(begun_s, controls, out)
            late_ms.append(1e3 * (begun_s - due_s))
            painting_ms.append(1e3 * (monotonic_s() - begun_s))
            tick = clock.next_frame(after=tick, now_s=monotonic_s())
        library.close()
    print(f"\n{len(late_ms)} ticks of {size} px in {options.seconds:g} s, all cores busy")
    for about, values in (
        ("asking for the sweep", library.asking_ms),
        ("  of that, on a core", library.running_ms),
        ("the whole tick", painting_ms),
        ("begun after its time", late_ms),
    ):
        at = np.percentile(values, [50, 99, 99.9, 100])
        p50, p99, p999, longest = (f"{value:.3f}" for value in at)
        print(f"  {about:22}  p50 {p50}  p99 {p99}  p99.9 {p999}  longest {longest} ms")
    reached = float(np.percentile(library.asking_ms, 99.9)) <= ASKING_MS
    print(f"  asking: p99.9 {'is' if reached else 'is NOT'} within {ASKING_MS:g} ms", end="")
    print(f", and has waited for another thread {library.waits} times")


PARTS = ("sweep", "show", "ticks")


def main() -> None:
    """Run the parts asked for; by default all."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.show", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="repeatable; default: all")
    parser.add_argument("--song", type=Path, default=shipped("demo", "demo.ogg"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--fps", default="60")
    parser.add_argument("--face", default=face_names()[0])
    parser.add_argument("--expression", default=expression_names()[0])
    parser.add_argument("--drawing", default="auto", help="as for vjnode run")
    parser.add_argument("--midpoints", type=int, default=16)
    options = parser.parse_args()
    look = Look(options.face, (options.expression,))
    parts = options.part or PARTS
    if "sweep" in parts:
        bench_sweep(look, options.size, options.midpoints)
    if "show" in parts:
        bench_run(look, options)
    if "ticks" in parts:
        bench_ticks(look, options)


if __name__ == "__main__":
    main()
