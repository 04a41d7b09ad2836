"""Sampling of pictures, differentiable; on a card, too, gradients are the same each time.

There the gradients of torch's own functions add up what reaches a pixel in any order.
"""

from itertools import product

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
    if picture.device.type != "cpu":
        return _gathered(picture, x, y)
    grid = torch.stack(((x + 0.5) * 2 / width - 1, (y + 0.5) * 2 / height - 1), -1)[None]
    return F.grid_sample(picture, grid, align_corners=False, padding_mode="zeros")


def resized(picture: Tensor, px: int, mode: str) -> Tensor:
    """Return a picture, [1, C, H, W], of ``px`` × ``px``. mode: ``area`` or ``bilinear``."""
    if picture.device.type == "cpu":
        return F.interpolate(picture, (px, px), mode=mode)
    down, across = (_shares(length, px, mode) for length in picture.shape[2:])
    return down.T @ picture @ across


def _shares(length: int, px: int, mode: str) -> Tensor:
    """Return the share of each of ``length`` pixels in a row in each of ``px`` new ones."""
    rows = torch.eye(length)[None]
    return F.interpolate(rows, px, mode="linear" if mode == "bilinear" else mode)[0]


def _gathered(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Return a picture at places in it, [px, px] each, as ``F.grid_sample`` does."""
    height, width = picture.shape[2:]
    pixels, total = picture.flatten(2), torch.zeros(())
    for right, below in product((0, 1), (0, 1)):
        column, row = x.floor() + right, y.floor() + below
        share = (1 - (x - column).abs()) * (1 - (y - row).abs())
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
        total = total + pixels[..., place.long()] * (share * inside)
    return total
