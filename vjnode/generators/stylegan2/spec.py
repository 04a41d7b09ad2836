"""StyleGAN2's rows in the registry: an untrained one, and whatever checkpoint a user has added.

Untrained, it draws nothing known but runs as a trained one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from vjnode.errors import EngineError, InputError
from vjnode.generators.parts import Drawing, PartsForm, Plan
from vjnode.generators.spec import GeneratorSpec, Precision
from vjnode.generators.stylegan2.layout import SIZES, channels_for, slots_for, styles_for
from vjnode.paths import cache_dir, sha256_of

if TYPE_CHECKING:
    from torch import nn

    from vjnode.generators.stylegan2.model import Mapping, Synthesis

REDUCED_PX, REDUCED_SIZES = 32, (256,)
"""Size up to which a processor draws features live: what comes after adds the finer grain, and
takes nine tenths of the time. Sizes of the pictures that it enlarges them to."""

LARGEST = 1024
"""Size of the untrained network's own picture, px; smaller ones are averages of it."""

SMALLEST = 64
"""Size of the smallest picture that a show is drawn at, px."""

GRAPH = 3
"""Version of the graph; see ``GeneratorSpec.graph``."""


@dataclass(frozen=True)
class StyleGan2:
    """One network of the family, by its weights and their shapes.

    name: of its generator. weights: returns the path of its file, made if need be.
    channels: of the features at 4, 8, … px. dim: length of style codes.
    """

    name: str
    weights: Callable[[], Path]
    channels: tuple[int, ...]
    dim: int

    @property
    def size(self) -> int:
        """Return the size of its own picture, px."""
        return SIZES[len(self.channels) - 1]

    def networks(self) -> "tuple[Mapping, Synthesis]":
        """Return the mapping network and the synthesis network.

        Raises:
            InputError: the file cannot be read, or is of another network.
        """
        from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415 - imports torch

        path = self.weights()
        mapping, synthesis = load(path)
        found = synthesis.size, len(mapping.mean)
        if found != (self.size, self.dim):
            raise InputError(
                f"{path} is of a network of {found[0]} px with {found[1]} numbers a style code, "
                f"and {self.name} has {self.size} px and {self.dim}; add it again"
            )
        return mapping, synthesis

    def mapping(self) -> "nn.Module":
        """Return the mapping network."""
        return self.networks()[0]

    def mean_latent(self) -> NDArray[np.float32]:
        """Return the mean of its style codes; see ``GeneratorSpec``.

        Raises:
            InputError: the file cannot be read.
        """
        return mean_in(self.weights())

    def frame_graph(self, weights: Path, size: int, precision: Precision) -> "nn.Module":
        """Return its frame graph; see ``GeneratorSpec``."""
        import torch  # noqa: PLC0415 - takes seconds

        from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415 - imports torch
        from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415
        from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415

        # It keeps the path from codes to factors in float32 itself.
        dtype = torch.float16 if precision == "fp16" else torch.float32
        _, synthesis = load(weights)
        return FrameGraph(FoldedSynthesis(synthesis, size, dtype=dtype))

    def key(self, plan: Plan) -> str:
        """Return the key of a plan's weights; see ``PartsForm``."""
        return sha256_of(self.weights()) + (
            f" up to {REDUCED_PX} px" if plan.quality == "reduced" else ""
        )

    def stem(self, plan: Plan) -> str:
        """Return the beginning of the names of a plan's graphs; see ``PartsForm``."""
        live = f"-live-{REDUCED_PX}" if plan.quality == "reduced" else ""
        return f"stylegan2-{GRAPH}{live}-{self.key(plan)[:8]}"

    def drawings(self, plan: Plan) -> list[Drawing]:
        """Return the parts of a plan; see ``PartsForm``."""
        import torch  # noqa: PLC0415 - takes seconds

        from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415

        _, synthesis = self.networks()
        given = (
            torch.zeros(1, synthesis.slots, self.dim),
            torch.ones(1),
            torch.zeros(1, styles_for(self.channels)),
        )
        drawn_px = REDUCED_PX if plan.quality == "reduced" else None
        return [(FoldedSynthesis(synthesis, plan.size, drawn_px=drawn_px), given)]


def spec_of(
    network: StyleGan2, about: str, sizes: Sequence[int], reduced_sizes: tuple[int, ...] = ()
) -> GeneratorSpec:
    """Return a network's row in the registry; see ``GeneratorSpec`` and ``PartsForm``."""
    slots = slots_for(network.size)
    return GeneratorSpec(
        name=network.name,
        about=about,
        slots=slots,
        dim=network.dim,
        detail_slots=tuple(range(slots_for(64), slots)),
        styles=styles_for(network.channels),
        sizes=tuple(sizes),
        graph=GRAPH,
        weights=network.weights,
        mapping=network.mapping,
        mean_latent=network.mean_latent,
        frame_graph=network.frame_graph,
        parts=PartsForm(
            arithmetic=("bf16", "f32"),
            key=network.key,
            stem=network.stem,
            drawings=network.drawings,
            reduced_sizes=reduced_sizes,
        ),
    )


def own_spec(
    name: str, about: str, path: Path, channels: tuple[int, ...], dim: int
) -> GeneratorSpec:
    """Return the row of a network that a user has added. path: of its weights."""
    network = StyleGan2(name, partial(there, path), channels, dim)
    sizes = [size for size in reversed(SIZES) if SMALLEST <= size <= network.size]
    return spec_of(network, about, sizes)


def mean_in(path: Path) -> NDArray[np.float32]:
    """Return the mean style code in a file of weights.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with safe_open(path, framework="np") as file:
            mean: NDArray[np.float32] = file.get_tensor("mapping.mean")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read ({error}); add it again") from error
    return mean


def there(path: Path) -> Path:
    """Return the path of the weights of a user's generator.

    Raises:
        InputError: they are gone.
    """
    if not path.is_file():
        raise InputError(f"{path} is not there any more; add the generator again")
    return path


def _untrained() -> Path:
    """Return the path of an untrained network's weights, which are made once."""
    path = cache_dir("models") / f"stylegan2-random-{LARGEST}-1.safetensors"
    if not path.is_file():
        # They import torch.
        from vjnode.generators.stylegan2.checkpoint import random_network, save  # noqa: PLC0415

        try:
            save(path, *random_network(LARGEST))
        except OSError as error:
            raise EngineError(
                f"{path} cannot be written ({error.strerror}); make room for 120 MB, "
                "or set VJNODE_CACHE to another folder"
            ) from error
    return path


STYLEGAN2 = spec_of(
    StyleGan2("stylegan2", _untrained, channels_for(LARGEST), 512),
    "face generator (StyleGAN2, untrained)",
    (1024, 512, 256),
    REDUCED_SIZES,
)
