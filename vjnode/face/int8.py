"""The refolded generator with its largest convolutions in 8-bit integers.

The pointwise ones are two thirds of the work on a processor, which multiplies bytes about twice as
fast as floats. What comes into them is divided by the largest value that its channel has been seen
to take (``tools/quantise_generator.py``), so that all channels share one step; the depthwise
convolution before does that for nothing, and the pointwise kernel takes it back. Kernels have a
step for each output channel. On the largest pictures the depthwise convolutions are in 8 bits too,
which halves the bytes that they wait for; there the layer before them divides. Everything else
stays as it is: noise, activations, wavelets, and the layers below ``LEAST_PX``, whose errors would
spread over the whole face.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.face.fold import (
    Depthwise,
    FoldedBlock,
    FoldedConv,
    FoldedSynthesis,
    Noise,
    Pointwise,
    convolve,
)

LEAST_PX = 128
"""Of these the second only: the first costs as much quality and takes half of its time."""

DEPTHWISE_PX = 512
"""From this size on, depthwise convolutions are in 8 bits; smaller ones would gain nothing."""

ENTERING = ".depthwise"
"""What limits of depthwise convolutions are called, after their layer."""

LEVELS = 127
"""On either side of zero."""

LEAST = 1e-6
"""The lowest limit; some channels are always 0."""


class Int8Kernel(nn.Module):
    """A kernel, [O, I, …], rounded to 8 bits with a step for each output channel."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.register_buffer("steps", weight.abs().amax((1, 2, 3)) / LEVELS)
        self.register_buffer("zeros", torch.zeros(len(weight), dtype=torch.int32))
        self.steps: Tensor
        self.zeros: Tensor

    def forward(self) -> Tensor:
        """Return it rounded."""
        return torch.fake_quantize_per_channel_affine(
            self.weight, self.steps, self.zeros, 0, -LEVELS, LEVELS
        )


def rounded(x: Tensor) -> Tensor:
    """Round features that were divided by their limits to 8 bits."""
    return torch.fake_quantize_per_tensor_affine(x, 1 / LEVELS, 0, -LEVELS - 1, LEVELS)


class Int8Pointwise(nn.Module):
    """A pointwise convolution whose input and kernel are rounded to 8 bits.

    limits: [C], what each channel of the input has been divided by. then: [O], what each channel
    of the output is to be divided by.
    """

    def __init__(self, pointwise: Pointwise, limits: Tensor, then: Tensor | None = None) -> None:
        super().__init__()
        weight: Tensor = pointwise.weight * limits[:, None, None]
        bias: Tensor = pointwise.bias
        if then is not None:
            weight, bias = weight / then[:, None, None, None], bias / then
        self.kernel = Int8Kernel(weight)
        self.bias = nn.Parameter(bias.detach(), requires_grad=False)

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """As ``Pointwise`` does."""
        if factors is not None:
            x = x * factors
        return F.conv2d(rounded(x), self.kernel(), self.bias)


class Int8Depthwise(nn.Module):
    """A depthwise convolution whose input and kernel are rounded to 8 bits.

    limits: [C], what each channel of the input has been divided by.
    """

    def __init__(self, depthwise: Depthwise, limits: Tensor) -> None:
        super().__init__()
        self.kernel = Int8Kernel(depthwise.weight * limits[:, None, None, None])

    def forward(self, x: Tensor, ends: tuple[int, int] | None) -> Tensor:
        """As ``Depthwise`` does."""
        return convolve(rounded(x), self.kernel(), ends)


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


def int8_blocks(folded: FoldedSynthesis) -> dict[str, FoldedBlock]:
    """Return the blocks whose depthwise convolutions can be in 8 bits, by name."""
    return {
        name: module
        for name, module in folded.named_modules()
        if isinstance(module, FoldedBlock)
        and module.px >= DEPTHWISE_PX
        and module.conv1.noise is None  # what comes into the second would not be divided whole
    }


def to_int8(folded: FoldedSynthesis, limits: Mapping[str, Tensor]) -> FoldedSynthesis:
    """Turn the layers that ``limits`` names into 8 bits, in place; return ``folded``.

    limits: name of a layer → largest absolute value of each channel that comes into its pointwise
    convolution, [C]; name and ``ENTERING`` → into its depthwise one, for both layers of a block in
    ``int8_blocks``, or neither. Larger values will be cut off.
    """
    limits = {name: limit.clamp(min=LEAST) for name, limit in limits.items()}
    then: dict[str, Tensor] = {}
    for name, block in int8_blocks(folded).items():
        first, second = (limits.get(f"{name}.{conv}{ENTERING}") for conv in ("conv1", "conv2"))
        if first is not None and second is not None:
            block.style1.divide(first)
            then[f"{name}.conv1"] = second
    for name, layer in int8_layers(folded).items():
        if name not in limits:
            continue
        limit, pointwise, depthwise = limits[name], layer.pointwise, layer.depthwise
        assert isinstance(pointwise, Pointwise)  # noqa: S101 - it is not in 8 bits yet
        assert isinstance(depthwise, Depthwise)  # noqa: S101 - int8_layers has looked
        layer.pointwise = Int8Pointwise(pointwise, limit, then.get(name))
        if layer.noise is not None:
            layer.noise = LaidOutNoise(layer.noise.noise)
        layer.depthwise = Depthwise(depthwise.weight / limit[:, None, None, None])
        if (entering := limits.get(name + ENTERING)) is not None:
            layer.depthwise = Int8Depthwise(layer.depthwise, entering)
    return folded.requires_grad_(requires_grad=False)
