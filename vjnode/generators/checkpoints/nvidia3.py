"""StyleGAN3, t and r, in the layout of NVIDIA's stylegan3, a .pkl file."""

from collections.abc import Sequence

import numpy as np

from vjnode.errors import InputError
from vjnode.generators.checkpoints.found import SIZES_TAKEN, Found, Numbers
from vjnode.generators.checkpoints.nvidia_modules import Module, put_affine
from vjnode.generators.stylegan3.shape import Layer, Shape

CLAMP = 256.0
"""Limit of a layer's result where none is told."""


def put_synthesis(synthesis: Module, found: Found) -> None:
    """Put in the synthesis network, and its shape.

    Raises:
        InputError: it is none that vjnode plays.
        ValueError: it is damaged.
    """
    start = synthesis.inner("input")
    weight = start.needed("weight")
    channels = len(weight)
    found.put("synthesis.input.weight", weight / channels**0.5, (channels, channels))
    found.put("synthesis.input.frequencies", start.needed("freqs"), (channels, 2))
    found.put("synthesis.input.phases", start.needed("phases"), (channels,))
    put_affine(start, found, "synthesis.input", 4)
    turned = start.tensor("transform")
    if turned is not None and np.abs(turned - np.eye(3)).max() > 1e-6:
        raise InputError("its input is moved (input.transform); save it without that")
    layers, clamps = list[Layer](), set[float]()
    names = sorted((name for name in synthesis.names() if name != "input"), key=_number)
    for i, name in enumerate(names):
        layer = synthesis.inner(name)
        layers.append(_layer(layer, found, f"synthesis.layers.{i}", last=i == len(names) - 1))
        clamps.add(
            CLAMP if layer.state.get("conv_clamp") is None else layer.number("conv_clamp", 0)
        )
    if len(clamps) != 1:
        raise InputError("its layers have different limits (conv_clamp)")
    shape = Shape(
        side=int(start.pair("size")[0]),
        channels=channels,
        band=start.number("bandwidth", 0.0),
        rate=start.number("sampling_rate", 0.0),
        scale=synthesis.number("output_scale", 1.0),
        clamp=clamps.pop(),
        layers=tuple(layers),
    )
    shape.check()
    if shape.size not in SIZES_TAKEN:
        raise InputError(f"it draws pictures of {shape.size} px; take one of {SIZES_TAKEN}")
    found.network = shape.text()


def _number(name: str) -> int:
    """Return the place of a layer, which its name, such as ``L0_36_512``, begins with."""
    digits = name[1:].partition("_")[0]
    if not (name.startswith("L") and digits.isascii() and digits.isdigit()):
        raise InputError(
            f"it has a layer {name[:32]!r}; it is no StyleGAN3 as this reader knows it"
        )
    return int(digits)


def _layer(module: Module, found: Found, target: str, *, last: bool) -> Layer:
    """Put in a layer, and return its shape."""
    weight = module.needed("weight")
    if weight.ndim != 4 or weight.shape[2] != weight.shape[3]:
        raise InputError(f"{module.path}.weight has shape {[*weight.shape]}, not [O, I, k, k]")
    outputs, inputs, taps, _ = weight.shape
    gain = _at_rest(module)
    if last:
        # Without demodulation, the constant gains can be part of the kernel.
        weight, gain = weight * np.float32(gain / (inputs * taps * taps) ** 0.5), 1.0
        if outputs == 1:
            weight, outputs = np.tile(weight, (3, 1, 1, 1)), 3
    found.put(f"{target}.weight", weight, (outputs, inputs, taps, taps))
    bias = module.needed("bias").reshape(-1)
    found.put(f"{target}.bias", np.tile(bias, outputs // max(len(bias), 1)), (outputs,))
    put_affine(module, found, target, inputs)
    if not last:
        found.put(f"{target}.gain", np.full(1, gain, np.float32), (1,))
    up, down = module.tensor("up_filter"), module.tensor("down_filter")
    for name, taken, most in (("up_filter", up, 1), ("down_filter", down, 2)):
        if taken is not None:
            if not 1 <= taken.ndim <= most or len(set(taken.shape)) != 1:
                raise InputError(f"{module.path}.{name} has shape {[*taken.shape]}")
            found.put(f"{target}.{name}", taken, taken.shape)
    left, right, top, bottom = _whole(module.state.get("padding"), 4)
    return Layer(
        inputs=inputs,
        outputs=outputs,
        taps=taps,
        up=int(module.number("up_factor", 1)),
        down=int(module.number("down_factor", 1)),
        up_taps=1 if up is None else len(up),
        down_taps=1 if down is None else len(down),
        radial=down is not None and down.ndim == 2,
        padding=(left, right, top, bottom),
        size=int(module.pair("out_size")[0]),
    )


def _at_rest(module: Module) -> float:
    """Return the factor that brings a layer's input to strength 1, as the training measured it."""
    measured: Numbers | None = module.tensor("magnitude_ema")
    strength = 1.0 if measured is None else float(measured.reshape(()))
    if not strength > 0:
        raise InputError(f"{module.path}.magnitude_ema is not above 0")
    return float(strength**-0.5)


def _whole(values: object, count: int) -> Sequence[int]:
    if not isinstance(values, list | tuple) or len(values) != count:
        raise ValueError("a layer's padding is damaged")
    if not all(type(one) is int for one in values):
        raise ValueError("a layer's padding is damaged")
    return values
