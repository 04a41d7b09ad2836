"""MobileStyleGAN in parts: 4 to 8 px, up to 32 px, and bands of the picture."""

import logging
from pathlib import Path

from vjnode.generators.mobilestylegan import distilled_weights, download
from vjnode.generators.parts import Drawing, PartsForm, Plan
from vjnode.paths import sha256_of, shipped

_log = logging.getLogger(__name__)

INT8_LIMITS = shipped("generator", "int8.safetensors")
"""Ranges of the layers in int8, from ``tools/train/quantise.py``."""


def _key(plan: Plan) -> str:
    weights = download.GENERATOR.sha256
    if plan.quality == "reduced":
        weights += distilled_weights.file_sha256(plan.size)
    if plan.arithmetic == "int8":
        weights += sha256_of(INT8_LIMITS)
    return weights


def _stem(plan: Plan) -> str:
    stem = Path(download.GENERATOR_FILE).stem
    if plan.quality == "reduced":
        stem = f"{stem}-live-{distilled_weights.file_sha256(plan.size)[:8]}"
    if plan.arithmetic == "int8":
        stem = f"{stem}-int8-{sha256_of(INT8_LIMITS)[:8]}"
    return stem


def _drawings(plan: Plan) -> list[Drawing]:
    # torch takes seconds to import, and only the first start needs it.
    from safetensors.torch import load_file  # noqa: PLC0415

    from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.drawings import drawings_of  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.folded import FoldedSynthesis  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.model import load  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.quantized import to_int8  # noqa: PLC0415

    weights = download.generator_weights()
    _log.info("preparing the generator for %d px, once", plan.size)
    _, synthesis = load(weights)
    if plan.quality == "reduced":
        return drawings_of(DistilledGenerator(synthesis, load_tail(plan.size)), plan.bands)
    network = FoldedSynthesis(synthesis, plan.size, strips=True)
    if plan.arithmetic == "int8":
        to_int8(network, load_file(INT8_LIMITS)).requires_grad_(requires_grad=False)
    return drawings_of(network, plan.bands)


PARTS = PartsForm(
    arithmetic=("bf16", "int8", "f32"),
    key=_key,
    stem=_stem,
    drawings=_drawings,
    reduced_sizes=distilled_weights.SIZES,
    rooted=True,
    banded=True,
)
