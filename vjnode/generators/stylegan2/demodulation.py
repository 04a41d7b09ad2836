"""Modulation and demodulation factors of StyleGAN2's channels, for all layers at once.

Two batched matrix products: one from style codes to factors, one from their squares, with the
kernels' squared sums, to the demodulation.

Kernels are divided by their length, and the factors before a convolution by the largest of
them; demodulation undoes both exactly. So a convolution makes no value more than √(9·C) times
larger, and half precision neither overflows nor loses small values. The factors themselves are
computed in single precision.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vjnode.generators.ops import Affines, split
from vjnode.generators.stylegan2.model import EPSILON, GAIN, StyledConv, ToRGB

TINY = 1e-12
"""Least divisor."""


class Factors(nn.Module):
    """Style codes → the factors of every layer's channels.

    convs: in the order of drawing, so that conv i takes slot i. heads: the ToRGB layers, likewise;
    number i takes slot 2i+1. dtype: of the factors for features.
    """

    def __init__(
        self, convs: Sequence[StyledConv], heads: Sequence[ToRGB], dtype: torch.dtype
    ) -> None:
        super().__init__()
        affines = [*(conv.affine for conv in convs), *(head.affine for head in heads)]
        slots = [*range(len(convs)), *range(1, 2 * len(heads), 2)]
        maps = [(affine.weight, affine.bias) for affine in affines]
        self.affines = Affines(maps, slots, _moved(convs, heads))
        self.inputs = self.affines.widths
        self.outputs = [len(conv.bias) for conv in convs]
        self.dtype = dtype
        # Layers narrower than the widest are padded with channels that stay zero.
        width = max(self.inputs)
        squares = torch.zeros(len(convs), width, width)
        epsilon = torch.full((len(convs), 1, width), EPSILON)
        for i, conv in enumerate(convs):
            kernel, length = normalised(conv)
            squares[i, : self.inputs[i], : self.outputs[i]] = kernel.square().sum((2, 3)).T
            epsilon[i, 0, : self.outputs[i]] = EPSILON / length.square()
        # The demodulation is the reciprocal root of these, and includes the gain.
        self.squares = nn.Parameter(squares / GAIN**2)
        self.epsilon = nn.Parameter(epsilon / GAIN**2)

    def forward(
        self, codes: Tensor, offsets: Tensor | None = None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Return the factors of codes [1, slots, DIM], float32.

        offsets: what is added to the factors of the affine maps, [1, styles or more]: of the
            layers in the order of drawing.
        Returns: for every convolution the factors of its input, and of its output, [1, C, 1, 1];
        for every ToRGB layer the factors of its kernel, [1, C, 1, 1], float32.
        """
        factors = self.affines(codes, offsets)
        convs = len(self.outputs)
        before, colours = factors[:convs], factors[convs:]
        largest = before.abs().amax(2, keepdim=True).clamp_min(TINY)
        before = before / largest
        squared = torch.bmm(before.square(), self.squares) + self.epsilon / largest.square()
        after = torch.rsqrt(squared)
        return (
            split(before.to(self.dtype), self.inputs[:convs]),
            split(after.to(self.dtype), self.outputs),
            split(colours, self.inputs[convs:]),
        )


def _moved(convs: Sequence[StyledConv], heads: Sequence[ToRGB]) -> list[tuple[Tensor, float]]:
    """Return the places of all factors among the offsets: of ``convs``, then of ``heads``.

    At each size the ToRGB layer comes after the convolutions; at 4×4 there is one, else two.
    """
    widths = [len(conv.affine.bias) for conv in convs]
    for i, head in enumerate(heads):
        widths.insert(3 * i + 1, len(head.affine.bias))
    each = [(places, 1.0) for places in torch.split(torch.arange(sum(widths)), widths)]
    return [*(one for i, one in enumerate(each) if i % 3 != 1), *each[1::3]]


def normalised(conv: StyledConv) -> tuple[Tensor, Tensor]:
    """Return kernels of length 1, [O, I, 3, 3], and the lengths that divided them, [O]."""
    length = conv.weight.flatten(1).norm(dim=1).clamp_min(TINY)
    return conv.weight / length[:, None, None, None], length
