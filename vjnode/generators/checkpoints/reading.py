"""From a checkpoint's file to the network in it, whatever its layout."""

import io
import json
import mmap
from collections.abc import Callable
from typing import TypeAlias, cast

import numpy as np
from safetensors.numpy import load

from vjnode.errors import InputError
from vjnode.generators.checkpoints import nvidia, rosinality
from vjnode.generators.checkpoints.found import SIZES_TAKEN, Found, Numbers, size_of
from vjnode.generators.checkpoints.nvidia_modules import LAYOUT, generator_in
from vjnode.generators.checkpoints.pickles import Record, read_pickle
from vjnode.generators.checkpoints.storages import Open, array_of
from vjnode.generators.checkpoints.torch_files import MAGIC, nested, read_old, read_zip
from vjnode.generators.stylegan3.shape import read_shape

OWN = "vjnode's safetensors"

CLAMP = "clamp"
"""Name, in metadata of safetensors, of the largest size of a convolution's result."""


class Mapped(mmap.mmap):
    """A file in memory, of which no more is read than there is, whatever length is asked for."""

    def seekable(self) -> bool:
        """Return True; zipfile asks, and before Python 3.13 there was no answer."""
        return True


Bytes: TypeAlias = Mapped | io.BytesIO
"""A file's content."""

NETWORK = "network"
"""Name, in metadata of safetensors, of the shape of a StyleGAN3."""

REMEDY = "take a .pkl of NVIDIA's, a .pt of rosinality's or a .safetensors of vjnode's"

OTHERS = {
    "style_conv1.modulated_conv.weight": "a StyleGAN2 as BasicSR and GFPGAN keep it",
    "synthesis.b4.const": "a StyleGAN2 of NVIDIA's by names of its tensors alone",
}
"""Names of tensors by which a layout is known that is not read, and whose it is."""

HEADER_HIGH = 16 * 2**20
"""Longest header of a safetensors file, bytes."""


def read_checkpoint(data: Bytes, label: int | None) -> Found:
    """Return the network in a file. label: class to draw, where it was trained with labels.

    Raises:
        InputError: it is none that vjnode plays.
        Exception: of many kinds: it is damaged.
    """
    found = _read(data, label)
    found.fill_mean()
    if found.layout != LAYOUT and label is not None:
        raise InputError(f"--class: {found.layout} has no labels; leave the option out")
    return found


def _read(data: Bytes, label: int | None) -> Found:
    head = data.read(9)
    data.seek(0)
    if head.startswith(b"PK"):
        return _of_torch(*read_zip(_stream(data)), label)
    length = int.from_bytes(head[:8], "little")
    if head[8:] == b"{" and 2 <= length <= HEADER_HIGH:
        return _safetensors(data)
    if not head.startswith(b"\x80"):
        raise InputError(
            f"it is neither a pickle nor a zip archive of torch.save nor safetensors; {REMEDY}"
        )
    held = read_pickle(_stream(data))
    if held == MAGIC:
        data.seek(0)
        return _of_torch(*read_old(_stream(data)), label)
    if (generator := generator_in(held)) is not None:
        return nvidia.read(generator, _array(nested), label)
    raise InputError(_no_generator(held))


def _of_torch(held: object, open_storage: Open, label: int | None) -> Found:
    if (generator := generator_in(held)) is not None:
        return nvidia.read(generator, _array(open_storage), label)
    if not isinstance(held, dict) or rosinality.state_of(held) is None:
        raise InputError(_no_generator(held))
    return rosinality.read(held, _array(open_storage))


def _safetensors(data: Bytes) -> Found:
    """Return the tensors of a file as they are; they are checked where they are taken over."""
    whole = data.read()
    length = int.from_bytes(whole[:8], "little")
    found = Found(OWN, load(whole))
    metadata = json.loads(whole[8 : 8 + length]).get("__metadata__", {})
    if any(value.dtype != np.float32 for value in found.tensors.values()):
        raise InputError("its numbers are not all float32; convert them")
    if NETWORK in metadata:
        shape = read_shape(metadata[NETWORK])
        if shape.size not in SIZES_TAKEN:
            raise InputError(f"it draws pictures of {shape.size} px; take one of {SIZES_TAKEN}")
        found.network = metadata[NETWORK]
        return found
    blocks = {name.split(".")[2] for name in found.tensors if name.startswith("synthesis.blocks.")}
    if "synthesis.conv.bias" not in found.tensors:
        raise InputError("it is safetensors, but of no StyleGAN in vjnode's layout")
    size_of(len(blocks))
    if CLAMP in metadata:
        found.clamp = float(metadata[CLAMP])
    return found


def _array(open_storage: Open) -> Callable[[object], Numbers]:
    return lambda value: array_of(value, open_storage)


def _stream(data: Bytes) -> io.BytesIO:
    return cast("io.BytesIO", data)  # an mmap has read, readline, seek and tell, too


def _no_generator(held: object) -> str:
    """Return why what a file holds is no checkpoint that can be taken."""
    parts = held if isinstance(held, list | tuple) else (held,)
    records = [part for part in parts if isinstance(part, Record)]
    if any(one.name.startswith("dnnlib.tflib.") for one in records):
        if any("G_style" in _told(one) for one in records):
            return "it is a StyleGAN of the first kind, which vjnode does not play; take a 2 or 3"
        return (
            "it is an older checkpoint, of TensorFlow; convert it with legacy.py of NVIDIA's "
            "stylegan2-ada-pytorch, and add what that writes"
        )
    dicts = [held, *held.values()] if isinstance(held, dict) else []
    for name, what in OTHERS.items():
        if any(isinstance(one, dict) and name in one for one in dicts):
            return f"it is {what}, which is not read here; {REMEDY}"
    return (
        "it holds no generator in a layout that is known here: no G_ema, and no conv1.conv.weight"
    )


def _told(record: Record) -> list[object]:
    """Return the plain values of what a record holds."""
    return [*record.state.values()] if isinstance(record.state, dict) else []
