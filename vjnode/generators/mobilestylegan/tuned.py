"""The generator tuned for one face: its weights plus differences that a file holds.

Convolutions, their biases and the constant input are tuned; affine maps, which expressions add to,
and frozen noise are not. So expressions are the same numbers for every face. For 256 and 512 px
it is the distilled network, for 1024 px the whole one.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from vjnode.errors import InputError
from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.latent import Weights, own_stem
from vjnode.generators.mobilestylegan import distilled_weights, download
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.drawings import drawings_of
from vjnode.generators.mobilestylegan.folded import FoldedBlock, FoldedSynthesis
from vjnode.generators.mobilestylegan.folded_layers import in_precision
from vjnode.generators.mobilestylegan.layout import BLOCKS, STYLES, TRUNK
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.mobilestylegan.spec import MOBILESTYLEGAN
from vjnode.generators.parts import Drawing, PartsForm, Plan
from vjnode.generators.spec import GeneratorSpec, Precision

PREFIX = "weights."
"""Beginning of the names of differences in a face's file."""

OFFSETS = "offsets"
"""Name of what is added to the factors of the affine maps of a face that was brought to rest."""

_FROZEN = ("style", "style1", "style2", "up", "ups", "affine", "noise")
_TRUNK = ("input", "conv1.", "blocks.0.", "blocks.1.", "blocks.2.")

Network = DistilledGenerator | FoldedSynthesis


def network_of(size: int) -> Network:
    """Return the network that draws pictures of ``size`` px, with the generator's own weights."""
    _, synthesis = load(download.generator_weights())
    if size in distilled_weights.SIZES:
        return DistilledGenerator(synthesis, load_tail(size))
    return FoldedSynthesis(synthesis, size)


def tunable(network: Network) -> dict[str, nn.Parameter]:
    """Return the weights that may be tuned, by names that are the same for all sizes."""
    whole = isinstance(network, FoldedSynthesis)
    found = {}
    for own_name, value in network.named_parameters():
        name = f"generator.{own_name}" if whole else own_name
        unused = not whole and name.startswith("generator.head.")
        if not unused and not set(name.split(".")) & set(_FROZEN):
            found[name] = value
    return found


def works_at(name: str) -> int:
    """Return the size, px, of the features that a weight of the generator's own works on.

    Returns: 0 for weights of the 4×4 stage, and of reduced networks' tails.
    """
    found = re.match(r"generator\.(?:blocks\.(\d)|head)\.", name)
    return 8 << int(found[1] or BLOCKS - 1) if found else 0


def in_trunk(name: str) -> bool:
    """Return whether a weight is of the layers that networks of all sizes share."""
    return name.removeprefix("generator.").startswith(_TRUNK) and name.startswith("generator.")


def add_differences(network: Network, differences: Mapping[str, Tensor]) -> None:
    """Add differences to a network's weights, in place.

    Raises:
        InputError: they are of another network.
    """
    weights = tunable(network)
    for name, difference in differences.items():
        if name not in weights or weights[name].shape != difference.shape:
            raise InputError(f"{name} {tuple(difference.shape)} is no weight of this generator's")
        if not difference.isfinite().all():
            raise InputError(f"{name} holds values that are no numbers")
        with torch.no_grad():
            weights[name].add_(difference.float())


def add_offsets(network: Network, offsets: Tensor) -> None:
    """Move a network's affine maps by offsets, [STYLES], for whatever it draws, in place."""
    whole = network if isinstance(network, FoldedSynthesis) else network.generator
    trunk = [block for block in whole.blocks[:TRUNK] if isinstance(block, FoldedBlock)]
    affines = [whole.style]
    for block in trunk:
        affines += block.up, block.style1, block.style2
    parts = torch.split(offsets, [len(one.bias) for one in affines])
    with torch.no_grad():
        for affine, part in zip(affines, parts, strict=True):
            affine.bias.add_(affine.gain * part[affine.order])


def tuned_network(weights: Weights) -> Network:
    """Return the network that draws a face with weights of its own.

    Raises:
        InputError: their file cannot be read, or they are of another network.
    """
    try:
        tensors = load_file(weights.path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{weights.path} cannot be read ({error})") from error
    network = network_of(weights.size)
    differences = {
        name.removeprefix(PREFIX): value
        for name, value in tensors.items()
        if name.startswith(PREFIX)
    }
    add_differences(network, differences)
    if (offsets := tensors.get(OFFSETS)) is not None:
        if offsets.shape != (STYLES,):
            raise InputError(f"{OFFSETS} {tuple(offsets.shape)} are none of this generator's")
        add_offsets(network, offsets.float())
    return network


def tuned_spec(weights: Weights) -> GeneratorSpec:
    """Return the default generator with weights of a face's own, as a processor draws it."""
    name = own_stem(weights.sha256)
    small = weights.size in distilled_weights.SIZES
    return replace(
        MOBILESTYLEGAN,
        name=name,
        about="face generator with weights of a face's own",
        sizes=(weights.size,),
        copy_of=MOBILESTYLEGAN.name,
        parts=PartsForm(
            arithmetic=("bf16", "f32"),
            key=partial(_key, weights),
            stem=lambda plan: name,
            drawings=partial(_drawings, weights),
            reduced_sizes=(weights.size,) if small else (),
            rooted=True,
            banded=not small,
        ),
    )


def card_spec(tuned_for: int, weights: Weights | None = None) -> GeneratorSpec:
    """Return the default generator as a card draws faces that are tuned for ``tuned_for`` px.

    Of any size: pictures are enlarged or reduced. weights: of a face's own; None: the generator's.
    All have the same graph.
    """
    return replace(
        MOBILESTYLEGAN,
        name=f"own-{tuned_for}",
        about="face generator for weights of faces' own",
        copy_of=MOBILESTYLEGAN.name,
        frame_graph=partial(_frame_graph, tuned_for, weights),
        parts=None,
    )


def _frame_graph(
    tuned_for: int, weights: Weights | None, _: Path, size: int, precision: Precision
) -> FrameGraph:
    network = network_of(tuned_for) if weights is None else tuned_network(weights)
    dtype = torch.float16 if precision == "fp16" else torch.float32
    return FrameGraph(in_precision(network, dtype), dtype, size)


def _key(weights: Weights, plan: Plan) -> str:
    base = download.GENERATOR.sha256
    if plan.size in distilled_weights.SIZES:
        base += distilled_weights.file_sha256(plan.size)
    return f"{base} {weights.sha256}"


def _drawings(weights: Weights, plan: Plan) -> list[Drawing]:
    return drawings_of(tuned_network(weights), plan.bands)
