"""MobileStyleGAN's rows in the registry: the whole generator, and the distilled one."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from vjnode.generators.mobilestylegan import distilled_weights, download
from vjnode.generators.mobilestylegan.layout import (
    DEAD_SLOTS,
    DETAIL_SLOTS,
    DIM,
    ROOT_SLOTS,
    ROOT_STYLES,
    SIZES,
    SLOTS,
    STYLES,
)
from vjnode.generators.mobilestylegan.parts import PARTS
from vjnode.generators.spec import GeneratorSpec, Precision

if TYPE_CHECKING:
    from torch import nn


def _whole(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415 - imports torch
    from vjnode.generators.mobilestylegan.folded import FoldedSynthesis  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.folded_layers import in_precision  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415

    # Its features stay 27 times below the largest fp16 number, and 73 times below it as
    # vjnode.generators.compiled computes them, so fp16 can be used throughout.
    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(weights)
    return FrameGraph(in_precision(FoldedSynthesis(synthesis, size), dtype), dtype)


def _distilled(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.generators.frame_graph import FrameGraph  # noqa: PLC0415 - imports torch
    from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.folded_layers import in_precision  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415

    dtype = torch.float16 if precision == "fp16" else torch.float32
    _, synthesis = load(download.generator_weights())
    network = DistilledGenerator(synthesis, load_tail(size, weights))
    return FrameGraph(in_precision(network, dtype), dtype)


def _mapping() -> "nn.Module":
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415 - imports torch

    mapping, _ = load(download.generator_weights())
    return mapping


def _mean_latent() -> NDArray[np.float32]:
    with safe_open(download.generator_weights(), framework="np") as file:
        mean: NDArray[np.float32] = file.get_tensor("mean")
    return mean


MOBILESTYLEGAN = GeneratorSpec(
    name="mobilestylegan",
    about="face generator (MobileStyleGAN, FFHQ)",
    slots=SLOTS,
    dim=DIM,
    dead_slots=DEAD_SLOTS,
    detail_slots=DETAIL_SLOTS,
    styles=STYLES,
    root_slots=ROOT_SLOTS,
    root_styles=ROOT_STYLES,
    sizes=SIZES,
    graph=3,
    weights=download.generator_weights,
    mapping=_mapping,
    mean_latent=_mean_latent,
    frame_graph=_whole,
    parts=PARTS,
)

DISTILLED = GeneratorSpec(
    name="mobilestylegan-live",
    about="face generator, cut down to draw small pictures live",
    slots=SLOTS,
    dim=DIM,
    dead_slots=DEAD_SLOTS,
    detail_slots=DETAIL_SLOTS,
    styles=STYLES,
    root_slots=ROOT_SLOTS,
    root_styles=ROOT_STYLES,
    sizes=distilled_weights.SIZES,
    graph=3,
    weights=distilled_weights.file,
    mapping=_mapping,
    mean_latent=_mean_latent,
    frame_graph=_distilled,
    copy_of=MOBILESTYLEGAN.name,
)
