"""Weights of a StyleGAN2: vjnode's file layout, reading, writing, and random weights.

A safetensors file, everything float32, C channels at px, C' at px/2, style codes of length D:

=============================================  =================  ================================
name                                           shape              what
=============================================  =================  ================================
mapping.layers.{0…}.weight, .bias              [D, D], [D]        with the factors of training
mapping.mean                                   [D]                mean style code, for truncation
synthesis.input                                [1, C, 4, 4]       constant that drawing starts from
synthesis.conv.*, synthesis.blocks.{i}.conv.*  as a convolution   at 4 px; at px = 8·2^i
synthesis.blocks.{i}.up.*                      as a convolution   from px/2 to px
synthesis.head.*, synthesis.blocks.{i}.head.*  as a ToRGB layer   at 4 px; at px
convolution: affine.weight, affine.bias        [C, D], [C]        style code → factors (up: [C', …)
             weight                            [C, C, 3, 3]       neither scaled nor demodulated
             noise                             [1, 1, px, px]     times its strength
             bias                              [C]
ToRGB layer: affine.weight, affine.bias        [C, D], [C]        style code → factors
             weight, bias                      [3, C, 1, 1], [3]  times 1/√C
=============================================  =================  ================================

The kernels of up-convolutions, [C, C', 3, 3], are those of a transposed convolution: each
input pixel spreads them, unflipped, over the output. The others are correlated with the input.
The number of layers and blocks and their shapes identify the network. The only metadata is
``clamp``, the limit of its activations, where it has one.
"""

import math
import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor, nn

from vjnode.errors import InputError
from vjnode.generators.mobilestylegan.layout import DIM
from vjnode.generators.stylegan2.layout import SIZES, channels_for
from vjnode.generators.stylegan2.model import Mapping, Synthesis
from vjnode.paths import replace_file

CLAMP = "clamp"
"""Name, in metadata, of the largest size of a convolution's result."""

MEAN_DRAWS = 1024
"""Number of style codes whose mean a random network stores."""


def load(weights: Path) -> tuple[Mapping, Synthesis]:
    """Return both networks from a file of ``save``, for inference.

    Raises:
        InputError: the file cannot be read, or a tensor is missing, unknown, or has a wrong
            shape, type or value.
    """
    try:
        tensors = load_file(weights)
        with safe_open(weights, framework="np") as file:
            clamp = _number((file.metadata() or {}).get(CLAMP))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(
            f"{weights} cannot be read as safetensors ({error}); "
            "give a StyleGAN2 file that vjnode wrote"
        ) from error
    networks = _empty(_channels(weights, tensors), *mapped(weights, tensors), clamp)
    check_tensors(
        weights, tensors, {name: value.shape for name, value in networks.state_dict().items()}
    )
    return _filled(networks, tensors)


def save(path: Path, mapping: Mapping, synthesis: Synthesis) -> None:
    """Write both networks to ``path``, completely or not at all.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    tensors = nn.ModuleDict({"mapping": mapping, "synthesis": synthesis}).state_dict()
    metadata = None if synthesis.clamp is None else {CLAMP: str(synthesis.clamp)}
    whole = {name: value.contiguous() for name, value in tensors.items()}
    replace_file(path, serialise(whole, metadata))


def random_network(
    size: int,
    *,
    seed: int = 0,
    base: int = 32_768,
    most: int = 512,
    dim: int = DIM,
    depth: int = 8,
) -> tuple[Mapping, Synthesis]:
    """Return an untrained network for ``size`` px, scaled so that no values fade or clip.

    base, most: channels, see ``channels_for``. dim, depth: see ``Mapping``. Its
    pictures are abstract, but most of their levels lie within −1…1 and every weight has an effect,
    so it stands in for a trained one in tests and benchmarks. The same seed gives the same network.

    Raises:
        InputError: ``size`` is not one of ``stylegan2.SIZES``.
    """
    networks = _empty(channels_for(size, base=base, most=most), dim, depth)
    draws = torch.Generator().manual_seed(seed)
    tensors = {
        name: _offset(name) + _scale(name, value) * torch.randn(value.shape, generator=draws)
        for name, value in networks.state_dict().items()
    }
    mapping, synthesis = _filled(networks, tensors)
    mapping.mean.zero_()
    mapping.mean.copy_(mapping(torch.randn(MEAN_DRAWS, dim, generator=draws)).mean(0))
    return mapping, synthesis


def _offset(name: str) -> float:
    """Return the mean of a tensor's random values: 1 for factors, else 0."""
    return 1.0 if name.endswith("affine.bias") else 0.0


