"""Time drawing one face: vjnode's engine beside the graph that random-face ships.

    python tools/bench_synthesis.py [--pairs 12] [--threads N]

The two alternate, so that whatever else the machine does hits both alike. random-face is
timed as its package runs it: its own graph in f32, then numpy to an 8-bit picture.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vjnode.engine.choose import open_engine
from vjnode.face.catalogue import load_face
from vjnode.face.convert import extract_ir
from vjnode.face.fetch import GENERATOR, fetch
from vjnode.runtime import load_openvino

Draw = Callable[[NDArray[np.float32]], NDArray[np.uint8]]


def shipped_graph(threads: int | None) -> Draw:
    """Return random-face's own way from a style code to a picture."""
    core = load_openvino().Core()
    options: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    with tempfile.TemporaryDirectory() as folder:
        _, path = extract_ir(fetch(GENERATOR), Path(folder))
        request = core.compile_model(core.read_model(path), "CPU", options).create_infer_request()

    def draw(code: NDArray[np.float32]) -> NDArray[np.uint8]:
        picture = request.infer([code[None]])[0][0]
        picture = (np.clip(picture, -1.0, 1.0) + 1.0) / (2.0 + 1e-5)
        return np.clip(picture * 255 + 0.5, 0, 255).transpose(1, 2, 0).astype(np.uint8)

    return draw


def seconds(draw: Draw, codes: NDArray[np.float32]) -> float:
    """Time one drawing."""
    start = time.perf_counter()
    draw(codes)
    return time.perf_counter() - start


def main() -> None:
    """Print a table of medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=12, help="alternating pairs")
    parser.add_argument("--threads", type=int, help="threads of each; default: all cores")
    options = parser.parse_args()
    engine = open_engine(1024, options.threads)
    theirs = shipped_graph(options.threads)
    codes = load_face(0).codes
    ours_s, theirs_s = [], []
    for pair in tqdm(range(options.pairs + 1), unit="pair"):
        times = seconds(theirs, codes[0]), seconds(engine.draw, codes)
        if pair:  # the first one warms up
            theirs_s.append(times[0])
            ours_s.append(times[1])
    picture = engine.draw(codes)[..., :3].astype(float)
    psnr = 10 * np.log10(255**2 / np.mean((picture - theirs(codes[0])) ** 2))
    print(f"1024 × 1024 px, {options.pairs} alternating pairs, ms")
    print(f"{'':22}{'median':>8}{'best':>8}")
    for name, times in (("random-face 2021.7.21.1", theirs_s), (engine.name, ours_s)):
        print(f"{name:22}{1e3 * statistics.median(times):8.0f}{1e3 * min(times):8.0f}")
    ratios = [ours / other for ours, other in zip(ours_s, theirs_s, strict=True)]
    print(f"ratio, median of pairs: {statistics.median(ratios):.2f}; PSNR {psnr:.1f} dB")


if __name__ == "__main__":
    main()
