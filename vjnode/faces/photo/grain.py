"""Grain of pictures: their finest levels, compared by what they are like and not by each pixel.

Pores and hairs need not lie where those of another picture lie. A grid, which tuning brings about
in the last levels, shows as pixels that differ from what is smooth in the same way all over; and
lost pores as pixels that differ too little. Smooth is what lies between the means of squares of
four pixels.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.sampling import resized

_GRIDS = 4.0

_AROUND = 8
"""Squares of four along a side of the places over which grain is averaged."""


@dataclass(frozen=True)
class Grain:
    """Grain of one level, by colour and place in a square of four: means over places around.

    signed: of the differences of pixels from what is smooth, [1, 12, h, w]. size: of how
    large they are.
    """

    signed: Tensor
    size: Tensor

    def apart(self, other: "Grain") -> Tensor:
        """Return how much two differ, []; a grid counts more, for it is seen more."""
        grids = (self.signed - other.signed).abs().mean()
        return _GRIDS * grids + (self.size - other.size).abs().mean()

    def without_grid(self) -> "Grain":
        """Return what it would be if nothing differed in the same way all over."""
        return Grain(torch.zeros_like(self.signed), (self.size - self.signed.abs()).clamp(min=0))


def grain_of(picture: Tensor, least_px: int) -> dict[int, Grain]:
    """Return the grain of a picture, [1, 3, H, W], by the size of each level above ``least_px``."""
    found = dict[int, Grain]()
    while (px := picture.shape[-1]) > least_px:
        means = F.avg_pool2d(picture, 2)
        smooth = resized(means, px, "bilinear")
        differences, picture = F.pixel_unshuffle(picture - smooth, 2), means
        found[px] = Grain(_averaged(differences), _averaged(differences.abs()))
    return found


def grain_apart(one: dict[int, Grain], other: dict[int, Grain]) -> Tensor:
    """Return how much the grain of two pictures differs, levels of 0…1, mean of theirs."""
    apart = [grain.apart(other[px]) for px, grain in one.items()]
    return torch.stack(apart).mean() if apart else torch.zeros(())


def _averaged(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _AROUND)