def _scale(name: str, value: Tensor) -> float:
    """Return the standard deviation of a tensor's random values."""
    if name.endswith(("affine.bias", "mean")):
        return 0.0
    if name.endswith((".noise", ".bias")):
        return 0.1
    if name.endswith("head.weight"):
        return float(0.12 * value.shape[1] ** -0.5)  # their sum fills the picture's range
    if value.ndim == 2:
        return float(value.shape[1] ** -0.5)
    return 1.0  # demodulation normalises the convolutions


def _empty(
    channels: tuple[int, ...], dim: int, depth: int, clamp: float | None = None
) -> nn.ModuleDict:
    """Return both networks with shapes but without memory."""
    with torch.device("meta"):
        return nn.ModuleDict(
            {"mapping": Mapping(dim, depth), "synthesis": Synthesis(channels, dim, clamp)}
        )


def _filled(networks: nn.ModuleDict, tensors: dict[str, Tensor]) -> tuple[Mapping, Synthesis]:
    networks.load_state_dict(tensors, assign=True)
    networks.eval().requires_grad_(requires_grad=False)
    mapping, synthesis = networks["mapping"], networks["synthesis"]
    assert isinstance(mapping, Mapping)  # noqa: S101 - as _empty has made it
    assert isinstance(synthesis, Synthesis)  # noqa: S101
    return mapping, synthesis


def _number(text: str | None) -> float | None:
    """Return the limit of activations that metadata give, above 0; None where they give none."""
    limit = None if text is None else float(text)
    if limit is not None and not 0 < limit < math.inf:
        raise ValueError(f"{CLAMP} is {text!r}, not a number above 0")
    return limit


def mapped(weights: Path, tensors: dict[str, Tensor]) -> tuple[int, int]:
    """Return the length of style codes, and the number of layers of the mapping network."""
    mean = tensors.get("mapping.mean")
    if mean is None:
        raise InputError(f"{weights} lacks mapping.mean; it is not a whole StyleGAN2")
    if mean.ndim != 1 or not mean.numel():
        raise InputError(f"{weights}: mapping.mean has shape {[*mean.shape]}, not [D]")
    depth = sum(bool(re.fullmatch(r"mapping\.layers\.\d+\.bias", name)) for name in tensors)
    return len(mean), depth


def _channels(weights: Path, tensors: dict[str, Tensor]) -> tuple[int, ...]:
    """Return the network's channels, from the shapes of its biases."""
    found = (re.match(r"synthesis\.blocks\.(\d+)\.", name) for name in tensors)
    blocks = 1 + max((int(match[1]) for match in found if match), default=-1)
    if blocks >= len(SIZES):
        raise InputError(
            f"{weights} has {blocks} blocks; a network for {SIZES[-1]} px, the largest, "
            f"has {len(SIZES) - 1}"
        )
    names = ["synthesis.conv.bias", *(f"synthesis.blocks.{i}.conv.bias" for i in range(blocks))]
    for name in names:
        if name not in tensors:
            raise InputError(f"{weights} lacks {name}; it is not a whole StyleGAN2 of vjnode's")
        if tensors[name].ndim != 1 or not tensors[name].numel():
            raise InputError(f"{weights}: {name} has shape {[*tensors[name].shape]}, not [C]")
    return tuple(len(tensors[name]) for name in names)


def check_tensors(weights: Path, tensors: dict[str, Tensor], shapes: dict[str, torch.Size]) -> None:
    """Check that a file's tensors are exactly those of the network."""
    if missing := sorted(shapes.keys() - tensors.keys()):
        raise InputError(f"{weights} lacks {_some(missing)}; it is not a whole StyleGAN2")
    if unknown := sorted(tensors.keys() - shapes.keys()):
        raise InputError(f"{weights} holds {_some(unknown)}, which no StyleGAN2 of vjnode's has")
    for name, shape in shapes.items():
        value = tensors[name]
        if value.shape != shape:
            raise InputError(f"{weights}: {name} has shape {[*value.shape]}, not {[*shape]}")
        if value.dtype != torch.float32:
            kind = str(value.dtype).removeprefix("torch.")
            raise InputError(f"{weights}: {name} is {kind}; convert it to float32")
        if not value.isfinite().all():
            raise InputError(f"{weights}: {name} is not finite everywhere; the file is damaged")


def _some(names: list[str]) -> str:
    """Return the first names, and the number of the others, as text."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
