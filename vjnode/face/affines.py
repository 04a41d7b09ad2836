"""Many affine maps of style codes as one batched product.

Done one by one they would be dozens of small steps, and a card that needs microseconds to start
each would spend longer on them than on the picture.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vjnode.face.layout import DIM


class Affines(nn.Module):
    """Style codes → the values of every map, each given the code of its slot.

    maps: weight [C, DIM] and bias [C] of each; those narrower than the widest get zeros.
    """

    def __init__(self, maps: Sequence[tuple[Tensor, Tensor]], slots: Sequence[int]) -> None:
        super().__init__()
        self.widths = [len(bias) for _, bias in maps]
        self.register_buffer("slots", torch.tensor(slots))
        self.slots: Tensor
        like, width = maps[0][0], max(self.widths)
        weight = like.new_zeros(len(maps), DIM, width)
        bias = like.new_zeros(len(maps), 1, width)
        for i, (own_weight, own_bias) in enumerate(maps):
            weight[i, :, : self.widths[i]] = own_weight.T
            bias[i, 0, : self.widths[i]] = own_bias
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes [1, slots, DIM] to values [maps, 1, the widest]; see ``split``."""
        return torch.baddbmm(self.bias, codes[0].index_select(0, self.slots)[:, None], self.weight)


def split(values: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Cut values [maps, 1, the widest] to each map's own: [1, C, 1, 1] each."""
    each = zip(values.unbind(0), widths, strict=True)
    return [one[:, :count, None, None] for one, count in each]
