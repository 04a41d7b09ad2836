"""The factors of StyleGAN2's channels, for all layers at once.

Two batched matrix products: one from style codes to factors, one from their squares, with the
kernels' squared sums, to what demodulates. Done layer by layer they would be two hundred small
steps, and a card that needs microseconds to start each would spend longer on them than on the
picture.

Kernels are divided by their length, and the factors before a convolution by the largest of
them; demodulation undoes both exactly. So a convolution makes no value more than √(9·C) times
larger, and half precision neither overflows nor loses the small ones. The factors themselves
are computed in single precision.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vjnode.face.layout import DIM
from vjnode.face.stylegan2 import EPSILON, GAIN, Head, StyledConv

TINY = 1e-12
"""Nothing is divided by less."""


class Factors(nn.Module):
    """Style codes → the factors of every layer's channels.

    convs: in the order of drawing, so that conv i takes slot i. heads: likewise; head i takes
    slot 2i+1. dtype: of the factors for features.
    """

    def __init__(
        self, convs: Sequence[StyledConv], heads: Sequence[Head], dtype: torch.dtype
    ) -> None:
        super().__init__()
        affines = [*(conv.affine for conv in convs), *(head.affine for head in heads)]
        self.inputs = [affine.out_features for affine in affines]
        self.outputs = [len(conv.bias) for conv in convs]
        slots = torch.tensor([*range(len(convs)), *range(1, 2 * len(heads), 2)])
        self.register_buffer("slots", slots)
        self.slots: Tensor
        self.dtype = dtype
        # Layers narrower than the widest are padded with channels that stay zero.
        width = max(self.inputs)
        weight = torch.zeros(len(affines), DIM, width)
        bias = torch.zeros(len(affines), 1, width)
        squares = torch.zeros(len(convs), width, width)
        epsilon = torch.full((len(convs), 1, width), EPSILON)
        for i, affine in enumerate(affines):
            weight[i, :, : self.inputs[i]] = affine.weight.T
            bias[i, 0, : self.inputs[i]] = affine.bias
        for i, conv in enumerate(convs):
            kernel, length = normalised(conv)
            squares[i, : self.inputs[i], : self.outputs[i]] = kernel.square().sum((2, 3)).T
            epsilon[i, 0, : self.outputs[i]] = EPSILON / length.square()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        # What demodulates is a reciprocal root of these, and it includes the gain.
        self.squares = nn.Parameter(squares / GAIN**2)
        self.epsilon = nn.Parameter(epsilon / GAIN**2)

    def forward(self, codes: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Map codes [1, slots, DIM], float32.

        Returns: for every convolution what to scale its input by, and its output, [1, C, 1, 1];
        for every head what to scale its kernel by, [1, C, 1, 1], float32.
        """
        factors = torch.baddbmm(
            self.bias, codes[0].index_select(0, self.slots)[:, None], self.weight
        )
        convs = len(self.outputs)
        before, colours = factors[:convs], factors[convs:]
        largest = before.abs().amax(2, keepdim=True).clamp_min(TINY)
        before = before / largest
        squared = torch.bmm(before.square(), self.squares) + self.epsilon / largest.square()
        after = torch.rsqrt(squared)
        return (
            _split(before.to(self.dtype), self.inputs[:convs]),
            _split(after.to(self.dtype), self.outputs),
            _split(colours, self.inputs[convs:]),
        )


def normalised(conv: StyledConv) -> tuple[Tensor, Tensor]:
    """Kernels of length 1, [O, I, 3, 3], and what they were divided by, [O]."""
    length = conv.weight.flatten(1).norm(dim=1).clamp_min(TINY)
    return conv.weight / length[:, None, None, None], length


def _split(factors: Tensor, channels: Sequence[int]) -> list[Tensor]:
    """Cut factors [layers, 1, width] to each layer's channels: [1, C, 1, 1] each."""
    each = zip(factors.unbind(0), channels, strict=True)
    return [one[:, :count, None, None] for one, count in each]
