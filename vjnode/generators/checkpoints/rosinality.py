"""StyleGAN2 in the layout of rosinality's stylegan2-pytorch, a .pt file of torch.save.

Its training keeps weights without their factors, which are applied here: 1/√inputs, and for the
mapping network a learning rate of 0.01 as well. The factor of a convolution's kernel is kept in it,
since it lies within the demodulation.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints.found import Found, Numbers, check_filter, size_of

LAYOUT = "rosinality's .pt"

PREFIXES = ("", "module.", "decoder.", "generator.")
"""Beginnings of names: of training on several cards, and of encoders that carry a generator."""

RATE = 0.01
"""Learning rate of the mapping network, by which its weights and biases are multiplied."""


def state_of(held: object) -> dict[Any, Any] | None:
    """Return the generator's tensors by name, of what a file holds; None: it is not this layout."""
    if not isinstance(held, dict):
        return None
    for name in ("g_ema", "g", "state_dict", "params_ema"):
        if isinstance(inner := held.get(name), dict) and (state := _plain(inner)) is not None:
            return state
    return _plain(held)


def _plain(held: dict[Any, Any]) -> dict[Any, Any] | None:
    """Return the generator's tensors of a dict, without what their names may begin with."""
    for start in PREFIXES:
        if f"{start}conv1.conv.weight" in held:
            names = (name for name in held if isinstance(name, str) and name.startswith(start))
            return {name.removeprefix(start): held[name] for name in names}
    return None


def read(held: dict[Any, Any], array: Callable[[object], Numbers]) -> Found:
    """Return the network of a file that ``state_of`` knows. array: from what stands for a tensor.

    Raises:
        InputError: it is none that vjnode plays.
        ValueError, KeyError: it is damaged.
    """
    state = state_of(held) or {}
    found = Found(LAYOUT)

    def get(name: str) -> Numbers:
        if name not in state:
            raise InputError(f"it lacks {name}; it is no whole generator of this layout")
        return array(state[name])

    layers = [name for name in state if isinstance(name, str) and name.startswith("style.")]
    depth = sum(name.endswith(".weight") for name in layers)
    for layer in range(depth):
        weight, bias = (get(f"style.{layer + 1}.{part}") for part in ("weight", "bias"))
        width = weight.shape[-1]
        found.put(f"mapping.layers.{layer}.weight", weight * (RATE / width**0.5), (width, width))
        found.put(f"mapping.layers.{layer}.bias", bias * RATE, (width,))
    if not depth:
        raise InputError("it lacks style.1.weight; it is no whole generator of this layout")

    blocks = sum(
        isinstance(name, str) and name.startswith("to_rgbs.") and name.endswith(".conv.weight")
        for name in state
    )
    size_of(blocks)
    start = get("input.input")
    found.put("synthesis.input", start, (1, -1, 4, 4))

    def conv(target: str, source: str, number: int, px: int) -> None:
        weight = get(f"{source}.conv.weight")
        if weight.ndim != 5 or weight.shape[-2:] != (3, 3):
            raise InputError(
                f"{source}.conv.weight has shape {[*weight.shape]}, not [1, O, I, 3, 3]"
            )
        outputs, inputs = weight.shape[1:3]
        found.put(f"{target}.weight", weight / (9 * inputs) ** 0.5, (outputs, inputs, 3, 3))
        affine(target, source, inputs)
        found.put(f"{target}.bias", get(f"{source}.activate.bias"), (outputs,))
        strength, noise = get(f"{source}.noise.weight"), state.get(f"noises.noise_{number}")
        drawn = np.zeros((px, px), np.float32) if noise is None else array(noise)
        found.put(f"{target}.noise", drawn * strength.reshape(()), (1, 1, px, px))

    def affine(target: str, source: str, inputs: int) -> None:
        weight = get(f"{source}.conv.modulation.weight")
        dim = weight.shape[-1]
        found.put(f"{target}.affine.weight", weight / dim**0.5, (inputs, dim))
        found.put(f"{target}.affine.bias", get(f"{source}.conv.modulation.bias"), (inputs,))

    def head(target: str, source: str) -> None:
        weight = get(f"{source}.conv.weight")
        inputs = weight.shape[2] if weight.ndim == 5 else 0
        found.put(f"{target}.weight", weight / max(inputs, 1) ** 0.5, (3, inputs, 1, 1))
        affine(target, source, inputs)
        found.put(f"{target}.bias", get(f"{source}.bias"), (3,))

    conv("synthesis.conv", "conv1", 0, 4)
    head("synthesis.head", "to_rgb1")
    for i in range(blocks):
        px, block = 8 * 2**i, f"synthesis.blocks.{i}"
        conv(f"{block}.up", f"convs.{2 * i}", 2 * i + 1, px)
        conv(f"{block}.conv", f"convs.{2 * i + 1}", 2 * i + 2, px)
        head(f"{block}.head", f"to_rgbs.{i}")
        for name in (f"convs.{2 * i}.conv.blur.kernel", f"to_rgbs.{i}.upsample.kernel"):
            check_filter(array(state[name]) if name in state else None)
    mean = held.get("latent_avg", state.get("latent_avg"))
    if mean is not None:
        # Encoders keep one row for each slot, all of them the same.
        found.put("mapping.mean", array(mean).reshape(-1, found.width()).mean(0), (-1,))
    return found
