"""StyleGAN2 refolded for running: constant kernels, small numbers, the same pictures.

Every step is exact.

- Features are scaled, not kernels, so that the kernels are constants. The lengths to
  demodulate by are one small matrix product of the squared factors with the kernels' squared
  sums; the gain after the activation is part of them, of the bias and of the noise.
- Kernels are divided by their length and factors by their largest, which demodulation
  undoes. So a convolution cannot make a value more than √(9·C) times larger, and half
  precision neither overflows nor loses the small ones. The path from codes to factors stays
  in single precision: it is tiny.
- The range 0…255 and an opaque alpha are part of the heads.
- Transposed convolution and filter are two passes, or one with the composed kernel: 6×6
  transposed, or its four phases as one 3×3 convolution and a depth-to-space. The composed
  ones take four times the multiply-adds and save a pass over the larger picture.
"""

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.face.fold import FoldedAffine
from vjnode.face.mobilestylegan import SLOPE
from vjnode.face.stylegan2 import EPSILON, GAIN, TAPS, Block, Head, StyledConv, Synthesis

UpForm: TypeAlias = Literal["filter", "transposed", "phases"]
"""How to double: transposed convolution and filter; one 6×6 transposed; one 3×3 and a shuffle."""

TINY = 1e-12
"""Nothing is divided by less."""


class FoldedConv(nn.Module):
    """Modulate, convolve, demodulate, add noise and bias, activate.

    up: None, or how to double the size. noise: whether the frozen noise is kept.
    dtype: of features and kernels.
    """

    def __init__(
        self, conv: StyledConv, *, up: UpForm | None, noise: bool, dtype: torch.dtype
    ) -> None:
        super().__init__()
        length = conv.weight.flatten(1).norm(dim=1).clamp_min(TINY)
        kernel = conv.weight / length[:, None, None, None]
        self.affine = FoldedAffine(conv.affine)
        # Divided by the squared gain, because the length divides what is to be multiplied.
        self.squares = nn.Parameter(kernel.square().sum((2, 3)) / GAIN**2)
        self.epsilon = nn.Parameter(EPSILON / length.square() / GAIN**2)
        self.up = up
        if up == "filter":
            taps = torch.tensor(TAPS)
            low_pass = taps.outer(taps).expand(len(kernel), 1, 4, 4)
            self.low_pass = nn.Parameter(low_pass.to(dtype, copy=True))
            kernel = kernel.transpose(0, 1)
        elif up == "transposed":
            kernel = composed(kernel).transpose(0, 1)
        elif up == "phases":
            kernel = phases(composed(kernel))
        self.weight = nn.Parameter(kernel.to(dtype).contiguous())
        self.noise = nn.Parameter((GAIN * conv.noise).to(dtype)) if noise else None
        self.bias = nn.Parameter((GAIN * conv.bias[:, None, None]).to(dtype))

    def forward(self, x: Tensor, code: Tensor, texture: Tensor) -> Tensor:
        """x: [1, C, px, px], of half that size for ``up``; code: [1, DIM], float32."""
        style = self.affine(code)
        peak = style.abs().amax(1, keepdim=True).clamp_min(TINY)
        style = style / peak
        squared = F.linear(style.square(), self.squares) + self.epsilon / peak.square()
        x = self.convolve(x * style[:, :, None, None].to(x.dtype))
        x = x * torch.rsqrt(squared)[:, :, None, None].to(x.dtype) + self.bias
        if self.noise is not None:
            x = x + texture.to(x.dtype) * self.noise
        return F.leaky_relu(x, SLOPE)

    def convolve(self, x: Tensor) -> Tensor:
        """x: [1, C, px, px], modulated."""
        if self.up == "filter":
            x = F.conv_transpose2d(x, self.weight, stride=2)
            return F.conv2d(x, self.low_pass, padding=1, groups=x.shape[1])
        if self.up == "transposed":
            return F.conv_transpose2d(x, self.weight, stride=2, padding=2)
        x = F.conv2d(x, self.weight, padding=1)
        return F.pixel_shuffle(x, 2) if self.up == "phases" else x


class FoldedHead(nn.Module):
    """Features → what they add to the levels 0…255, [1, 4, px, px], float32.

    last: also add the middle grey and an opaque alpha, as only one head may.
    """

    def __init__(self, head: Head, *, last: bool, dtype: torch.dtype) -> None:
        super().__init__()
        self.affine = FoldedAffine(head.affine)
        kernel = 127.5 * head.weight
        bias = 127.5 * head.bias + (127.5 if last else 0.0)
        alpha = bias.new_full((1,), 255.0 if last else 0.0)
        # Kept in single precision: it is scaled for every picture, and rounded once.
        self.weight = nn.Parameter(torch.cat((kernel, torch.zeros_like(kernel[:1]))))
        self.bias = nn.Parameter(torch.cat((bias, alpha))[:, None, None])
        self.dtype = dtype

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """x: [1, C, px, px]; code: [1, DIM], float32."""
        weight = self.weight * self.affine(code)[:, :, None, None]
        return F.conv2d(x, weight.to(self.dtype)).float() + self.bias


