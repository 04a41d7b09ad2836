"""The folded generator with its largest pointwise convolutions in 8-bit integers.

They are two thirds of the work on a processor, which multiplies bytes about twice as fast as
floats. Each channel of their input is divided by the largest value that was measured in it
(``tools/train/quantise.py``), so that all channels share one step; the preceding depthwise
convolution includes that division at no cost, and the pointwise kernel reverts it. Kernels have a
step for each output channel. Everything else stays in floats: noise, activations, wavelets, and
the layers below ``LEAST_PX``, whose errors would spread over the whole face.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.folded_layers import FoldedConv, Noise, Pointwise

LEAST_PX = 128
"""Least size of quantised layers. At this size only the second convolution is quantised: the first
one costs as much quality and takes half of its time."""

LEVELS = 127
"""Number of levels on either side of zero."""


class Int8Pointwise(nn.Module):
    """A pointwise convolution whose input and kernel are rounded to 8 bits.

    limits: [C], divisor that was applied to each channel of the input.
    """

    def __init__(self, pointwise: Pointwise, limits: Tensor) -> None:
        super().__init__()
        weight = pointwise.weight * limits[:, None, None]
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = pointwise.bias
        self.register_buffer("steps", weight.abs().amax((1, 2, 3)) / LEVELS)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))
        self.steps: Tensor
        self.zeros: Tensor

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """Convolve x; see ``Pointwise.forward``."""
        if factors is not None:
            x = x * factors
        x = torch.fake_quantize_per_tensor_affine(x, 1 / LEVELS, 0, -LEVELS - 1, LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.steps, self.zeros, 0, -LEVELS, LEVELS
        )
        return F.conv2d(x, weight, self.bias)


class LaidOutNoise(Noise):
    """Noise that is the output of a convolution, and so has the memory layout of features.

    Otherwise OpenVINO would convert the features' layout twice to add it.
    """

    def forward(self, noise_strength: Tensor, top: int, bottom: int) -> Tensor:
        """Return rows of the noise; see ``Noise.forward``."""
        return F.conv2d(self.rows(top, bottom), noise_strength[None, None, None])


def int8_layers(folded: FoldedSynthesis) -> dict[str, FoldedConv]:
    """Return the convolutions that can be quantised to 8 bits, by name."""
    return {
        name: module
        for name, module in folded.named_modules()
        if isinstance(module, FoldedConv)
        and module.depthwise is not None
        and (module.px > LEAST_PX or (module.px == LEAST_PX and name.endswith("conv2")))
    }


def to_int8(folded: FoldedSynthesis, limits: Mapping[str, Tensor]) -> FoldedSynthesis:
    """Quantise the layers that ``limits`` names to 8 bits, in place; return ``folded``.

    limits: name of a layer → largest absolute value of each input channel of its pointwise
    convolution, [C]; larger values will be clipped.
    """
    for name, layer in int8_layers(folded).items():
        if name not in limits:
            continue
        limit = limits[name].clamp(min=1e-6)
        pointwise, depthwise = layer.pointwise, layer.depthwise
        assert isinstance(pointwise, Pointwise)  # noqa: S101 - it is not quantised yet
        assert depthwise is not None  # noqa: S101 - int8_layers has checked
        layer.pointwise = Int8Pointwise(pointwise, limit)
        if layer.noise is not None:
            layer.noise = LaidOutNoise(layer.noise.noise)
        layer.depthwise = nn.Parameter(depthwise / limit[:, None, None, None], requires_grad=False)
    return folded
