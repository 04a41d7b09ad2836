"""How well a show runs here: sweep against drawing, and a live show with a warm sweep.

python tools/bench_show.py [--song FILE] [--seconds 60] [--size 1024] [--fps 60] [--drawing auto]

Prints two tables. The first sets blending two key frames against drawing the same picture
anew, in time and in quality (PSNR at the midpoints between keys, where it is worst), after a
sweep that was drawn for the first time. The second is the report of a real `vjnode run`, once
its sweep is on disk.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engine.choose import open_engine
from vjnode.engine.library import KEYS, Look, SweepLibrary
from vjnode.face.catalogue import expression_names, face_names
from vjnode.show.wiring import codes
from vjnode.storage import shipped


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures, dB, over the colours."""
    error = np.mean((a[..., :3].astype(np.float32) - b[..., :3].astype(np.float32)) ** 2)
    return float(10 * np.log10(255**2 / max(float(error), 1e-9)))


def bench_sweep(look: Look, size: int, midpoints: int) -> None:
    """Print blending against drawing."""
    cv2.setNumThreads(1)
    open_engine(size).close()  # prepares the generator, where it never has been
    began_s = time.perf_counter()
    library = SweepLibrary(
        lambda threads: open_engine(size, threads),
        codes,
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
    for key in np.linspace(0, sweep.keys - 2, midpoints).astype(int):
        weight = (key + 0.5) / (sweep.keys - 1)
        wanted = codes(look, weight)
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
    interval, latency = figures["interval_ms"], figures["latency_ms"]
    choice = figures["engine_choice"]
    print(f"\nlive at {options.size} px, {options.fps} frames/s asked, {options.seconds:g} s")
    print(f"  drawn      {choice['drawing']}, by {choice['engine']}")
    print(f"  rate       {figures['fps']:8.3f} frames/s")
    print(
        "  interval   " + "  ".join(f"{key} {value:.2f}" for key, value in interval.items()), "ms"
    )
    print("  latency    " + "  ".join(f"{key} {value:.2f}" for key, value in latency.items()), "ms")
    new = (figures["frames"] - figures["repeated"]) / figures["duration_s"]
    print(f"  late {figures['late']}, repeated {figures['repeated']} of {figures['frames']}")
    print(f"  new        {new:8.3f} pictures/s")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description="How well a show runs here.")
    parser.add_argument("--song", type=Path, default=shipped("demo", "demo.ogg"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--fps", default="60")
    parser.add_argument("--face", default=face_names()[0])
    parser.add_argument("--expression", default=expression_names()[0])
    parser.add_argument("--drawing", default="auto", help="as for vjnode run")
    parser.add_argument("--midpoints", type=int, default=16)
    options = parser.parse_args()
    look = Look(options.face, options.expression)
    bench_sweep(look, options.size, options.midpoints)
    bench_run(look, options)


if __name__ == "__main__":
    main()
