"""StyleGAN2 in the layout of NVIDIA's stylegan2-ada-pytorch and stylegan3, a .pkl file.

Such a file is a pickle of the training's objects with their source code, which is left alone. Read
are the parameters, buffers and plain numbers of the modules of ``G_ema``, whose names are those of
that program. It keeps weights without their factors, and the factors beside them.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints.found import Found, Numbers, check_filter, size_of
from vjnode.generators.checkpoints.pickles import Record

LAYOUT = "NVIDIA's .pkl"

_SCALARS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}
"""Types of numpy's numbers, as struct has them."""

_REBUILD = "torch_utils.persistence._reconstruct_persistent_obj"


Array: TypeAlias = Callable[[object], Numbers]
"""Function from what stands for a tensor to its numbers."""


@dataclass(frozen=True)
class Module:
    """A module as its file tells it. array: from what stands for a tensor to its numbers."""

    path: str
    state: dict[Any, Any]
    array: Array

    def inner(self, name: str) -> "Module":
        """Return a module within it.

        Raises:
            InputError: there is none of this name.
        """
        modules = self.state.get("_modules")
        path = f"{self.path}.{name}"
        if not isinstance(modules, dict) or name not in modules:
            raise InputError(f"it lacks {path}; it is no StyleGAN2 as this reader knows it")
        return Module(path, state_of(modules[name], path), self.array)

    def names(self) -> list[str]:
        """Return the names of the modules within it."""
        modules = self.state.get("_modules")
        return [n for n in modules if isinstance(n, str)] if isinstance(modules, dict) else []

    def tensor(self, name: str) -> Numbers | None:
        """Return a parameter or a buffer; None where there is none of this name."""
        for kind in ("_parameters", "_buffers"):
            held = self.state.get(kind)
            if isinstance(held, dict) and held.get(name) is not None:
                return self.array(held[name])
        return None

    def needed(self, name: str) -> Numbers:
        """Return a parameter or a buffer.

        Raises:
            InputError: there is none of this name.
        """
        value = self.tensor(name)
        if value is None:
            raise InputError(f"it lacks {self.path}.{name}; it is no whole StyleGAN2")
        return value

    def number(self, name: str, default: float) -> float:
        """Return a plain number; default: where there is none of this name.

        Raises:
            InputError: it is not a finite number.
        """
        value = _plain(self.state.get(name, default))
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise InputError(f"{self.path}.{name} is no number")
        return float(value)


def _plain(value: object) -> object:
    """Return a number of numpy's, which is noted in a pickle as type and bytes, as Python's."""
    match value:
        case Record("numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar", args):
            match args:
                case (Record("numpy.dtype", (str(kind), *_)), bytes(data)) if kind in _SCALARS:
                    return struct.unpack(_SCALARS[kind], data)[0]
    return value


def state_of(value: object, path: str) -> dict[Any, Any]:
    """Return the state of a module out of the note of its making.

    Raises:
        InputError: it stands for something else.
    """
    match value:
        case Record(name, ({"state": dict(state)}, *_)) if name == _REBUILD:
            return state
        case Record(name, _, dict(state)) if name.startswith(("training.", "torch.nn.")):
            return state
    raise InputError(f"{path} is no module of NVIDIA's programs")


def is_one(held: object) -> TypeGuard[dict[Any, Any]]:
    """Return whether what a file holds is of this layout."""
    return isinstance(held, dict) and isinstance(held.get("G_ema"), Record)


def read(held: dict[Any, Any], array: Array, label: int | None) -> Found:
    """Return the network of a file that ``is_one`` knows.

    array: from what stands for a tensor. label: class to draw, of a network that was trained with
    labels.

    Raises:
        InputError: it is none that vjnode plays.
        ValueError, KeyError: it is damaged.
    """
    generator = Module("G_ema", state_of(held["G_ema"], "G_ema"), array)
    synthesis, found = generator.inner("synthesis"), Found(LAYOUT)
    if "input" in synthesis.names():
        raise InputError("it is a StyleGAN3, which vjnode does not play yet; take a StyleGAN2")
    _mapping(generator.inner("mapping"), found, label)
    blocks = sum(name.startswith("b") and name[1:].isdigit() for name in synthesis.names()) - 1
    size_of(blocks)
    start = synthesis.inner("b4")
    found.put("synthesis.input", start.needed("const"), (1, -1, 4, 4))
    clamps = {_conv(start.inner("conv1"), found, "synthesis.conv", 4)}
    _head(start.inner("torgb"), found, "synthesis.head")
    for i in range(blocks):
        px, target = 8 * 2**i, f"synthesis.blocks.{i}"
        block = synthesis.inner(f"b{px}")
        if block.state.get("architecture", "skip") != "skip":
            raise InputError("its architecture is not 'skip', the one that vjnode draws")
        check_filter(block.tensor("resample_filter"))
        clamps.add(_conv(block.inner("conv0"), found, f"{target}.up", px))
        clamps.add(_conv(block.inner("conv1"), found, f"{target}.conv", px))
        _head(block.inner("torgb"), found, f"{target}.head")
    if len(clamps) > 1:
        raise InputError("its layers have different limits (conv_clamp)")
    (found.clamp,) = clamps
    return found