class FoldedBlock(nn.Module):
    """Double the size, one more convolution, and a head."""

    def __init__(
        self, block: Block, *, last: bool, up: UpForm, noise: bool, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.up = FoldedConv(block.up, up=up, noise=noise, dtype=dtype)
        self.conv = FoldedConv(block.conv, up=None, noise=noise, dtype=dtype)
        self.head = FoldedHead(block.head, last=last, dtype=dtype)
        taps = torch.tensor(TAPS)
        self.low_pass = nn.Parameter(taps.outer(taps).repeat(4, 1, 1, 1))

    def forward(
        self, x: Tensor, levels: Tensor, codes: Tensor, texture: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Features and levels so far, at px/2 → both at px. codes: [1, 3, DIM]."""
        x = self.conv(self.up(x, codes[:, 0], texture), codes[:, 1], texture)
        levels = F.conv_transpose2d(levels, self.low_pass, stride=2, padding=1, groups=4)
        return x, levels + self.head(x, codes[:, 2])


class FoldedSynthesis(nn.Module):
    """Style codes → RGBA picture; draws one at a time.

    size: the network's own, or a smaller one for area means of the same picture, taken
        before clamping.
    up: how every up-convolution is done; or the form for each px that one ends at.
    noise: False leaves the frozen noise out; ``texture`` then does nothing.
    dtype: of features and kernels; torch.float16 for half precision. Codes and texture are
        float32 all the same.

    Raises:
        InputError: ``size`` is not one that this network can draw.
    """

    def __init__(
        self,
        synthesis: Synthesis,
        size: int,
        *,
        up: UpForm | dict[int, UpForm] = "filter",
        noise: bool = True,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        full = synthesis.size
        if not 0 < size <= full or full % size:
            raise InputError(
                f"a network for {full} px cannot draw {size} px; "
                f"choose {full} or a half, a quarter … of it"
            )
        self.pooled = full // size
        self.slots = synthesis.slots
        self.input = nn.Parameter(synthesis.input.to(dtype))
        self.conv = FoldedConv(synthesis.conv, up=None, noise=noise, dtype=dtype)
        self.head = FoldedHead(synthesis.head, last=full == 4, dtype=dtype)
        self.blocks = nn.ModuleList()
        for block in synthesis.blocks.children():
            assert isinstance(block, Block)  # noqa: S101 - as Synthesis has made it
            px = block.conv.noise.shape[-1]
            form = up[px] if isinstance(up, dict) else up
            self.blocks.append(
                FoldedBlock(block, last=px == full, up=form, noise=noise, dtype=dtype)
            )
        self.requires_grad_(requires_grad=False)

    def forward(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Draw codes [1, slots, DIM]. Returns: [1, size, size, 4], uint8, opaque.

        texture: [1], the strength of the frozen noise, 1 as trained, 0 for none.
        """
        levels = self.levels(codes, texture)
        return levels.clamp(0, 255).round().to(torch.uint8).permute(0, 2, 3, 1)

    def levels(self, codes: Tensor, texture: Tensor) -> Tensor:
        """Return the picture before it is clamped and rounded: [1, 4, size, size], float32."""
        x = self.conv(self.input, codes[:, 0], texture)
        levels: Tensor = self.head(x, codes[:, 1])
        for i, block in enumerate(self.blocks):
            x, levels = block(x, levels, codes[:, 2 * i + 1 : 2 * i + 4], texture)
        return F.avg_pool2d(levels, self.pooled) if self.pooled > 1 else levels


def composed(kernel: Tensor) -> Tensor:
    """Transposed 3×3 kernels and the low-pass filter in one: [O, I, 3, 3] → [O, I, 6, 6]."""
    taps = kernel.new_tensor(TAPS)
    low_pass = taps.outer(taps)[None, None]  # symmetric, so correlating with it convolves
    return F.conv2d(kernel.flatten(0, 1)[:, None], low_pass, padding=3).reshape(
        *kernel.shape[:2], 6, 6
    )


def phases(kernel: Tensor) -> Tensor:
    """Transposed 6×6 kernels of stride 2 as plain ones: [O, I, 6, 6] → [4·O, I, 3, 3].

    Each of the four output pixels that an input pixel becomes has every other tap; their
    order is that of ``torch.pixel_shuffle``.
    """
    outputs, inputs = kernel.shape[:2]
    taps = kernel.reshape(outputs, inputs, 3, 2, 3, 2).flip((2, 4))
    return taps.permute(0, 3, 5, 1, 2, 4).reshape(4 * outputs, inputs, 3, 3)
