"""StyleGAN2 as its authors publish it: kernels made for each sample, grouped convolutions.

A contender of ``tools/bench/engines.py``, and what the tests hold vjnode's own form against.
Written from the formulas (arXiv 1912.04958; learning rates and gains as in the authors' own
code), without a thought for speed, and sharing nothing with ``vjnode.generators``. Parameters are
those that training keeps: the constant factors are applied here, at run time.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

DIM = 512
MAPPING_RATE = 0.01

Parameters = dict[str, Tensor]
"""Parameters as training keeps them, by name."""


def training_parameters(mapping: nn.Module, synthesis: nn.Module) -> Parameters:
    """Undo the folding of vjnode's layout, and return what training would have kept."""
    raw = {}
    for name, value in mapping.state_dict().items():
        raw[name] = value / MAPPING_RATE if name.startswith("layers") else value
        if name.endswith("weight"):
            raw[name] = raw[name] * DIM**0.5
    for name, value in synthesis.state_dict().items():
        raw[name] = value
        if name.endswith("affine.weight"):
            raw[name] = value * DIM**0.5
        elif name.endswith("head.weight"):
            raw[name] = value * value.shape[1] ** 0.5
    return raw


def map_codes(raw: Parameters, z: Tensor, psi: float = 1.0) -> Tensor:
    """Return the style codes w, [N, DIM], of noise z, [N, DIM]; psi: truncation."""
    x = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
    for i in range(8):
        weight = raw[f"layers.{i}.weight"] * (MAPPING_RATE / DIM**0.5)
        x = lrelu(x @ weight.T + raw[f"layers.{i}.bias"] * MAPPING_RATE)
    return torch.lerp(raw["mean"].expand_as(x), x, psi)


def draw(raw: Parameters, codes: Tensor, *, noise: bool = True) -> Tensor:
    """Return the pictures, [N, 3, size, size], of codes, [N, slots, DIM]."""
    slot = iter(range(codes.shape[1]))
    x = raw["input"].repeat(len(codes), 1, 1, 1)
    x = styled(raw, "conv", x, codes[:, next(slot)], up=False, noise=noise)
    after = codes[:, 1]
    picture = to_rgb(raw, "head", x, after)
    for i in range(codes.shape[1] // 2 - 1):
        name = f"blocks.{i}"
        x = styled(raw, f"{name}.up", x, codes[:, next(slot)], up=True, noise=noise)
        x = styled(raw, f"{name}.conv", x, codes[:, next(slot)], up=False, noise=noise)
        after = codes[:, 2 * i + 3]
        picture = upfirdn(picture, up=2, pad=(2, 1), gain=4) + to_rgb(raw, f"{name}.head", x, after)
    return picture


def styled(raw: Parameters, name: str, x: Tensor, code: Tensor, *, up: bool, noise: bool) -> Tensor:
    """Return the output of the styled convolution ``name``; code: [N, DIM]."""
    weight = raw[f"{name}.weight"]
    x = modulated(x, weight, style(raw, name, code), up=up, demodulate=True)
    if noise:
        x = x + raw[f"{name}.noise"]
    return lrelu(x + raw[f"{name}.bias"].reshape(1, -1, 1, 1))


def to_rgb(raw: Parameters, name: str, x: Tensor, code: Tensor) -> Tensor:
    """Return what the ToRGB layer ``name`` adds to the picture; code: [N, DIM]."""
    factors = style(raw, name, code) / x.shape[1] ** 0.5
    x = modulated(x, raw[f"{name}.weight"], factors, up=False, demodulate=False)
    return x + raw[f"{name}.bias"].reshape(1, -1, 1, 1)


def style(raw: Parameters, name: str, code: Tensor) -> Tensor:
    """Return the factors of the inputs of the layer ``name``, [N, inputs]; code: [N, DIM]."""
    factors: Tensor = code @ raw[f"{name}.affine.weight"].T / DIM**0.5 + raw[f"{name}.affine.bias"]
    return factors


def modulated(x: Tensor, weight: Tensor, factors: Tensor, *, up: bool, demodulate: bool) -> Tensor:
    """Convolve x by one kernel for each sample, all of them in one grouped convolution.

    x: [N, inputs, H, W]. weight: [outputs, inputs, taps, taps]. factors: [N, inputs]. up: whether
    to double the size as well.
    """
    samples, (outputs, inputs, taps, _) = len(x), weight.shape
    kernels = weight[None] * factors[:, None, :, None, None]
    if demodulate:
        kernels = kernels / (kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    x = x.reshape(1, samples * inputs, *x.shape[2:])
    if up:
        kernels = kernels.transpose(1, 2).reshape(samples * inputs, outputs, taps, taps)
        x = F.conv_transpose2d(x, kernels, stride=2, groups=samples)
        x = upfirdn(x, up=1, pad=(1, 1), gain=4)
    else:
        kernels = kernels.reshape(samples * outputs, inputs, taps, taps)
        x = F.conv2d(x, kernels, padding=taps // 2, groups=samples)
    return x.reshape(samples, outputs, *x.shape[2:])


def upfirdn(x: Tensor, *, up: int, pad: tuple[int, int], gain: float) -> Tensor:
    """Put zeros between the pixels and around them, then filter with [1, 3, 3, 1]."""
    samples, channels, height, width = x.shape
    spread = x.new_zeros(samples, channels, height * up, width * up)
    spread[:, :, ::up, ::up] = x
    spread = F.pad(spread, (*pad, *pad))
    taps = x.new_tensor([1.0, 3.0, 3.0, 1.0])
    kernel = taps.outer(taps)
    kernel = gain * kernel / kernel.sum()
    return F.conv2d(spread, kernel.expand(channels, 1, 4, 4), groups=channels)


def lrelu(x: Tensor) -> Tensor:
    """Return the leaky ReLU of x, with slope 0.2 and a gain of √2."""
    return torch.where(x < 0, 0.2 * x, x) * 2**0.5
