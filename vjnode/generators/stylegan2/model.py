"""StyleGAN2 in torch: from noise to style code, and from codes to a picture.

Karras et al., Analyzing and Improving the Image Quality of StyleGAN, arXiv 1912.04958; the
constants are those of its authors' PyTorch version. Written to be read;
``vjnode.generators.stylegan2.folded`` is the form that runs.

The training's equalised learning rates are folded into the stored weights. The mapping network is
MobileStyleGAN's, which was distilled from this one.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.layout import DIM
from vjnode.generators.mobilestylegan.model import SLOPE, Affine, Mapping
from vjnode.generators.stylegan2.layout import SIZES, slots_for

__all__ = ["Mapping", "Synthesis"]

EPSILON = 1e-8
"""Added to the squared length of a modulated kernel, so that a zero kernel stays zero."""

GAIN = 2**0.5
"""Gain after the leaky ReLU, which keeps the features' strength from layer to layer."""

TAPS = (0.25, 0.75, 0.75, 0.25)
"""Low-pass filter [1, 3, 3, 1] of every doubling, along one axis. Every second sample is an
inserted zero, so the filter's sum is 2, not 1."""


class StyledConv(nn.Module):
    """Modulated and demodulated convolution, then frozen noise, bias and activation.

    up: also double the size, by a transposed convolution and the low-pass filter.
    dim: length of style codes. clamp: largest size of a result; None: no limit.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        px: int,
        *,
        up: bool = False,
        dim: int = DIM,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.up, self.clamp = up, clamp
        self.affine = Affine(inputs, dim)
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, 3, 3))
        self.noise = nn.Parameter(torch.zeros(1, 1, px, px))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, code: Tensor, noise_strength: float | Tensor) -> Tensor:
        """Return features [N, outputs, px, px].

        x: [N, inputs, px, px], of half that size for ``up``; code: [N, dim].
        """
        # Scaling a kernel per sample is the same as scaling its input and its output.
        style = self.affine(code)
        squares = self.weight.square().sum((2, 3), keepdim=True)
        length = (F.conv2d(style.square(), squares) + EPSILON).sqrt()
        x = x * style
        if self.up:
            x = smooth(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = x / length + noise_strength * self.noise + self.bias[:, None, None]
        x = GAIN * F.leaky_relu(x, SLOPE)
        return x if self.clamp is None else x.clamp(-self.clamp, self.clamp)


class ToRGB(nn.Module):
    """ToRGB layer: features → addition to the picture, [N, 3, px, px]; without demodulation."""

    def __init__(self, inputs: int, dim: int = DIM) -> None:
        super().__init__()
        self.affine = Affine(inputs, dim)
        self.weight = nn.Parameter(torch.zeros(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return the addition, for x, [N, inputs, px, px], and code, [N, dim]."""
        return F.conv2d(x * self.affine(code), self.weight, self.bias)


class Block(nn.Module):
    """Doubling of the size, one more convolution, and a ToRGB layer."""

    def __init__(
        self, inputs: int, outputs: int, px: int, *, dim: int = DIM, clamp: float | None = None
    ) -> None:
        super().__init__()
        self.up = StyledConv(inputs, outputs, px, up=True, dim=dim, clamp=clamp)
        self.conv = StyledConv(outputs, outputs, px, dim=dim, clamp=clamp)
        self.head = ToRGB(outputs, dim)

    def forward(
        self, x: Tensor, picture: Tensor, codes: Tensor, noise_strength: float | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return features and picture at px, from both at px/2. codes: [N, 3, dim]."""
        x = self.conv(self.up(x, codes[:, 0], noise_strength), codes[:, 1], noise_strength)
        return x, double(picture) + self.head(x, codes[:, 2])


class Synthesis(nn.Module):
    """Style codes → picture.

    channels: of the features at 4, 8, … px, as ``channels_for`` returns them.
    dim: length of style codes. clamp: largest size of a convolution's result, which some were
        trained with to compute in half precision; None: no limit.
    """

    def __init__(self, channels: Sequence[int], dim: int = DIM, clamp: float | None = None) -> None:
        super().__init__()
        self.channels, self.clamp = tuple(channels), clamp
        self.size = SIZES[len(channels) - 1]
        self.slots = slots_for(self.size)
        self.input = nn.Parameter(torch.zeros(1, channels[0], 4, 4))
        self.conv = StyledConv(channels[0], channels[0], 4, dim=dim, clamp=clamp)
        self.head = ToRGB(channels[0], dim)
        self.blocks = nn.ModuleList(
            Block(inputs, outputs, 8 * 2**i, dim=dim, clamp=clamp)
            for i, (inputs, outputs) in enumerate(pairwise(channels))
        )

    def forward(self, codes: Tensor, noise_strength: float | Tensor = 1.0) -> Tensor:
        """Return the pictures of codes [N, slots, dim], or of one code for all slots [N, dim].

        noise_strength: strength of the frozen noise, 1 as trained, 0 for none.
        Returns: [N, 3, size, size], RGB, −1…1 and a little beyond.
        """
        if codes.ndim == 2:
            codes = codes[:, None].expand(-1, self.slots, -1)
        x = self.conv(self.input.expand(len(codes), -1, -1, -1), codes[:, 0], noise_strength)
        picture: Tensor = self.head(x, codes[:, 1])
        for i, block in enumerate(self.blocks):
            x, picture = block(x, picture, codes[:, 2 * i + 1 : 2 * i + 4], noise_strength)
        return picture


def smooth(x: Tensor) -> Tensor:
    """Return a transposed convolution's output, filtered: [N, C, H, W] → [N, C, H−1, W−1]."""
    return F.conv2d(x, low_pass(x), padding=1, groups=x.shape[1])


def double(x: Tensor) -> Tensor:
    """Return x at twice the size, low-pass filtered: [N, C, H, W] → [N, C, 2·H, 2·W]."""
    return F.conv_transpose2d(x, low_pass(x), stride=2, padding=1, groups=x.shape[1])


def low_pass(x: Tensor) -> Tensor:
    """Return the filter of a doubling for every channel of ``x``: [C, 1, 4, 4]."""
    taps = x.new_tensor(TAPS)
    return taps.outer(taps).expand(x.shape[1], 1, 4, 4)
