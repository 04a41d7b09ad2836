"""Operations of generators for graphics cards, where starting each operation takes microseconds.

Depthwise convolutions are sums of shifted pictures: a compiler fuses such a sum with the operations
before and after it into one pass over the picture. On a card such a convolution is limited by
memory alone, so that fused it costs next to nothing; without a compiler, one convolution is faster.
Taps have channels last, so that a compiler, which follows the layout of its inputs, chooses that
for pictures too.

The affine maps of style codes are one batched product: separately they would be dozens of small
operations, and a card would spend longer on starting them than on the picture.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

EDGES = (1, 1, 1, 1)
"""Padding by zeros: left, right, above and below."""


def plain_taps(kernel: Tensor) -> Tensor:
    """Return the taps for ``convolved``, [k, k, C], of a kernel [C, 1, k, k]."""
    return kernel[:, 0].permute(1, 2, 0).contiguous()


def convolved(x: Tensor, taps: Tensor) -> Tensor:
    """Return x, [1, C, H, W], padded by zeros and convolved depthwise.

    taps: [k, k, C], or of one channel for all. Returns: [1, C, H + 3 - k, W + 3 - k].
    """
    x, side = F.pad(x, EDGES), len(taps)
    height, width = x.shape[2] - side + 1, x.shape[3] - side + 1
    return _sum(
        x[:, :, i : i + height, j : j + width] * taps[i, j, None, :, None, None]
        for i in range(side)
        for j in range(side)
    )


def doubling_taps(kernel: Tensor) -> Tensor:
    """Return taps for ``doubled`` that insert zeros between pixels and apply a 4×4 convolution.

    kernel: [C, 1, 4, 4]. Returns: [1, 2, 2, 2, 2, C].
    """
    # Each of the four new pixels at an old one has four of the taps.
    taps = kernel[:, 0].reshape(-1, 2, 2, 2, 2).flip((1, 2, 3, 4))
    return taps.permute(1, 3, 2, 4, 0)[None].contiguous()


def haar_taps(kernel: Tensor) -> Tensor:
    """Return taps for ``doubled`` of twice the inverse Haar transform and a 3×3 convolution.

    kernel: [C, 1, 3, 3]. Returns: [4, 2, 2, 2, 2, C]; channels in quarters are those of
    ``vjnode.generators.mobilestylegan.folded_layers.butterfly``.
    """
    # Along one axis, the kernel at each of two new pixels covers three new pixels, which come from
    # two old ones: as the mean, and as the difference with the sign of its position.
    axis = kernel.new_zeros(2, 2, 3, 2)
    for phase in (0, 1):
        for tap in (0, 1, 2):
            old, place = divmod(phase + tap + 1, 2)
            axis[phase, old - phase, tap] = kernel.new_tensor((1.0, 1.0 - 2.0 * place))
    taps = torch.einsum("cuv,amus,bnvr->rsmnabc", kernel[:, 0], axis, axis)
    return taps.flatten(0, 1).contiguous()


def doubled(x: Tensor, taps: Tensor) -> Tensor:
    """Return x at twice the size: each new pixel sums its nearest 2×2 old ones of every part.

    x: [1, Q·C, H, W], of Q parts. taps: [Q, 2, 2, 2, 2, C], of old rows and columns, from the top
    left, for new rows and columns. Returns: [1, C, 2·H, 2·W].
    """
    height, width = x.shape[2:]
    # Old pixels for both new rows and both new columns: [1, H + 1, 2, W + 1, 2, Q·C].
    x = F.pad(x, EDGES).unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 4, 3, 5, 1)
    y = _sum(
        part[:, i : i + height, :, j : j + width] * taps[q, i, j, :, None]
        for q, part in enumerate(x.chunk(len(taps), -1))
        for i in (0, 1)
        for j in (0, 1)
    )
    return y.reshape(1, 2 * height, 2 * width, -1).permute(0, 3, 1, 2)


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, terms)


class Affines(nn.Module):
    """Affine maps of style codes, batched: each map gets the code of its slot.

    maps: weight [C, dim] and bias [C] of each; narrower ones are padded with zeros to the widest.
    slots: of each. moved: of the first so many, places of their values among the offsets, [C], and
        the gain that an offset takes part in.
    """

    def __init__(
        self,
        maps: Sequence[tuple[Tensor, Tensor]],
        slots: Sequence[int],
        moved: Sequence[tuple[Tensor, float]],
    ) -> None:
        super().__init__()
        self.widths = [len(bias) for _, bias in maps]
        self.register_buffer("slots", torch.tensor(slots))
        self.slots: Tensor
        like, width = maps[0][0], max(self.widths)
        weight = like.new_zeros(len(maps), like.shape[1], width)
        bias = like.new_zeros(len(maps), 1, width)
        for i, (own_weight, own_bias) in enumerate(maps):
            weight[i, :, : self.widths[i]] = own_weight.T
            bias[i, 0, : self.widths[i]] = own_bias
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        # What no offset moves takes the zero that is put behind them.
        places = torch.full((len(maps), width), sum(len(own) for own, _ in moved))
        gains = like.new_zeros(len(maps), 1, width)
        for i, (own, gain) in enumerate(moved):
            places[i, : len(own)] = own
            gains[i, 0, : len(own)] = gain
        self.register_buffer("places", places.flatten())
        self.register_buffer("gains", gains)
        self.places: Tensor
        self.gains: Tensor

    def forward(self, codes: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return values [maps, 1, the widest] of codes [1, slots, dim]; see ``split``.

        offsets: [1, styles], added to the values, times their gains.
        """
        chosen = codes[0].index_select(0, self.slots)[:, None]
        values = torch.baddbmm(self.bias, chosen, self.weight)
        if offsets is None:
            return values
        each = F.pad(offsets[0], (0, 1)).index_select(0, self.places)
        return values + self.gains * each.view(self.gains.shape)


def split(values: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Return each map's own values, [1, C, 1, 1], out of values [maps, 1, the widest]."""
    each = zip(values.unbind(0), widths, strict=True)
    return [one[:, :count, None, None] for one, count in each]
