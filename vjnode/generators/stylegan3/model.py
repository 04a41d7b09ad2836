"""StyleGAN3, t and r, in torch: from style codes to a picture, with constant kernels.

Karras et al., Alias-Free Generative Adversarial Networks, arXiv 2106.12423; constants and paddings
are those of its authors' program, and stand in a network's file. Features are scaled, not kernels,
and filters are plain convolutions, so that every engine takes it as it is. Kernels and factors
have a mean square of 1 before they meet, as there: half precision then bears them.
"""

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.model import SLOPE, Affine, Mapping
from vjnode.generators.stylegan3.shape import Layer, Shape

__all__ = ["Mapping", "Synthesis"]

EPSILON = 1e-8
"""Added to the squared length of a modulated kernel, so that a zero kernel stays zero."""

GAIN = 2**0.5
"""Gain after the leaky ReLU, which keeps the features' strength from layer to layer."""


class FourierFeatures(nn.Module):
    """First style code → waves over the plane, turned and moved by it, [N, C, side, side]."""

    def __init__(self, shape: Shape, dim: int) -> None:
        super().__init__()
        self.affine = Affine(4, dim)
        self.weight = nn.Parameter(torch.zeros(shape.channels, shape.channels))
        self.frequencies = nn.Parameter(torch.zeros(shape.channels, 2))
        self.phases = nn.Parameter(torch.zeros(shape.channels))
        self.side, self.band, self.rate = shape.side, shape.band, shape.rate

    def forward(self, code: Tensor) -> Tensor:
        """Return the features of codes [N, dim]."""
        told = self.affine(code)[:, :, 0, 0]
        told = told / told[:, :2].norm(dim=1, keepdim=True)
        cosine, sine, x, y = told[:, None].unbind(2)
        fx, fy = self.frequencies[None].unbind(2)
        # Frequencies, turned; moving the picture is a change of phases.
        across, down = fx * cosine + fy * sine, fy * cosine - fx * sine
        phases = self.phases - across * x - down * y
        half = 0.5 * self.side / self.rate
        places = (torch.arange(self.side, device=code.device).float() + 0.5) / self.side
        grid = (2 * places - 1) * half
        waves = (
            grid[None, None, :] * across[:, :, None, None]
            + grid[None, :, None] * down[:, :, None, None]
            + phases[:, :, None, None]
        )
        # Turning leaves a frequency's size as it is, and so how much is left of it.
        size = self.frequencies.norm(dim=1)
        left = (1 - (size - self.band) / (self.rate / 2 - self.band)).clamp(0, 1)
        waves = torch.sin(waves * (2 * math.pi)) * left[:, None, None]
        return F.conv2d(waves, self.weight[:, :, None, None])


