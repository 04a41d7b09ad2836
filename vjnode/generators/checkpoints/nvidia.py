"""StyleGAN2 in the layout of NVIDIA's stylegan2-ada-pytorch and stylegan3, a .pkl file."""

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints import nvidia3
from vjnode.generators.checkpoints.found import Found, check_filter, size_of
from vjnode.generators.checkpoints.nvidia_modules import (
    LAYOUT,
    Array,
    Module,
    put_affine,
    put_mapping,
    state_of,
)
from vjnode.generators.checkpoints.pickles import Record


def read(generator: Record, array: Array, label: int | None) -> Found:
    """Return the network of a generator that ``generator_in`` has found.

    array: from what stands for a tensor. label: class to draw, of a network that was trained with
    labels.

    Raises:
        InputError: it is none that vjnode plays.
        ValueError, KeyError: it is damaged.
    """
    whole = Module("G_ema", state_of(generator, "G_ema"), array)
    synthesis, found = whole.inner("synthesis"), Found(LAYOUT)
    if "input" in synthesis.names():
        nvidia3.put_synthesis(synthesis, found)
        put_mapping(whole.inner("mapping"), found, label)
        return found
    put_mapping(whole.inner("mapping"), found, label)
    blocks = sum(name.startswith("b") and name[1:].isdigit() for name in synthesis.names()) - 1
    size_of(blocks)
    start = synthesis.inner("b4")
    # First of all, since a block of another architecture lacks what is asked for below.
    for px in (4 * 2**i for i in range(blocks + 1)):
        _check_architecture(synthesis.inner(f"b{px}"))
    found.put("synthesis.input", start.needed("const"), (1, -1, 4, 4))
    clamps = {_conv(start.inner("conv1"), found, "synthesis.conv", 4)}
    _head(start.inner("torgb"), found, "synthesis.head")
    for i in range(blocks):
        px, target = 8 * 2**i, f"synthesis.blocks.{i}"
        block = synthesis.inner(f"b{px}")
        check_filter(block.tensor("resample_filter"))
        clamps.add(_conv(block.inner("conv0"), found, f"{target}.up", px))
        clamps.add(_conv(block.inner("conv1"), found, f"{target}.conv", px))
        _head(block.inner("torgb"), found, f"{target}.head")
    if len(clamps) > 1:
        raise InputError("its layers have different limits (conv_clamp)")
    (found.clamp,) = clamps
    return found


def _check_architecture(block: Module) -> None:
    kind = block.state.get("architecture", "skip")
    if kind != "skip":
        raise InputError(
            f"its architecture is {str(kind)[:16]!r}; vjnode draws 'skip', the one of every "
            "published network: train with that"
        )


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
    put_affine(module, found, target, inputs)
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
    put_affine(module, found, target, inputs)
    found.put(f"{target}.bias", np.tile(bias.reshape(-1), colours), (3,))
