"""Find the ranges for the generator in 8 bits on random faces, and print the resulting quality.

    python -m tools.train.quantise [--faces 24] [--out presets/generator/int8.safetensors]

The faces are random, at rest or in one of the shipped expressions; the ranges are those of their
features, with a margin. The quality is measured on the shipped faces, none of which was used.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from vjnode.faces.catalogue import expression_names, face_names, load_expression, load_face
from vjnode.faces.expression import Face, latent_of
from vjnode.generators.latent import Latent
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import SLOTS, STYLES
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.mobilestylegan.quantized import int8_layers, to_int8
from vjnode.paths import replace_file, shipped

MARGIN = 1.1
"""Factor by which ranges are wider than the measured ones: finer steps would gain 2 dB on most
faces, but a face whose values are clipped loses 8."""

TRUNCATION = 0.7
"""Truncation of the random faces: wider than that of shipped faces, so that their ranges are
included."""

NOISE_STRENGTH = torch.ones(1)


Given = tuple[Tensor, Tensor, Tensor]
"""Style codes [1, SLOTS, DIM], noise strength [1], and offsets [1, STYLES], as generators take."""


def given(latent: Latent) -> Given:
    """Return a latent as generators take it."""
    offsets = torch.zeros(1, STYLES)
    moved = latent.offsets()
    offsets[0, : len(moved)] = torch.from_numpy(moved)
    return torch.from_numpy(latent.codes())[None], NOISE_STRENGTH, offsets


def random_faces(count: int) -> list[Given]:
    """Return ``count`` random faces, each with an expression."""
    mapping, _ = load(generator_weights())
    noise = torch.randn(count, 512, generator=torch.Generator().manual_seed(2021))
    expressions = [load_expression(name) for name in expression_names()]
    found = []
    for i, code in enumerate(mapping(noise, TRUNCATION)):
        face = Face("", "", np.repeat(code.numpy()[None], SLOTS, 0))
        found.append(given(latent_of(face, expressions[i % len(expressions)], i % 4 / 3)))
    return found


def seen_limits(folded: FoldedSynthesis, faces: list[Given]) -> dict[str, Tensor]:
    """Return the largest absolute value in each channel before each convolution, [C]."""
    limits: dict[str, Tensor] = {}

    def watch(name: str, x: Tensor, factors: Tensor | None = None) -> None:
        largest = (x if factors is None else x * factors).abs().amax((0, 2, 3))
        limits[name] = torch.maximum(limits.get(name, largest), largest)

    hooks = [
        layer.pointwise.register_forward_pre_hook(lambda _, inputs, name=name: watch(name, *inputs))
        for name, layer in int8_layers(folded).items()
    ]
    for face in tqdm(faces, unit="face"):
        folded.levels(*face)
    for hook in hooks:
        hook.remove()
    return {name: MARGIN * limit for name, limit in limits.items()}


def quality_db(limits: dict[str, Tensor]) -> list[float]:
    """Return the PSNR, dB, of 8 bits against float32 on each shipped face."""
    _, synthesis = load(generator_weights())
    exact, rounded = FoldedSynthesis(synthesis, 1024), FoldedSynthesis(synthesis, 1024)
    to_int8(rounded, limits)
    expressions = [load_expression(name) for name in expression_names()]
    found = []
    for i, name in enumerate(tqdm(face_names(), unit="face")):
        expression, weight = expressions[i % len(expressions)], 0.5 + 0.25 * (i % 3)
        face = given(latent_of(load_face(name), expression, weight))
        pictures = [one(*face).float() for one in (exact, rounded)]
        error = (pictures[0] - pictures[1])[..., :3].square().mean().item()
        found.append(10 * np.log10(255**2 / error))
    return found


def main() -> None:
    """Find the ranges, measure the quality, write the file."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train.quantise", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--faces", type=int, default=24)
    parser.add_argument("--out", type=Path, default=shipped("generator", "int8.safetensors"))
    options = parser.parse_args()
    with torch.inference_mode():
        _, synthesis = load(generator_weights())
        limits = seen_limits(FoldedSynthesis(synthesis, 1024), random_faces(options.faces))
        quality = quality_db(limits)
    for name, db in zip(face_names(), quality, strict=True):
        print(f"{name:8} {db:5.1f} dB")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    replace_file(options.out, save(limits))
    print(f"{min(quality):.1f} dB at least; {options.out}")


if __name__ == "__main__":
    main()
