"""Sampling of a picture along an affine map, differentiable."""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)


def sampled(picture: Tensor, matrix: Tensor, px: int) -> Tensor:
    """Return a picture of ``px`` × ``px``, sampled bilinearly; black outside.

    picture: [1, C, H, W]. matrix: [2, 3], from the new pixel's (x, y, 1) to the old one's (x, y).
    """
    height, width = picture.shape[2:]
    ys, xs = torch.meshgrid(torch.arange(float(px)), torch.arange(float(px)), indexing="ij")
    x = matrix[0, 0] * xs + matrix[0, 1] * ys + matrix[0, 2]
    y = matrix[1, 0] * xs + matrix[1, 1] * ys + matrix[1, 2]
    grid = torch.stack(((x + 0.5) * 2 / width - 1, (y + 0.5) * 2 / height - 1), -1)[None]
    return F.grid_sample(picture, grid, align_corners=False, padding_mode="zeros")
