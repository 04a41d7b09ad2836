"""Time generators of the user's own on the processor, in torch and by OpenVINO.

    python -m tools.bench.own NAME … [--size PX] [--seconds 5] [--threads 2]

A picture is timed from style codes in memory to the picture in memory. The median is printed, and
the time on the processor, all cores together, which other load on the machine affects less.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from vjnode.engines.registry import open_engine
from vjnode.errors import VjnodeError
from vjnode.generators.latent import still
from vjnode.generators.registry import PLAYABLE
from vjnode.generators.spec import GeneratorSpec

DRAWN_LOW = 3
"""Fewest pictures of a median."""


def timed(draw: Callable[[], object], seconds: float) -> str:
    """Return the median times of ``draw``, after a first call that does not count, as text."""
    draw()
    end_s, times, busy = time.perf_counter() + seconds, list[float](), list[float]()
    while len(times) < DRAWN_LOW or time.perf_counter() < end_s:
        began_s, began_busy_s = time.perf_counter(), time.process_time()
        draw()
        times.append(1e3 * (time.perf_counter() - began_s))
        busy.append(1e3 * (time.process_time() - began_busy_s))
    return f"{statistics.median(times):.0f} ms ({statistics.median(busy):.0f} of the processor)"


def bench(spec: GeneratorSpec, size: int, seconds: float, threads: int) -> None:
    """Print a row of the table."""
    draws = np.random.default_rng(1)
    codes = draws.standard_normal(spec.codes_shape).astype(np.float32)
    torch.set_num_threads(threads)
    graph = spec.frame_graph(spec.weights(), size, "fp32")
    levels: Callable[..., torch.Tensor] = graph.generator.levels  # type: ignore[union-attr,assignment]
    given = torch.from_numpy(codes[None]), torch.ones(1)
    with torch.inference_mode():
        in_torch = timed(lambda: levels(*given), seconds)
    began_s = time.perf_counter()
    try:
        engine = open_engine(size, threads, spec=spec)
        opened_s = time.perf_counter() - began_s
        latent = still(codes)
        in_engine = timed(lambda: engine.draw(latent), seconds)
        engine.close()
    except VjnodeError as error:
        opened_s, in_engine = 0.0, str(error)
    print(
        f"{spec.name:12} {size:5} px   torch {in_torch}   engine {in_engine} "
        f"(opened in {opened_s:.0f} s)",
        flush=True,
    )


def main(arguments: list[str] | None = None) -> int:
    """Time every generator that is named, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.own", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="+", choices=list(PLAYABLE), metavar="NAME")
    parser.add_argument("--size", type=int, help="px; default: the generator's own")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each of them")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    for name in options.names:
        spec = PLAYABLE[name]
        bench(spec, options.size or spec.sizes[0], options.seconds, options.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
