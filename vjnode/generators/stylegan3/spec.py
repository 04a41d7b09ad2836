"""StyleGAN3's rows in the registry: whatever checkpoint a user has added."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.generators.parts import Drawing, PartsForm, Plan
from vjnode.generators.spec import GeneratorSpec, Precision
from vjnode.generators.stylegan2.layout import SIZES
from vjnode.generators.stylegan2.spec import SMALLEST, mean_in, there
from vjnode.paths import sha256_of

if TYPE_CHECKING:
    from torch import nn

    from vjnode.generators.stylegan3.model import Mapping, Synthesis

GRAPH = 1
"""Version of the graph; see ``GeneratorSpec.graph``."""


@dataclass(frozen=True)
class StyleGan3:
    """One network of the family, by its weights and their shapes.

    name: of its generator. path: of its weights. size: of its picture, px. slots, dim: number of
        its style codes, and their length.
    """

    name: str
    path: Path
    size: int
    slots: int
    dim: int

    def weights(self) -> Path:
        """Return the path of its weights.

        Raises:
            InputError: they are gone.
        """
        return there(self.path)

    def networks(self) -> "tuple[Mapping, Synthesis]":
        """Return the mapping network and the synthesis network.

        Raises:
            InputError: the file cannot be read, or is of another network.
        """
        from vjnode.generators.stylegan3.checkpoint import load  # noqa: PLC0415 - imports torch

        mapping, synthesis = load(self.weights())
        found = synthesis.size, synthesis.slots, len(mapping.mean)
        if found != (self.size, self.slots, self.dim):
            raise InputError(f"{self.path} is of another network than {self.name}; add it again")
        return mapping, synthesis

    def mapping(self) -> "nn.Module":
        """Return the mapping network."""
        return self.networks()[0]

    def mean_latent(self) -> NDArray[np.float32]:
        """Return the mean of its style codes; see ``GeneratorSpec``."""
        return mean_in(self.weights())

    def frame_graph(self, weights: Path, size: int, precision: Precision) -> "nn.Module":
        """Return its frame graph; see ``GeneratorSpec``."""
        import torch  # noqa: PLC0415 - takes seconds

        from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415 - imports torch
        from vjnode.generators.stylegan3.checkpoint import load  # noqa: PLC0415
        from vjnode.generators.stylegan3.model import Picture  # noqa: PLC0415

        dtype = torch.float16 if precision == "fp16" else torch.float32
        _, synthesis = load(weights)
        return FrameGraph(Picture(synthesis, size, dtype))

    def key(self, plan: Plan) -> str:
        """Return the key of a plan's weights; see ``PartsForm``."""
        del plan
        return sha256_of(self.weights())

    def stem(self, plan: Plan) -> str:
        """Return the beginning of the names of a plan's graphs; see ``PartsForm``."""
        return f"stylegan3-{GRAPH}-{self.key(plan)[:8]}"

    def drawings(self, plan: Plan) -> list[Drawing]:
        """Return the parts of a plan; see ``PartsForm``."""
        import torch  # noqa: PLC0415 - takes seconds

        from vjnode.generators.stylegan3.model import Picture  # noqa: PLC0415

        given = torch.zeros(1, self.slots, self.dim), torch.ones(1)
        return [(Picture(self.networks()[1], plan.size), given)]


def own_spec(network: StyleGan3, about: str) -> GeneratorSpec:
    """Return the row of a network that a user has added."""
    return GeneratorSpec(
        name=network.name,
        about=about,
        slots=network.slots,
        dim=network.dim,
        sizes=tuple(one for one in reversed(SIZES) if SMALLEST <= one <= network.size),
        graph=GRAPH,
        weights=network.weights,
        mapping=network.mapping,
        mean_latent=network.mean_latent,
        frame_graph=network.frame_graph,
        parts=PartsForm(
            arithmetic=("f32",), key=network.key, stem=network.stem, drawings=network.drawings
        ),
    )
