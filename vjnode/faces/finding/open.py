"""Opens a studio for a generator."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from vjnode.faces.finding.studio import Identity, Sitter, Studio, Styles
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.layout import DIM, ROOT, ROOT_STYLES, SLOTS, STYLES, TRUNK
from vjnode.generators.mobilestylegan.model import Block, Mapping, Synthesis, load

PX = 256
"""Size at which faces are drawn, px: enough for the mesh, and quick."""

TRUNCATION = 0.65
"""Of the faces that an action is found on."""

ROWS = (10, 11)
"""Slots whose codes are moved beside the factors: eyes need them."""

POSE_ROWS = (0, 1, 2, 4, 5, 7, 8)
"""Slots that turn the head."""

_FOR_SPREAD, _FOR_ROOT = 400, 8192


def open_studio(identity: Identity | None) -> Studio:
    """Return a studio of the default generator, drawn by its distilled network.

    The factors of the trunk's blocks are moved, but not those of the root, which is the pose.
    """
    mapping, synthesis = load(generator_weights())
    generator = DistilledGenerator(synthesis, load_tail(PX))
    styles = Styles(
        offsets=torch.arange(ROOT_STYLES, STYLES),
        spread=_spread(synthesis, random_codes(mapping, 8, _FOR_SPREAD, TRUNCATION)),
        rows=ROWS,
        pose_rows=POSE_ROWS,
        root=TRUNCATION * _root(random_codes(mapping, 99, _FOR_ROOT, 1.0)),
    )
    return Studio(generator.levels, styles, STYLES, identity)


def sitters(studio: Studio, seed: int, count: int) -> Iterator[Sitter]:
    """Yield random faces at rest; the first of them do not depend on ``count``."""
    mapping, _ = load(generator_weights())
    for code in random_codes(mapping, seed, count, TRUNCATION):
        yield studio.seat(code, SLOTS)


def random_codes(mapping: Mapping, seed: int, count: int, truncation: float) -> Tensor:
    """Return random style codes, [count, DIM]; the first of them do not depend on ``count``."""
    noise = np.random.default_rng(seed).standard_normal((count, DIM), np.float32)
    with torch.no_grad():
        codes: Tensor = mapping(torch.from_numpy(noise), truncation)
    return codes


def _spread(synthesis: Synthesis, codes: Tensor) -> Tensor:
    """Return the standard deviation of the factors of the trunk's blocks after the root."""
    blocks = [block for block in synthesis.blocks.children() if isinstance(block, Block)]
    with torch.no_grad():
        factors = [
            affine(codes).flatten(1)
            for block in blocks[ROOT:TRUNK]
            for affine in (block.up.affine, block.conv1.affine, block.conv2.affine)
        ]
    return torch.cat(factors, 1).std(0)


def _root(codes: Tensor) -> Tensor:
    """Return the square root of the covariance of codes [N, DIM]."""
    values, vectors = torch.linalg.eigh(torch.cov(codes.double().T))
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root.float()
