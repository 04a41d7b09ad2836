"""Layers of the folded generator, and the arrangement of its channels in quarters.

``vjnode.generators.mobilestylegan.folded`` tells what is folded, and puts them together.
"""

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.model import SLOPE, Affine, StyledConv, ToRGB, inverse_haar

FULL_PX = 1024

FAINT = 1e-3
"""Standard deviation below which noise is left out; features have one near 1."""

_Network = TypeVar("_Network", bound=nn.Module)

Rows = tuple[int, int]
"""A range of rows: the first, and the one after the last."""


class FoldedAffine(nn.Module):
    """One style code → factors [1, C], a constant gain included.

    It stays in float32 whatever its network computes in, see ``in_precision``.
    """

    def __init__(self, affine: nn.Linear, gain: float = 1.0, order: Tensor | None = None) -> None:
        super().__init__()
        self.gain = gain
        whole = torch.arange(affine.out_features)
        # A buffer, so that it lies on the device that the network is moved to.
        self.register_buffer("order", whole if order is None else order, persistent=False)
        self.order: Tensor
        rows = slice(None) if order is None else order
        self.weight = nn.Parameter(gain * affine.weight[rows])
        self.bias = nn.Parameter(gain * affine.bias[rows])

    def forward(self, code: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the factors of a code [1, DIM].

        offsets: what is added to them before the gain, [1, C] in the trained network's order.
        """
        factors = F.linear(code, self.weight, self.bias)
        if offsets is None:
            return factors
        return factors + self.gain * offsets.index_select(1, self.order)


def in_precision(network: _Network, dtype: torch.dtype) -> _Network:
    """Convert ``network`` to ``dtype``, except for its affine maps, and return it.

    Small movements of large codes would be rounded away in half precision.
    """
    affines = [one for one in network.modules() if isinstance(one, FoldedAffine | Affine)]
    exact = [{name: value.clone() for name, value in one.state_dict().items()} for one in affines]
    network.to(dtype)
    for affine, values in zip(affines, exact, strict=True):
        affine.float().load_state_dict(values)
    return network


class FoldedConv(nn.Module):
    """Depthwise and pointwise convolution, noise where it is visible, activation."""

    def __init__(self, conv: StyledConv, order: Tensor) -> None:
        super().__init__()
        self.px = conv.noise.shape[-1]
        self.depthwise = conv.depthwise
        self.pointwise: nn.Module = Pointwise(conv.weight[order], conv.bias[order])
        self.noise = Noise(conv.noise) if conv.noise.std() > FAINT else None

    def forward(
        self,
        x: Tensor,
        noise_strength: Tensor,
        factors: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Return the output for x, [1, C, rows, px].

        factors: of its channels, [1, C, 1, 1]. rows: which to return; x has one more row above
        and below them, except at the picture's edges. None: all.
        """
        top, bottom = rows or (0, self.px)
        if self.depthwise is not None:
            if bottom - top == self.px:
                x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
            else:
                edges = (1, 1, int(top == 0), int(bottom == self.px))
                x = F.conv2d(F.pad(x, edges), self.depthwise, groups=x.shape[1])
        return self.mixed(x, noise_strength, factors, (top, bottom))

    def mixed(
        self,
        x: Tensor,
        noise_strength: Tensor,
        factors: Tensor | None = None,
        rows: Rows | None = None,
    ) -> Tensor:
        """Return the output, as ``forward`` does, for x after its depthwise convolution."""
        top, bottom = rows or (0, self.px)
        x = self.pointwise(x, factors)
        if self.noise is not None:
            x = x + self.noise(noise_strength, top, bottom)
        return F.leaky_relu(x, SLOPE)


class Noise(nn.Module):
    """Frozen noise, the same for all channels."""

    def __init__(self, noise: Tensor) -> None:
        super().__init__()
        self.px = noise.shape[-1]
        self.noise = nn.Parameter(noise)

    def forward(self, noise_strength: Tensor, top: int, bottom: int) -> Tensor:
        """Return rows of the noise times ``noise_strength``: [1, 1, bottom - top, px]."""
        return noise_strength * self.rows(top, bottom)

    def rows(self, top: int, bottom: int) -> Tensor:
        """Return rows of the noise, [1, 1, bottom - top, px]."""
        return self.noise if bottom - top == self.px else self.noise[:, :, top:bottom]


class Pointwise(nn.Module):
    """Convolution that mixes channels; at 4×4, where no depthwise one precedes, a dense 3×3."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """Convolve x, [1, C, rows, px]; factors: of its channels, [1, C, 1, 1]."""
        weight = self.weight if factors is None else self.weight * factors
        return F.conv2d(x, weight, self.bias, padding=weight.shape[-1] // 2)


class FoldedToRGB(nn.Module):
    """Features → RGBA levels 0…255 as float, [1, 4, size, size]."""

    def __init__(self, head: ToRGB, size: int, full_px: int = FULL_PX) -> None:
        super().__init__()
        self.size, self.full_px = size, full_px
        self.style = FoldedAffine(head.affine, head.gain)
        kernel = torch.cat((head.weight[:, :, 0, 0], head.bias[:, None]), 1)
        if size == full_px:
            # The Haar transform of the kernel, as rows of phase-major RGB.
            kernel = inverse_haar(kernel.T[:, :, None, None]).permute(2, 3, 1, 0).flatten(0, 1)
        else:
            # The mean of each 2×2 pixels is half the Haar transform's mean channel.
            kernel = 0.5 * kernel[None, :3]
        kernel = 127.5 * kernel
        kernel[..., -1] += 127.5
        alpha = torch.zeros_like(kernel[:, :1])
        alpha[..., -1] = 255.0
        kernel = torch.cat((kernel, alpha), 1).flatten(0, 1)
        self.weight = nn.Parameter(kernel[:, :-1, None, None].contiguous())
        self.bias = nn.Parameter(kernel[:, -1].contiguous())

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return the levels, for x, [1, C, full_px/2, full_px/2], and code, [1, DIM]."""
        weight = self.weight * self.style(code)[:, :, None, None].to(self.weight.dtype)
        return self.arranged(F.conv2d(x, weight, self.bias))

    def arranged(self, x: Tensor) -> Tensor:
        """Return the picture from the kernel's output, [1, 16 or 4, full_px/2, full_px/2]."""
        if self.size == self.full_px:
            return depth_to_space(x)
        return F.avg_pool2d(x, x.shape[-1] // self.size)


def quarters(channels: int) -> Tensor:
    """Return the order of four contiguous quarters of [means, (rows, columns, diagonal) …]."""
    quarter = channels // 4
    details = quarter + torch.arange(3 * quarter).reshape(quarter, 3)
    return torch.cat((torch.arange(quarter), details.T.flatten()))


def butterfly(x: Tensor) -> Tensor:
    """Return twice the inverse Haar transform of quarters: [1, 4·C, H, W] → [1, C, 2H, 2W]."""
    mean, rows, columns, diagonal = x.chunk(4, 1)
    even, odd = mean + rows, mean - rows
    plus, minus = columns + diagonal, columns - diagonal
    return depth_to_space(torch.cat((even + plus, even - plus, odd + minus, odd - minus), 1))


def depth_to_space(x: Tensor) -> Tensor:
    """Return one picture of four phases, row-major: [1, 4·C, H, W] → [1, C, 2·H, 2·W]."""
    batch, channels, height, width = x.shape
    channels = channels // 4
    x = x.reshape(batch, 2, 2, channels, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(batch, channels, 2 * height, 2 * width)
