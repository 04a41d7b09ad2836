"""StyleGAN2's row in the registry: untrained, it draws nothing known but runs as a trained one."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from vjnode.errors import EngineError
from vjnode.generators.parts import Drawing, PartsForm, Plan
from vjnode.generators.spec import GeneratorSpec, Precision
from vjnode.generators.stylegan2.layout import slots_for, styles_for
from vjnode.paths import cache_dir, sha256_of

if TYPE_CHECKING:
    from torch import nn

REDUCED_PX, REDUCED_SIZES = 32, (256,)
"""Size up to which a processor draws features live: what comes after adds the finer grain, and
takes nine tenths of the time. Sizes of the pictures that it enlarges them to."""

LARGEST = 1024
"""Size of the untrained network's own picture, px; smaller ones are averages of it."""


def _folded(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415 - imports torch
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415
    from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415

    # It keeps the path from codes to factors in float32 itself.
    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(weights)
    return FrameGraph(FoldedSynthesis(synthesis, size, dtype=dtype))


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


def _mapping() -> "nn.Module":
    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415 - imports torch

    mapping, _ = load(_untrained())
    return mapping


def _mean_latent() -> NDArray[np.float32]:
    with safe_open(_untrained(), framework="np") as file:
        mean: NDArray[np.float32] = file.get_tensor("mapping.mean")
    return mean


def _key(plan: Plan) -> str:
    return sha256_of(_untrained()) + (
        f" up to {REDUCED_PX} px" if plan.quality == "reduced" else ""
    )


def _stem(plan: Plan) -> str:
    live = f"-live-{REDUCED_PX}" if plan.quality == "reduced" else ""
    return f"stylegan2-{STYLEGAN2.graph}{live}-{_key(plan)[:8]}"


def _drawings(plan: Plan) -> list[Drawing]:
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.stylegan2.checkpoint import load  # noqa: PLC0415 - imports torch
    from vjnode.generators.stylegan2.folded import FoldedSynthesis  # noqa: PLC0415

    _, synthesis = load(_untrained())
    spec = STYLEGAN2
    given = torch.zeros(1, *spec.codes_shape), torch.ones(1), torch.zeros(1, spec.styles)
    drawn_px = REDUCED_PX if plan.quality == "reduced" else None
    return [(FoldedSynthesis(synthesis, plan.size, drawn_px=drawn_px), given)]


STYLEGAN2 = GeneratorSpec(
    name="stylegan2",
    about="face generator (StyleGAN2, untrained)",
    slots=slots_for(LARGEST),
    dim=512,
    detail_slots=tuple(range(slots_for(64), slots_for(LARGEST))),
    styles=styles_for(LARGEST),
    sizes=(1024, 512, 256),
    graph=3,
    weights=_untrained,
    mapping=_mapping,
    mean_latent=_mean_latent,
    frame_graph=_folded,
    parts=PartsForm(
        arithmetic=("f32",),
        key=_key,
        stem=_stem,
        drawings=_drawings,
        reduced_sizes=REDUCED_SIZES,
    ),
)
