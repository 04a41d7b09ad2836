"""Irises of a picture, differentiable: where they are between the lids."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.regions import EYES
from vjnode.faces.finding.sampling import sampled

EYE_PX = (24, 48)
"""Height and width of the picture of an eye, px."""

WIDTH_PX = 36
"""Width of the eye in it, from corner to corner, px."""

CORNERS = ((33, 133), (362, 263))
"""Landmarks of the corners of the eyes: left and right in the picture, each from left to right."""

IRIS = 0.19
"""Radius of an iris, in widths of an eye: 11.7 mm across, in an eye of 30 mm."""

_RING = 1.45
"""Outer radius of the ring that is compared with the iris, in its radii."""

_REACH = (7, 11)
"""Farthest places of an iris's middle from the eye's, px: down and across."""

_SHARPNESS = 30.0
"""Of the choice among places; contrasts of irises are about 0.3."""

_LEAST = 0.35
"""Part of an iris that must lie between the lids, to count in full."""


def iris(picture: Tensor, points: Tensor) -> Tensor:
    """Return where the irises are, [2]: right and down of the eye's middle, in widths of an eye.

    It is the place where a disc of an iris's size is darkest against the ring around it, each as
    far as it lies between the lids: so lids that cover a part of it do not move it.
    picture: [1, 3, H, W], 0…1. points: (468, 3), in picture widths; no gradient flows through them.
    """
    found = [_place(eye, inside) for eye, inside in _each_eye(picture, points)]
    return torch.stack(found).mean(0)


def _each_eye(picture: Tensor, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for both eyes the darkness of the upright eye, and a mask of what the lids show."""
    height, width = EYE_PX
    px = picture.shape[3]
    for lids, (left, right) in zip(EYES, CORNERS, strict=True):
        begin, end = points[left, :2] * px - 0.5, points[right, :2] * px - 0.5
        step = (end - begin) / WIDTH_PX
        turn = torch.stack((torch.stack((step[0], -step[1])), torch.stack((step[1], step[0]))))
        shift = (begin + end) / 2 - turn @ torch.tensor([(width - 1) / 2, (height - 1) / 2])
        eye = sampled(picture, torch.cat((turn, shift[:, None]), 1), width)[0, :, :height].mean(0)
        lid_px = (torch.linalg.inv(turn) @ ((points[list(lids), :2] * px - 0.5) - shift).T).T
        yield 1 - eye, torch.from_numpy(filled(lid_px.numpy(), EYE_PX)).float()


def _place(dark: Tensor, inside: Tensor) -> Tensor:
    disc, ring = _discs()
    shown = _summed(inside, disc), _summed(inside, ring)
    darker = _summed(dark * inside, disc) / (shown[0] + 0.5) - _summed(dark * inside, ring) / (
        shown[1] + 0.5
    )
    seen = (shown[0] / (_LEAST * disc.sum())).clamp(max=1)
    score = darker * seen
    down, across = _REACH
    middle = EYE_PX[0] // 2, EYE_PX[1] // 2
    score = score[middle[0] - down : middle[0] + down, middle[1] - across : middle[1] + across]
    likely = torch.softmax(_SHARPNESS * score.flatten(), 0).reshape(score.shape)
    y = torch.arange(-down, down) + 0.5
    x = torch.arange(-across, across) + 0.5
    return torch.stack(((likely.sum(0) * x).sum(), (likely.sum(1) * y).sum())) / WIDTH_PX


def _discs() -> tuple[Tensor, Tensor]:
    reach = int(np.ceil(IRIS * _RING * WIDTH_PX))
    along = torch.arange(-reach, reach + 1.0)
    far = (along[:, None].square() + along[None].square()).sqrt() / (IRIS * WIDTH_PX)
    return (far <= 1).float(), ((far > 1) & (far <= _RING)).float()


def _summed(values: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(values[None, None], kernel[None, None], padding=len(kernel) // 2)[0, 0]


def filled(points: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the polygon of points [N, 2], in px, as a mask of a shape (H, W)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    return mask.astype(bool)
