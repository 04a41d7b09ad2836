"""Opens studios of generators, and has random faces sit in them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from vjnode.errors import InputError
from vjnode.faces.finding.glasses import THERE, bridge
from vjnode.faces.finding.studio import Identity, Sitter, Studio, Styles
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.layout import DIM, ROOT, ROOT_STYLES, SLOTS, STYLES, TRUNK
from vjnode.generators.mobilestylegan.model import Block, Mapping, Synthesis, load
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.generators.spec import GeneratorSpec

if TYPE_CHECKING:
    from vjnode.generators.frame_graph import FrameGraph

PX = 256
"""Size at which faces are drawn, px: enough for the mesh, and quick."""

TRUNCATION = 0.65
"""Of the faces that an action is found on."""

ROWS = (10, 11)
"""Slots whose codes are moved beside the factors: eyes need them."""

POSE_ROWS = (0, 1, 2, 4, 5, 7, 8)
"""Slots that turn the head."""

_FOR_SPREAD, _FOR_ROOT = 400, 8192
_AT_ONCE = 64


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


def studio_of(spec: GeneratorSpec) -> Studio:
    """Return a studio of any generator that takes offsets, which tells no persons apart.

    Of others than the default nothing is known of how far their factors vary: all count the same.

    Raises:
        InputError: it takes no offsets.
    """
    if spec.codes_of == MOBILESTYLEGAN.name:
        return open_studio(None)
    if not spec.styles:
        raise InputError(f"actions cannot be found for {spec.name}: it takes no offsets")
    graph = cast("FrameGraph", spec.frame_graph(spec.weights(), min(spec.sizes), "fp32"))
    movable = torch.arange(spec.root_styles, spec.styles)
    styles = Styles(movable, torch.ones(len(movable)), (), (), torch.zeros(0))
    return Studio(graph.generator.levels, styles, spec.styles, None)


def sitters(studio: Studio, seed: int, count: int) -> Iterator[Sitter]:
    """Yield random faces at rest; the first of them do not depend on ``count``."""
    mapping, _ = load(generator_weights())
    for code in random_codes(mapping, seed, count, TRUNCATION):
        yield studio.seat(code, SLOTS)


def codes_with_glasses(studio: Studio, seed: int, count: int) -> Iterator[Tensor]:
    """Yield the style codes, [DIM], of random faces with glasses; about one in fourteen has them.

    A head that turns must be found on such faces too, or it takes off what few of them wear.
    """
    mapping, _ = load(generator_weights())
    found, drawn = 0, 0
    while found < count:
        # The first of them do not depend on how many are drawn.
        for code in random_codes(mapping, seed, drawn + _AT_ONCE, TRUNCATION)[drawn:]:
            if found < count and _wears_glasses(studio, code):
                found += 1
                yield code
        drawn += _AT_ONCE


def _wears_glasses(studio: Studio, code: Tensor) -> bool:
    with torch.no_grad():
        picture = studio.draw(code.expand(1, SLOTS, -1), torch.zeros(len(studio.styles.offsets)))
        points = studio.mesh.points(picture).numpy()
    levels = (picture[0].permute(1, 2, 0).clamp(0, 1) * 255).to(torch.uint8).numpy()
    return bridge(levels, points) > THERE


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
