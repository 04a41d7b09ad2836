"""Measure mattes on this machine: what they cost, and how steady a head that is cut out stands.

    python -m tools.bench.matte [--size 1024] [--faces A B C] [--expression laugh]
                                [--sheet FILE.png]

For each face: the time to make its matte from eight pictures, and to cut one frame by each kind of
output, ms; the part of the picture that is fringe; and the largest mean change of what is not all
head from one of 64 frames over the expression to the next, as a part of full range: cut out, and in
the picture as it is drawn. Places around which the expression changes the picture by more than two
levels count as moving, and are left out.
--sheet: the faces at rest and at full, over a checkerboard.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.generators.registry import DEFAULT
from vjnode.output.delivery import Adapter, split_delivery
from vjnode.output.preview.output import over_checkerboard
from vjnode.render.base import Look
from vjnode.render.matte.estimate import estimate
from vjnode.render.matte.files import WEIGHTS
from vjnode.render.matte.network import Segmenter
from vjnode.render.matte.open import drawing
from vjnode.render.open import open_keyframes

PATIENCE_S = 300.0
"""Longest time in which key frames get ready, s."""

DELIVERIES = (
    "alpha=matte",
    "alpha=matte,premultiplied",
    "background=#00ff00",
    "background=blur",
    "key",
)
TIMED = 100
FRAMES = 64
STILL = 2
"""Levels: a place that changes no more does not move."""
PARTS = 64
"""Places along a side, whose mean change is looked at."""

Picture = NDArray[np.uint8]


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.matte", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--size", type=int, choices=DEFAULT.sizes, default=DEFAULT.sizes[0])
    parser.add_argument("--faces", nargs="+", default=face_names()[:8], metavar="NAME")
    parser.add_argument("--expression", default="laugh", metavar="NAME")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)  # as in a show
    segmenter, rows = Segmenter(threads=1), []
    print("face       matte, ms  fringe, %  change, 1e-3: cut  drawn  " + "  ".join(DELIVERIES))
    looks = [
        Look(load_face(face).name, (load_expression(options.expression).name,))
        for face in options.faces
    ]
    with closing(open_keyframes(size=options.size, memory_mib=1024)) as renderer:
        for look in looks:
            face = look.face
            if not renderer.prepare(look, keys=FRAMES, timeout_s=PATIENCE_S):
                print(f"{face}: no key frames within {PATIENCE_S:g} s", file=sys.stderr)
                return 1
            draw = drawing(renderer, options.size)
            pictures = [draw(look, weight) for weight in WEIGHTS]
            began_s = time.perf_counter()
            matte = estimate(pictures, segmenter.look)
            made_ms = 1e3 * (time.perf_counter() - began_s)
            fringe = 100 * float(((matte[..., 3] > 0) & (matte[..., 3] < 255)).mean())
            frames = [draw(look, index / (FRAMES - 1)) for index in range(FRAMES)]
            costs = "  ".join(f"{cost_ms(one, matte, frames):{len(one)}.3f}" for one in DELIVERIES)
            cut, drawn = (1e3 * one for one in changes(matte, frames))
            row = f"{face:10} {made_ms:9.0f}  {fringe:9.1f}  {cut:17.3f}  {drawn:5.2f}"
            print(f"{row}  {costs}", flush=True)
            rows.append(np.hstack([over(matte, one) for one in (frames[0], frames[-1])]))
    if options.sheet is not None:
        cv2.imwrite(str(options.sheet), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    return 0


def cutter(delivery: str, matte: Picture) -> Adapter:
    """Return what makes frames of a delivery."""
    adapter = Adapter(split_delivery(f"x,{delivery}")[1], len(matte))
    adapter.use(matte)
    return adapter


def cost_ms(delivery: str, matte: Picture, frames: Sequence[Picture]) -> float:
    """Return the median time of one frame, ms, which has just been taken over, as in a show."""
    adapter, took_s = cutter(delivery, matte), []
    frame = frames[0].copy()
    adapter.adapt(frame)
    for index in range(TIMED):
        np.copyto(frame, frames[index % len(frames)])
        began_s = time.perf_counter()
        adapter.adapt(frame)
        took_s.append(time.perf_counter() - began_s)
    return 1e3 * float(np.median(took_s))


def changes(matte: Picture, frames: Sequence[Picture]) -> tuple[float, float]:
    """Return the largest mean change of what does not move and is not all head, 0…1.

    Returns: over a checkerboard, and in the frames as they are; 0 where everything moves.
    """
    around = (len(matte) // PARTS,) * 2
    moving = np.zeros(matte.shape[:2], bool)
    for frame in frames[1:]:
        moving |= cv2.blur(cv2.absdiff(frame, frames[0])[..., :3].max(-1), around) > STILL
    still = ~moving & (matte[..., 3] < 255)
    if not still.any():
        return 0.0, 0.0
    pairs = pairwise((over(matte, frame)[still], frame[still][:, :3]) for frame in frames)
    steps = [
        [cv2.norm(a, b, cv2.NORM_L1) / a.size / 255 for a, b in zip(*two, strict=True)]
        for two in pairs
    ]
    cut, drawn = (max(values) for values in zip(*steps, strict=True))
    return cut, drawn


def over(matte: Picture, frame: Picture) -> Picture:
    """Return the head of a frame over a checkerboard, RGB."""
    cut = cutter("alpha=matte", matte).adapt(frame)
    return np.ascontiguousarray(over_checkerboard(cut, premultiplied=False)[..., :3])


if __name__ == "__main__":
    sys.exit(main())