def _mapping(mapping: Module, found: Found, label: int | None) -> None:
    """Put in the layers of the mapping network; a label becomes part of the first one's bias."""
    names = [name for name in mapping.names() if name.startswith("fc")]
    classes = int(mapping.number("c_dim", 0))
    for layer in range(len(names)):
        weight, bias = _linear(mapping.inner(f"fc{layer}"))
        if layer == 0 and classes:
            width = len(weight) if "embed" in mapping.names() else 0
            bias = bias + weight[:, width:] @ _embedded(mapping.inner("embed"), classes, label)
            weight = weight[:, :width]
        width = weight.shape[-1]
        found.put(f"mapping.layers.{layer}.weight", weight, (width, width))
        found.put(f"mapping.layers.{layer}.bias", bias, (width,))
    if not names:
        raise InputError("it has no mapping network")
    if label is not None and not classes:
        raise InputError("--class: it was trained without labels; leave the option out")
    if (mean := mapping.tensor("w_avg")) is not None:
        found.put("mapping.mean", mean, (-1,))


def _embedded(embed: Module, classes: int, label: int | None) -> Numbers:
    """Return what a label adds to the input of the mapping network."""
    if label is None or not 0 <= label < classes:
        raise InputError(
            f"it was trained with {classes} labels; choose one by --class 0 to {classes - 1}"
        )
    weight, bias = _linear(embed)
    code: Numbers = weight[:, label] + bias
    normalised: Numbers = code / np.sqrt(np.mean(code * code) + np.float32(1e-8))
    return normalised


def _linear(module: Module) -> tuple[Numbers, Numbers]:
    """Return weight and bias of a fully connected layer, with their factors."""
    weight, bias = module.needed("weight"), module.tensor("bias")
    if weight.ndim != 2:
        raise InputError(f"{module.path}.weight has shape {[*weight.shape]}, not [O, I]")
    rate = module.number("lr_multiplier", 1.0)
    weight = weight * np.float32(module.number("weight_gain", rate / weight.shape[1] ** 0.5))
    if bias is None:
        return weight, np.zeros(len(weight), np.float32)
    return weight, bias * np.float32(module.number("bias_gain", rate))


def _affine(module: Module, found: Found, target: str, inputs: int) -> None:
    weight, bias = _linear(module.inner("affine"))
    found.put(f"{target}.affine.weight", weight, (inputs, -1))
    found.put(f"{target}.affine.bias", bias, (inputs,))


def _conv(module: Module, found: Found, target: str, px: int) -> float | None:
    """Put in a convolution, and return the limit of its results."""
    weight = module.needed("weight")
    if weight.ndim != 4 or weight.shape[2:] != (3, 3):
        raise InputError(f"{module.path}.weight has shape {[*weight.shape]}, not [O, I, 3, 3]")
    outputs, inputs = weight.shape[:2]
    if module.state.get("activation", "lrelu") != "lrelu":
        raise InputError(f"{module.path} has another activation than the leaky ReLU")
    check_filter(module.tensor("resample_filter"))
    found.put(f"{target}.weight", weight, (outputs, inputs, 3, 3))
    _affine(module, found, target, inputs)
    found.put(f"{target}.bias", module.needed("bias"), (outputs,))
    strength, noise = module.tensor("noise_strength"), module.tensor("noise_const")
    drawn = np.zeros((px, px), np.float32)
    if module.state.get("use_noise", True) and strength is not None and noise is not None:
        drawn = noise * strength.reshape(())
    found.put(f"{target}.noise", drawn, (1, 1, px, px))
    if module.state.get("conv_clamp") is None:
        return None
    if (clamp := module.number("conv_clamp", 0.0)) <= 0:
        raise InputError(f"{module.path}.conv_clamp is not above 0")
    return clamp


def _head(module: Module, found: Found, target: str) -> None:
    """Put in a ToRGB layer; grey becomes three equal colours.

    Its results are limited as those of convolutions are, which is left out: no picture is 256 times
    as bright as white.
    """
    weight, bias = module.needed("weight"), module.needed("bias")
    if weight.ndim != 4 or weight.shape[0] not in (1, 3) or weight.shape[2:] != (1, 1):
        raise InputError(
            f"{module.path}.weight has shape {[*weight.shape]}, not [3, I, 1, 1]: vjnode plays "
            "pictures of three colours, or grey ones"
        )
    inputs = weight.shape[1]
    weight = weight * np.float32(module.number("weight_gain", inputs**-0.5))
    colours = 3 // len(weight)
    found.put(f"{target}.weight", np.tile(weight, (colours, 1, 1, 1)), (3, inputs, 1, 1))
    _affine(module, found, target, inputs)
    found.put(f"{target}.bias", np.tile(bias.reshape(-1), colours), (3,))
