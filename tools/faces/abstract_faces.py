"""Write faces and an expression for the untrained StyleGAN2, which draws clouds of colour.

    python -m tools.faces.abstract_faces    writes them to presets/

Everything is seeded: the same numbers give the same clouds.
"""

import argparse

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from vjnode.generators.stylegan2.checkpoint import load
from vjnode.generators.stylegan2.spec import STYLEGAN2
from vjnode.paths import replace_file, shipped

SEED = 3
CHOSEN = {"ember": 7, "lagoon": 12}
"""Name → index among the random latents; chosen by eye."""

TOWARDS, FULL = 16, 14.0
"""Index of the latent that the expression moves to, and the length of the whole way."""

WEIGHTS = (0.0, 0.5, 1.0)


def random_latents(count: int) -> NDArray[np.float32]:
    """Return random style codes, (count, dim) float32, as the mapping network gives them."""
    mapping, _ = load(STYLEGAN2.weights())
    noise = np.random.default_rng(SEED).standard_normal((count, STYLEGAN2.dim), np.float32)
    with torch.inference_mode():
        found: NDArray[np.float32] = mapping(torch.from_numpy(noise)).numpy()
    return found


def main() -> None:
    """Write the files to presets/."""
    argparse.ArgumentParser(
        prog="python -m tools.faces.abstract_faces", description=__doc__.splitlines()[0]
    ).parse_args()
    latents = random_latents(24)
    of = f'generator = "{STYLEGAN2.name}"'
    for number, (name, index) in enumerate(CHOSEN.items()):
        path = shipped("faces") / f"{name}.toml"
        text = (
            f"number = {number}\n{of}\n"
            'about = "a cloud of colours, for an untrained network knows no face"\n\n'
            "# A random latent (tools/faces/abstract_faces.py).\n"
            f"[found]\nseed = {SEED}\nindex = {index}\n"
        )
        replace_file(path.with_suffix(".safetensors"), save({"codes": latents[index]}))
        replace_file(path, text.encode())
    way = latents[TOWARDS] - STYLEGAN2.mean_latent()
    direction = (way / np.linalg.norm(way)).astype(np.float32)
    amounts = [round(FULL * weight, 3) for weight in WEIGHTS]
    text = (
        f'number = 0\n{of}\nabout = "colours flow into others"\nweights = {[*WEIGHTS]}\n\n'
        "# The way to a random latent (tools/faces/abstract_faces.py).\n"
        f'[[part]]\nname = "flow"\nslots = {[*range(STYLEGAN2.slots)]}\namounts = {amounts}\n'
    )
    path = shipped("expressions") / "flow.toml"
    replace_file(path.with_suffix(".safetensors"), save({"flow": direction}))
    replace_file(path, text.encode())


if __name__ == "__main__":
    main()
