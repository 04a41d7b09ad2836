"""Check how near channels that are added to key frames come to what the generator draws.

    python -m tools.check.overlays [--size PX] [--faces N] [--weights N] [--seed N]

Key frames hold the first channel, and the others are added as differences of pictures. At random
weights of all channels the sum is compared with a picture that the generator draws of them all, on
the face: the hull of its landmarks at rest. Prints, for each set of expressions, PSNR on the mean
and at worst, and the memory of the differences; exits with 1 where a face falls below the limit on
the mean.
"""

import argparse
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vjnode.engines.base import Engine
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import face_names
from vjnode.faces.finding.regions import OVAL, area
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.layers import layers_of
from vjnode.render.open import latents_of
from vjnode.render.overlay import Overlay

LEAST_DB = 35.0

SETS = (
    ("laugh", "brows_up", "", ""),
    ("laugh", "brows_up", "blink", ""),
    ("surprise", "squint", "frown", ""),
    ("laugh", "brows_up", "blink", "wide"),
    ("smile", "wide", "gaze_left", "sneer"),
)
"""Expressions of the channels: those that a show begins with, and others."""

LAYERS = layers_of(DEFAULT)


@dataclass
class Nearness:
    """PSNR on a face at each of the random weights, dB, and memory, bytes."""

    look: Look
    nbytes: int = 0
    decibels: list[float] = field(default_factory=list)


def measure(
    engine: Engine, look: Look, on_face: NDArray[np.bool_], drawn: Sequence[Sequence[float]]
) -> Nearness:
    """Return how near a look comes at weights of its channels.

    on_face: mask of the pixels that are compared. drawn: weights of all channels, each 0…1.
    """
    latents = latents_of(DEFAULT)
    shown = [bool(name) for name in look.expressions]
    overlay = Overlay(shown, len(on_face), alike=LAYERS(look).alike)
    for key in range(overlay.keys):
        overlay.put(key, engine.draw(latents(look, overlay.weights_of(key))))
    found = Nearness(look, overlay.nbytes)
    for weights in drawn:
        acting = [weight * shows for weight, shows in zip(weights, shown, strict=True)]
        true = engine.draw(latents(look, acting)).copy()
        added = engine.draw(latents(look, [acting[0], *(0.0,) * (len(acting) - 1)])).copy()
        overlay.add_to(added, acting)
        found.decibels.append(cv2.PSNR(added[on_face][:, :3], true[on_face][:, :3]))
    return found


def check(size: int, faces: Sequence[str], weights: int, seed: int) -> list[Nearness]:
    """Return how near each set of expressions comes on each face."""
    drawn = np.random.default_rng(seed).uniform(0.0, 1.0, (weights, len(SETS[0]))).tolist()
    looks = [Look(face, names) for face in faces for names in SETS]
    latents, meter = latents_of(DEFAULT), LandmarkMeter()
    found = []
    with closing(open_engine(size)) as engine:
        for look in tqdm(looks, unit="look", leave=False):
            assert LAYERS(look).added == look, LAYERS(look).left_out  # noqa: S101 - see SETS
            rest = engine.draw(latents(look, [0.0] * len(look.expressions)))[..., :3].copy()
            on_face = area(meter.measure(rest).points, OVAL, size)
            found.append(measure(engine, look, on_face, drawn))
    return found


def table(found: Sequence[Nearness], size: int) -> str:
    """Return a table as Markdown, one row for each set of expressions."""
    lines = [
        f"| channels, {size} px | mean | least mean of a face | worst | memory at 1024 px |",
        "|---|---|---|---|---|",
    ]
    for names in SETS:
        each = [one for one in found if one.look.expressions == names]
        means = [float(np.mean(one.decibels)) for one in each]
        worst = min(each, key=lambda one: min(one.decibels))
        least = each[int(np.argmin(means))].look.face
        memory = [one.nbytes * (1024 / size) ** 2 / 2**20 for one in each]
        lines.append(
            f"| {', '.join(f'`{name}`' for name in names if name)} | {np.mean(means):.1f} dB "
            f"| {min(means):.1f} dB (`{least}`) "
            f"| {min(worst.decibels):.1f} dB (`{worst.look.face}`) "
            f"| {min(memory):.0f}–{max(memory):.0f} MiB |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the check and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.overlays", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--size", type=int, default=256, choices=DEFAULT.sizes)
    parser.add_argument("--faces", type=int, default=len(face_names()), help="how many")
    parser.add_argument("--weights", type=int, default=16, help="how many, of each look")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    found = check(asked.size, face_names()[: asked.faces], asked.weights, asked.seed)
    print(table(found, asked.size))
    short = [one for one in found if np.mean(one.decibels) < LEAST_DB]
    for one in short:
        names = ", ".join(filter(None, one.look.expressions))
        print(f"{one.look.face} with {names}: {np.mean(one.decibels):.1f} dB, under {LEAST_DB:g}")
    return 1 if short else 0


if __name__ == "__main__":
    raise SystemExit(main())
