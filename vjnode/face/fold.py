"""The generator refolded for running: fewer and cheaper passes, the same pictures.

Every step is exact but one: noise too weak to be seen is left out.

- The inverse Haar transform becomes sums of four channel quarters and a depth-to-space; the
  convolutions before it are reordered so that each quarter is contiguous.
- A factor per channel commutes with the Haar transform and with a depthwise convolution.
  So the first convolution's factors join those of the up-sampling, and the second's scale
  its pointwise kernel, which on large pictures is far smaller than the picture.
- The last Haar transform, the range 0…255 and an opaque alpha are part of the head's kernel.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.face.layout import BLOCKS
from vjnode.face.mobilestylegan import SLOPE, Block, Head, StyledConv, Synthesis, inverse_haar

FULL_PX = 1024

FAINT = 1e-3
"""Noise with a smaller standard deviation is left out; features have one near 1."""

SCALED_KERNEL_PX = 64
"""From this size on, scaling a kernel is cheaper than scaling the picture."""


class FoldedAffine(nn.Module):
    """One style code → factors [1, C], a constant gain included."""

    def __init__(self, affine: nn.Linear, gain: float = 1.0, order: Tensor | None = None) -> None:
        super().__init__()
        rows = slice(None) if order is None else order
        self.weight = nn.Parameter(gain * affine.weight[rows])
        self.bias = nn.Parameter(gain * affine.bias[rows])

    def forward(self, code: Tensor) -> Tensor:
        """Map code [1, DIM] to factors."""
        return F.linear(code, self.weight, self.bias)


class FoldedBlock(nn.Module):
    """Double the size, then two convolutions."""

    def __init__(self, block: Block, *, last: bool) -> None:
        super().__init__()
        inputs = block.up.affine.out_features
        # Half of the gain is the Haar transform's own factor.
        self.up = FoldedAffine(block.up.affine, 0.5 * block.conv1.gain, quarters(inputs))
        self.style1 = FoldedAffine(block.conv1.affine)
        self.style2 = FoldedAffine(block.conv2.affine, block.conv2.gain)
        outputs = block.conv2.weight.shape[0]
        self.px = block.conv2.noise.shape[-1]
        self.conv1 = FoldedConv(block.conv1, torch.arange(outputs))
        self.conv2 = FoldedConv(block.conv2, torch.arange(outputs) if last else quarters(outputs))

    def forward(self, x: Tensor, codes: Tensor, texture: Tensor) -> Tensor:
        """x: [1, C, px/2, px/2], channels in quarters; codes: [1, 3, DIM]."""
        factors = self.up(codes[:, 0]) * self.style1(codes[:, 0]).repeat(1, 4)
        x = self.conv1(butterfly(x * factors[:, :, None, None]), texture)
        factors = self.style2(codes[:, 1])[:, :, None, None]
        small = self.px < SCALED_KERNEL_PX
        y: Tensor = self.conv2(x * factors, texture) if small else self.conv2(x, texture, factors)
        return y


class FoldedConv(nn.Module):
    """Depthwise and pointwise convolution, noise where it shows, activation."""

    def __init__(self, conv: StyledConv, order: Tensor) -> None:
        super().__init__()
        self.depthwise = conv.depthwise
        self.weight = nn.Parameter(conv.weight[order])
        self.bias = nn.Parameter(conv.bias[order])
        self.noise = conv.noise if conv.noise.std() > FAINT else None

    def forward(self, x: Tensor, texture: Tensor, factors: Tensor | None = None) -> Tensor:
        """x: [1, C, px, px]; factors of its channels, [1, C, 1, 1]."""
        if self.depthwise is None:
            x = F.conv2d(x, self.weight, self.bias, padding=1)
        else:
            weight = self.weight if factors is None else self.weight * factors
            x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
            x = F.conv2d(x, weight, self.bias)
        if self.noise is not None:
            x = x + texture * self.noise
        return F.leaky_relu(x, SLOPE)


class FoldedHead(nn.Module):
    """Features → RGBA levels 0…255 as float, [1, 4, size, size]."""

    def __init__(self, head: Head, size: int) -> None:
        super().__init__()
        self.size = size
        self.style = FoldedAffine(head.affine, head.gain)
        kernel = torch.cat((head.weight[:, :, 0, 0], head.bias[:, None]), 1)
        if size == FULL_PX:
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
        """x: [1, C, 512, 512]; code: [1, DIM]."""
        x = F.conv2d(x, self.weight * self.style(code)[:, :, None, None], self.bias)
        if self.size == FULL_PX:
            return depth_to_space(x)
        return F.avg_pool2d(x, x.shape[-1] // self.size)


class FoldedSynthesis(nn.Module):
    """Style codes → RGBA picture; draws one at a time.

    size: 1024, or 512 or 256 for area means of the same picture, taken before clamping.
    """

    def __init__(self, synthesis: Synthesis, size: int) -> None:
        super().__init__()
        self.input = synthesis.input
        conv1 = synthesis.conv1
        self.style = FoldedAffine(conv1.affine, conv1.gain)
        self.conv1 = FoldedConv(conv1, quarters(conv1.weight.shape[0]))
        self.blocks = nn.ModuleList(
            FoldedBlock(block, last=i == BLOCKS - 1)
            for i, block in enumerate(synthesis.blocks.children())
            if isinstance(block, Block)
        )
        self.head = FoldedHead(synthesis.head, size)
        self.requires_grad_(requires_grad=False)

    def forward(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Draw codes [1, SLOTS, DIM]. Returns: [1, size, size, 4], uint8, opaque.

        texture: [1], the strength of the frozen noise, 1 as trained. Its being an input also
        keeps a runtime from folding noise and bias into constants as large as the features.
        """
        levels = self.levels(codes, texture)
        return levels.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)

    def levels(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size]."""
        x = self.conv1(self.input * self.style(codes[:, 0])[:, :, None, None], texture)
        for i, block in enumerate(self.blocks):
            x = block(x, codes[:, 3 * i + 1 : 3 * i + 4], texture)
        levels: Tensor = self.head(x, codes[:, 3 * BLOCKS])
        return levels


def quarters(channels: int) -> Tensor:
    """Order that turns [means, (rows, columns, diagonal) …] into four contiguous quarters."""
    quarter = channels // 4
    details = quarter + torch.arange(3 * quarter).reshape(quarter, 3)
    return torch.cat((torch.arange(quarter), details.T.flatten()))


def butterfly(x: Tensor) -> Tensor:
    """Twice the inverse Haar transform of channels in quarters: [1, 4·C, H, W] → [1, C, 2H, 2W]."""
    mean, rows, columns, diagonal = x.chunk(4, 1)
    even, odd = mean + rows, mean - rows
    plus, minus = columns + diagonal, columns - diagonal
    return depth_to_space(torch.cat((even + plus, even - plus, odd + minus, odd - minus), 1))


def depth_to_space(x: Tensor) -> Tensor:
    """Four phases, row-major, into one picture: [1, 4·C, H, W] → [1, C, 2·H, 2·W]."""
    _, channels, height, width = x.shape
    channels = channels // 4
    x = x.reshape(1, 2, 2, channels, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(1, channels, 2 * height, 2 * width)