class FilteredConv(nn.Module):
    """Modulated convolution, then bias and an activation at a higher sampling rate.

    last: it makes the picture: neither demodulated nor bent.
    """

    def __init__(self, layer: Layer, dim: int, clamp: float, *, last: bool) -> None:
        super().__init__()
        self.layer, self.clamp, self.last = layer, clamp, last
        self.affine = Affine(layer.inputs, dim)
        self.weight = nn.Parameter(torch.zeros(layer.outputs, layer.inputs, layer.taps, layer.taps))
        self.bias = nn.Parameter(torch.zeros(layer.outputs))
        self.squares: nn.Parameter | None = None
        if not last:
            self.gain = nn.Parameter(torch.ones(1))
        if layer.up_taps > 1:
            self.up_filter = nn.Parameter(torch.zeros(layer.up_taps))
        if layer.down_taps > 1:
            sides = (layer.down_taps,) * (2 if layer.radial else 1)
            self.down_filter = nn.Parameter(torch.zeros(sides))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return features [N, outputs, size, size] of x; code: [N, dim]."""
        style, kind = self.affine(code), x.dtype
        kernel, padding = self.kernel(), self.layer.taps - 1
        if self.last:
            x = F.conv2d(x * style.to(kind), kernel.to(kind), padding=padding)
        else:
            style = style * style.square().mean(1, keepdim=True).rsqrt()
            factors = (F.conv2d(style.square(), self.power(kernel)) + EPSILON).rsqrt() * self.gain
            x = F.conv2d(x * style.to(kind), kernel.to(kind), padding=padding) * factors.to(kind)
        x = self.raised(x + self.bias[:, None, None].to(kind))
        if not self.last:
            x = GAIN * F.leaky_relu(x, SLOPE)
        return self.lowered(x.clamp(-self.clamp, self.clamp))

    def kernel(self) -> Tensor:
        """Return the kernels; those that are demodulated have a mean square of 1."""
        if self.last or self.squares is not None:
            return self.weight
        return self.weight * self.weight.square().mean((1, 2, 3), keepdim=True).rsqrt()

    def power(self, kernel: Tensor) -> Tensor:
        """Return the squared sum of kernels for every input, [outputs, inputs, 1, 1]."""
        if self.squares is not None:
            return self.squares
        return kernel.square().sum((2, 3), keepdim=True)

    def fold(self, dtype: torch.dtype) -> None:
        """Work out all that is constant, for running. dtype: of the features."""
        kernel = self.kernel()
        self.squares = nn.Parameter(self.power(kernel))
        self.weight = nn.Parameter(kernel.to(dtype))

    def raised(self, x: Tensor) -> Tensor:
        """Return x, padded, at the higher sampling rate."""
        left, right, top, bottom = self.layer.padding
        up, taps = self.layer.up, self.layer.up_taps
        if taps == 1:
            return fitted(x, (left, right, top, bottom))
        taken = (up * self.up_filter).to(x.dtype)
        channels = x.shape[1]
        column = taken[None, None, :, None].expand(channels, 1, taps, 1)
        # Each sample spreads the filter; what padding would have cut off or added at the ends.
        x = F.conv_transpose2d(x, column, stride=(up, 1), groups=channels)
        x = fitted(x, (0, 0, top - taps + 1, bottom - taps + up))
        x = F.conv_transpose2d(x, column.transpose(2, 3), stride=(1, up), groups=channels)
        return fitted(x, (left - taps + 1, right - taps + up, 0, 0))

    def lowered(self, x: Tensor) -> Tensor:
        """Return x at the lower sampling rate."""
        down, taps, channels = self.layer.down, self.layer.down_taps, x.shape[1]
        if taps == 1:
            return x
        taken = self.down_filter.to(x.dtype)
        if self.layer.radial:
            kernel = taken.flip((0, 1)).expand(channels, 1, taps, taps)
            return F.conv2d(x, kernel, stride=down, groups=channels)
        column = taken.flip(0)[None, None, :, None].expand(channels, 1, taps, 1)
        x = F.conv2d(x, column, stride=(down, 1), groups=channels)
        return F.conv2d(x, column.transpose(2, 3), stride=(1, down), groups=channels)


class Synthesis(nn.Module):
    """Style codes → picture. dim: length of style codes."""

    def __init__(self, shape: Shape, dim: int) -> None:
        super().__init__()
        self.shape, self.size, self.slots = shape, shape.size, shape.slots
        self.input = FourierFeatures(shape, dim)
        last = len(shape.layers) - 1
        self.layers = nn.ModuleList(
            FilteredConv(layer, dim, shape.clamp, last=i == last)
            for i, layer in enumerate(shape.layers)
        )

    def forward(self, codes: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the pictures of codes [N, slots, dim]. dtype: of the features.

        Returns: [N, 3, size, size], RGB, −1…1 and a little beyond, float32.
        """
        x = self.input(codes[:, 0]).to(dtype)
        for i, layer in enumerate(self.layers):
            x = layer(x, codes[:, i + 1])
        picture: Tensor = x.float() * self.shape.scale
        return picture


class Picture(nn.Module):
    """Style codes → RGBA levels, as ``vjnode.generators.frame_graph.Generator`` has them.

    size: the network's own, or a half, a quarter … for area means of the same picture.
    """

    def __init__(self, synthesis: Synthesis, size: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.synthesis, self.size, self.dtype = copy.deepcopy(synthesis), size, dtype
        for layer in self.synthesis.layers.children():
            assert isinstance(layer, FilteredConv)  # noqa: S101 - as Synthesis has made it
            layer.fold(dtype)
        self.requires_grad_(requires_grad=False)
        self.pooled = synthesis.size // size

    def levels(
        self, codes: Tensor, noise_strength: Tensor, offsets: Tensor | None = None
    ) -> Tensor:
        """Return the picture of codes [1, slots, dim] before it is clamped and rounded.

        noise_strength: has no effect, for there is no noise. offsets: likewise.
        Returns: [1, 4, size, size], float32.
        """
        del offsets
        levels = 127.5 * self.synthesis(codes, self.dtype) + 127.5
        if self.pooled > 1:
            levels = F.avg_pool2d(levels, self.pooled)
        # A graph's inputs that lead nowhere would be dropped from it.
        alpha = torch.full_like(levels[:, :1], 255.0) + 0.0 * noise_strength.float()
        return torch.cat((levels, alpha), 1)

    def forward(self, codes: Tensor, noise_strength: Tensor) -> Tensor:
        """Return the picture of codes [1, slots, dim]: [1, size, size, 4], uint8, opaque."""
        levels = self.levels(codes, noise_strength)
        return levels.clamp(0, 255).round().permute(0, 2, 3, 1).to(torch.uint8)


def fitted(x: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    """Return x with zeros around it, or cut off where a number is negative.

    padding: left, right, top, bottom.
    """
    left, right, top, bottom = padding
    height, width = x.shape[2:]
    x = x[:, :, max(-top, 0) : height - max(-bottom, 0), max(-left, 0) : width - max(-right, 0)]
    added = [max(one, 0) for one in padding]
    return F.pad(x, added) if any(added) else x
