"""Weights of a StyleGAN3: vjnode's file layout, and reading and writing it.

A safetensors file, everything float32, with the shape of the network (``stylegan3.shape``) as the
metadata ``network``. Names are those of the modules in ``stylegan3.model``: ``mapping`` as for
StyleGAN2, ``synthesis.input`` and ``synthesis.layers.{i}``. Factors of the training are part of the
numbers.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import nn

from vjnode.errors import InputError
from vjnode.generators.stylegan2.checkpoint import check_tensors, mapped
from vjnode.generators.stylegan3.model import Mapping, Synthesis
from vjnode.generators.stylegan3.shape import read_shape
from vjnode.paths import replace_file

NETWORK = "network"
"""Name, in metadata, of the shape."""


def shape_in(weights: Path) -> str | None:
    """Return the shape of a StyleGAN3 that a file keeps, as text; None: it is of something else.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with safe_open(weights, framework="np") as file:
            metadata: dict[str, str] = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{weights} cannot be read as safetensors ({error})") from error
    return metadata.get(NETWORK)


def load(weights: Path) -> tuple[Mapping, Synthesis]:
    """Return both networks from a file, for inference.

    Raises:
        InputError: the file cannot be read, or a tensor is missing, unknown, or has a wrong
            shape, type or value.
    """
    try:
        shape = read_shape(shape_in(weights) or "")
        tensors = load_file(weights)
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{weights} is no StyleGAN3 of vjnode's ({error})") from error
    dim, depth = mapped(weights, tensors)
    with torch.device("meta"):
        mapping, synthesis = Mapping(dim, depth), Synthesis(shape, dim)
    networks = nn.ModuleDict({"mapping": mapping, "synthesis": synthesis})
    check_tensors(weights, tensors, {k: one.shape for k, one in networks.state_dict().items()})
    networks.load_state_dict(tensors, assign=True)
    networks.eval().requires_grad_(requires_grad=False)
    return mapping, synthesis


def save(path: Path, mapping: Mapping, synthesis: Synthesis) -> None:
    """Write both networks to ``path``, completely or not at all.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    tensors = nn.ModuleDict({"mapping": mapping, "synthesis": synthesis}).state_dict()
    whole = {name: value.contiguous() for name, value in tensors.items()}
    replace_file(path, serialise(whole, {NETWORK: synthesis.shape.text()}))
