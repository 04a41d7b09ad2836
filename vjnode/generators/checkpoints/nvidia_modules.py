"""Modules of NVIDIA's stylegan2-ada-pytorch and stylegan3, as a .pkl file tells them.

Such a file is a pickle of the training's objects with their source code, which is left alone. Read
are parameters, buffers and plain numbers of the modules of ``G_ema``, whose names are those of that
program. It keeps weights without their factors, and the factors beside them.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints.found import Found, Numbers
from vjnode.generators.checkpoints.pickles import Record

LAYOUT = "NVIDIA's .pkl"

_SCALARS = {"f8": "<d", "f4": "<f", "i8": "<q", "i4": "<i"}
"""Types of numpy's numbers, as struct has them."""

_WHOLE = {"i8": "<2q", "i4": "<2i"}
"""Two whole numbers as struct has them; numpy on Windows made them of 32 bits."""

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
            raise InputError(f"it lacks {path}; it is no StyleGAN as this reader knows it")
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
            raise InputError(f"it lacks {self.path}.{name}; it is no whole StyleGAN")
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

    def pair(self, name: str) -> tuple[int, int]:
        """Return two whole numbers, which numpy keeps as an array.

        Raises:
            ValueError: they are none.
        """
        match self.state.get(name):
            case int(one) | (int(one),):
                return one, one
            case (int(one), int(two)):
                return one, two
            case Record(_, _, (_, _, Record("numpy.dtype", (str(kind), *_)), _, bytes(data))):
                pass
            case Record(
                _, (bytes(data) | bytearray(data), Record("numpy.dtype", (str(kind), *_)), *_)
            ):
                pass
            case _:
                raise ValueError(f"{self.path}.{name} is not two numbers")
        if kind not in _WHOLE:
            raise ValueError(f"{self.path}.{name} is not two whole numbers")
        one, two = struct.unpack(_WHOLE[kind], data)
        return one, two


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
    state = _state(value)
    if state is None:
        raise InputError(f"{path} is no module of NVIDIA's programs")
    return state


def _state(value: object) -> dict[Any, Any] | None:
    match value:
        case Record(name, ({"state": dict(state)}, *_)) if name == _REBUILD:
            return state
        case Record(name, _, dict(state)) if name.startswith(("training.", "torch.nn.")):
            return state
    return None


def generator_in(held: object) -> Record | None:
    """Return the generator in what a file holds; None: it is not of this layout.

    Some programs that go on from NVIDIA's save it alone, or in a dict without its training.
    """
    match held:
        case {"G_ema": Record() as generator} | (Record() as generator):
            return generator if _state(generator) is not None else None
    return None


def put_mapping(mapping: Module, found: Found, label: int | None) -> None:
    """Put in the layers of the mapping network; a label becomes part of the first one's bias."""
    names = [name for name in mapping.names() if name.startswith("fc")]
    classes = int(mapping.number("c_dim", 0))
    for layer in range(len(names)):
        weight, bias = linear(mapping.inner(f"fc{layer}"))
        if mapping.inner(f"fc{layer}").state.get("activation", "lrelu") != "lrelu":
            raise InputError(f"{mapping.path}.fc{layer} has another activation than leaky ReLU")
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
    weight, bias = linear(embed)
    code: Numbers = weight[:, label] + bias
    normalised: Numbers = code / np.sqrt(np.mean(code * code) + np.float32(1e-8))
    return normalised


def linear(module: Module) -> tuple[Numbers, Numbers]:
    """Return weight and bias of a fully connected layer, with their factors."""
    weight, bias = module.needed("weight"), module.tensor("bias")
    if weight.ndim != 2:
        raise InputError(f"{module.path}.weight has shape {[*weight.shape]}, not [O, I]")
    rate = module.number("lr_multiplier", 1.0)
    weight = weight * np.float32(module.number("weight_gain", rate / weight.shape[1] ** 0.5))
    if bias is None:
        return weight, np.zeros(len(weight), np.float32)
    return weight, bias * np.float32(module.number("bias_gain", rate))


def put_affine(module: Module, found: Found, target: str, inputs: int) -> None:
    """Put in the affine map from style codes to a layer's factors."""
    weight, bias = linear(module.inner("affine"))
    found.put(f"{target}.affine.weight", weight, (inputs, -1))
    found.put(f"{target}.affine.bias", bias, (inputs,))
