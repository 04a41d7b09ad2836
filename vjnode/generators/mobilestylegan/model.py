"""MobileStyleGAN in torch: from noise to style code, and from style codes to a picture.

Belousov, MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis, arXiv 2104.04767. Written to be read; ``vjnode.generators.mobilestylegan.folded`` is the
form that runs.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.layout import BLOCKS, DIM, SLOTS, WIDTHS

SLOPE = 0.2
"""Slope of the leaky ReLU below zero."""


class Mapping(nn.Module):
    """Noise z → style code w: fully connected layers on normalised noise.

    dim: length of noise and style codes. depth: number of layers.
    """

    def __init__(self, dim: int = DIM, depth: int = 8) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(dim, dim) for _ in range(depth))
        self.register_buffer("mean", torch.zeros(dim))
        self.mean: Tensor

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """Return w, [N, dim], of z, [N, dim], standard normal.

        truncation: 1 leaves w as it is, 0 gives the mean face; a smaller value gives plainer and
            cleaner faces.
        """
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            w = 2**0.5 * F.leaky_relu(layer(w), SLOPE)
        return self.mean + truncation * (w - self.mean)


class Affine(nn.Linear):
    """One style code, of length ``dim`` → one factor for each channel, [N, C, 1, 1]."""

    def __init__(self, channels: int, dim: int = DIM) -> None:
        super().__init__(dim, channels)

    def forward(self, code: Tensor) -> Tensor:
        """Return the factors of a code [N, dim]."""
        return super().forward(code)[:, :, None, None]


class StyledConv(nn.Module):
    """Modulated convolution, then frozen noise, bias and activation.

    The kernels are stored demodulated: this network demodulates by constants.
    A depthwise 3×3 and a pointwise convolution, except at 4×4, where one dense 3×3 does both.
    """

    def __init__(self, inputs: int, outputs: int, px: int, *, separable: bool = True) -> None:
        super().__init__()
        self.affine = Affine(inputs)
        self.gain = (inputs * 9) ** -0.5
        self.depthwise = nn.Parameter(torch.zeros(inputs, 1, 3, 3)) if separable else None
        kernel = 1 if separable else 3
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.noise = nn.Parameter(torch.zeros(1, 1, px, px))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return features [N, outputs, px, px], for x, [N, inputs, px, px], and code, [N, DIM]."""
        x = x * (self.gain * self.affine(code))
        if self.depthwise is None:
            x = F.conv2d(x, self.weight, padding=1)
        else:
            x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
            x = F.conv2d(x, self.weight)
        return F.leaky_relu(x + self.noise + self.bias[:, None, None], SLOPE)


class Up(nn.Module):
    """Modulated up-sampling: an inverse Haar transform of means and details."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.affine = Affine(channels)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return [N, C/4, 2·px, 2·px] from x, [N, C, px, px], whose first quarter are the means."""
        return inverse_haar(x * self.affine(code))


class Block(nn.Module):
    """Doubling of the size, then two convolutions."""

    def __init__(self, inputs: int, outputs: int, px: int) -> None:
        super().__init__()
        self.up = Up(inputs)
        self.conv1 = StyledConv(inputs // 4, outputs, px)
        self.conv2 = StyledConv(outputs, outputs, px)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """Return features of twice the size; codes: [N, 3, DIM], the block's slots."""
        x = self.conv1(self.up(x, codes[:, 0]), codes[:, 0])
        y: Tensor = self.conv2(x, codes[:, 1])
        return y


class ToRGB(nn.Module):
    """ToRGB layer: features → the Haar coefficients of a picture, [N, 12, px, px]."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.affine = Affine(inputs)
        self.gain = inputs**-0.5
        self.weight = nn.Parameter(torch.zeros(12, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(12))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Return the coefficients, for x, [N, inputs, px, px], and code, [N, DIM]."""
        return F.conv2d(x * (self.gain * self.affine(code)), self.weight, self.bias)


class Synthesis(nn.Module):
    """Style codes → picture."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.zeros(1, WIDTHS[0], 4, 4))
        self.conv1 = StyledConv(WIDTHS[0], WIDTHS[0], 4, separable=False)
        self.blocks = nn.ModuleList(
            Block(WIDTHS[i], WIDTHS[i + 1], 8 * 2**i) for i in range(BLOCKS)
        )
        self.head = ToRGB(WIDTHS[-1])

    def forward(self, codes: Tensor) -> Tensor:
        """Return the pictures of codes [N, SLOTS, DIM], or of one code for all slots [N, DIM].

        Returns: [N, 3, 1024, 1024], RGB, −1…1 and a little beyond.
        """
        if codes.ndim == 2:
            codes = codes[:, None].expand(-1, SLOTS, -1)
        x = self.conv1(self.input.expand(len(codes), -1, -1, -1), codes[:, 0])
        for i, block in enumerate(self.blocks):
            x = block(x, codes[:, 3 * i + 1 : 3 * i + 4])
        return inverse_haar(self.head(x, codes[:, 3 * BLOCKS]))


def inverse_haar(x: Tensor) -> Tensor:
    """Return the inverse of one level of the orthonormal Haar wavelet transform.

    x: [N, 4·C, H, W]: C means, then for each of them its three details (along rows,
    along columns, diagonal). Returns: [N, C, 2·H, 2·W].
    """
    channels = x.shape[1] // 4
    mean = x[:, :channels]
    details = x[:, channels:].reshape(len(x), channels, 3, *x.shape[2:])
    rows, columns, diagonal = details.unbind(2)
    top = torch.stack((mean + rows + columns + diagonal, mean + rows - columns - diagonal), -1)
    below = torch.stack((mean - rows + columns - diagonal, mean - rows - columns + diagonal), -1)
    return 0.5 * torch.stack((top.flatten(-2), below.flatten(-2)), -2).flatten(-3, -2)


def load(weights: Path) -> tuple[Mapping, Synthesis]:
    """Return both networks from the file of ``download.generator_weights()``, for inference."""
    tensors = load_file(weights)
    mapping, synthesis = Mapping(), Synthesis()
    prefix = "mapping."
    of_mapping = {
        f"layers.{name.removeprefix(prefix)}": value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    mapping.load_state_dict(of_mapping | {"mean": tensors["mean"]})
    synthesis.load_state_dict(
        {k: v for k, v in tensors.items() if not k.startswith(prefix) and k != "mean"}
    )
    return mapping.eval().requires_grad_(False), synthesis.eval().requires_grad_(False)
