"""Pairs for training the reduced networks: features of the generator, and its pictures of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save
from tqdm import tqdm

from tools.train.quantise import given
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.faces.catalogue import (
    expression_names,
    face_names,
    load_expression,
    load_face,
)
from vjnode.faces.expression import Face, amounts_of, latent_of, subject_of
from vjnode.generators.latent import Latent
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.model import Mapping, load
from vjnode.generators.registry import DEFAULT
from vjnode.paths import replace_file

PX = 512
"""Size of the stored pictures; smaller ones are their area means."""

SHARD = 50
"""Number of pairs in a file."""

CATALOGUED, MIXED = 0.1, 0.25
"""Shares of shipped faces, and of faces with another face's fine codes."""

TRUNCATIONS, SHOWN_TRUNCATIONS = (0.4, 0.8), (0.5, 0.7)
BEYOND = 1.15
"""Strength of the expressions, relative to their strength at weight 1."""


DrawLatent = Callable[[Mapping, np.random.Generator], Latent]


@dataclass(frozen=True)
class Pairs:
    """Pairs of inputs and target pictures.

    codes: shape (N, SLOTS, DIM), float32. features: (N, 512, 32, 32), float16, the trunk's output
    for them. pictures: (N, PX, PX, 3), uint8, RGB.
    """

    codes: NDArray[np.float32]
    features: NDArray[np.float16]
    pictures: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.codes)


def make_pairs(
    folder: Path, seed: int, count: int, draw_latent: DrawLatent, what: str
) -> list[Path]:
    """Draw at least ``count`` pairs, except those already in ``folder``.

    draw_latent: ``any_latent`` or ``shown_latent``. Each shard depends on the seed and its number
    only, so that more can be added later.

    Returns: their files, with ``SHARD`` pairs in each, for ``read_pairs``.
    """
    shards = [folder / f"{seed}-{number:04d}.safetensors" for number in range(-(-count // SHARD))]
    missing = [number for number, path in enumerate(shards) if not path.is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        mapping, synthesis = load(generator_weights())
        generator = FoldedSynthesis(synthesis, 1024)
        engine = OpenVinoEngine(DEFAULT, PX, torch.get_num_threads())
        for number in tqdm(missing, f"drawing {what}", unit="shard"):
            rng = np.random.default_rng((seed, number))
            latents = [draw_latent(mapping, rng) for _ in range(SHARD)]
            with torch.inference_mode():
                features = [generator.features(*given(one)).half().numpy() for one in latents]
            tensors = {
                "codes": np.stack([one.codes() for one in latents]),
                "features": np.concatenate(features),
                "pictures": np.stack([engine.draw(one)[..., :3] for one in latents]),
            }
            replace_file(shards[number], save(tensors))
    return shards


def read_pairs(shards: Iterable[Path]) -> Pairs:
    """Read the pairs of ``shards``."""
    read = [load_file(path) for path in shards]
    names = ("codes", "features", "pictures")
    return Pairs(*(np.concatenate([shard[name] for shard in read]) for name in names))


def any_latent(mapping: Mapping, rng: np.random.Generator) -> Latent:
    """Return what a show may ask for, and some beyond."""
    if rng.random() < CATALOGUED:
        codes = load_face(str(rng.choice(face_names()))).codes.copy()
    else:
        codes = np.repeat(_random_style(mapping, rng, TRUNCATIONS), SLOTS, 0)
    if rng.random() < MIXED:
        codes[rng.integers(4, SLOTS) :] = _random_style(mapping, rng, TRUNCATIONS)
    names = rng.choice(expression_names(), rng.integers(0, 3), replace=False)
    expressions = [load_expression(str(name)) for name in names]
    weights, beyond = rng.uniform(0.0, BEYOND, len(names)), np.float32(1.0)
    if len(weights):
        beyond = np.float32(max(weights.max(), 1.0))
    amounts = beyond * amounts_of(expressions, weights.clip(0.0, 1.0).tolist())
    return Latent(subject_of(Face("", "", codes), expressions), amounts)


def shown_latent(mapping: Mapping, rng: np.random.Generator) -> Latent:
    """Return a random face with an expression, as a show draws them."""
    style = np.repeat(_random_style(mapping, rng, SHOWN_TRUNCATIONS), SLOTS, 0)
    expression = load_expression(str(rng.choice(expression_names())))
    return latent_of(Face("", "", style), expression, rng.uniform())


def _random_style(
    mapping: Mapping, rng: np.random.Generator, truncations: tuple[float, float]
) -> NDArray[np.float32]:
    noise = torch.from_numpy(rng.standard_normal((1, DIM), np.float32))
    with torch.inference_mode():
        style: NDArray[np.float32] = mapping(noise, rng.uniform(*truncations)).numpy()
    return style
