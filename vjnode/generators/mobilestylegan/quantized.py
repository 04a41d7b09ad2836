"""The refolded generator with its largest pointwise convolutions in 8-bit integers.

They are two thirds of the work on a processor, which multiplies bytes about twice as fast as
floats. What comes into them is divided by the largest value that its channel has been seen to
take (``tools/train/quantise.py``), so that all channels share one step; the depthwise
convolution before does that for nothing, and the pointwise kernel takes it back. Kernels have a
step for each output channel. Everything else stays as it is: noise, activations, wavelets, and
the layers below ``LEAST_PX``, whose errors would spread over the whole face.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.generators.mobilestylegan.folded import FoldedConv, FoldedSynthesis, Noise, Pointwise

LEAST_PX = 128
"""Of these the second only: the first costs as much quality and takes half of its time."""

LEVELS = 127
"""On either side of zero."""


class Int8Pointwise(nn.Module):
    """A pointwise convolution whose input and kernel are rounded to 8 bits.

    limits: [C], what each channel of the input has been divided by.
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
        """As ``Pointwise`` does."""
        if factors is not None:
            x = x * factors
        x = torch.fake_quantize_per_tensor_affine(x, 1 / LEVELS, 0, -LEVELS - 1, LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.steps, self.zeros, 0, -LEVELS, LEVELS
        )
        return F.conv2d(x, weight, self.bias)


class LaidOutNoise(Noise):
    """Noise that comes out of a convolution, and so in the order in memory that features have.

    As it is, OpenVINO would turn the features around twice to add it.
    """

    def forward(self, texture: Tensor, top: int, bottom: int) -> Tensor:
        """As ``Noise`` does."""
        return F.conv2d(self.rows(top, bottom), texture[None, None, None])


def int8_layers(folded: FoldedSynthesis) -> dict[str, FoldedConv]:
    """Return the convolutions that can be in 8 bits, by name."""
    return {
        name: module
        for name, module in folded.named_modules()
        if isinstance(module, FoldedConv)
        and module.depthwise is not None
        and (module.px > LEAST_PX or (module.px == LEAST_PX and name.endswith("conv2")))
    }


def to_int8(folded: FoldedSynthesis, limits: Mapping[str, Tensor]) -> FoldedSynthesis:
    """Turn the layers that ``limits`` names into 8 bits, in place; return ``folded``.

    limits: name of a layer → largest absolute value of each channel that comes into its pointwise
    convolution, [C]; larger ones will be cut off.
    """
    for name, layer in int8_layers(folded).items():
        if name not in limits:
            continue
        limit = limits[name].clamp(min=1e-6)
        pointwise, depthwise = layer.pointwise, layer.depthwise
        assert isinstance(pointwise, Pointwise)  # noqa: S101 - it is not in 8 bits yet
        assert depthwise is not None  # noqa: S101 - int8_layers has looked
        layer.pointwise = Int8Pointwise(pointwise, limit)
        if layer.noise is not None:
            layer.noise = LaidOutNoise(layer.noise.noise)
        layer.depthwise = nn.Parameter(depthwise / limit[:, None, None, None], requires_grad=False)
    return folded
