"""Eyes retouched: pictures of what a movement of lids and irises should make of a face at rest.

A landmark at a lid hardly moves when the eye shuts, and a generator darkens an eye as readily as it
turns it. So the wanted picture itself is made, by moving the face's own skin and eye up or down.
"""

from typing import Literal, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Retouch: TypeAlias = Literal["shut", "up", "down"]
"""Eyes that are shut, or that look up or down with the lids following."""

UPPER_LIDS = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (362, 398, 384, 385, 386, 387, 388, 466, 263),
)
LOWER_LIDS = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (362, 382, 381, 380, 374, 373, 390, 249, 263),
)
"""Landmarks of the lids' edges, of the eye left in the picture and of the right, left to right."""

_TURN = 0.11
"""Way of an iris that looks up or down, in widths of an eye."""

_FOLLOW = 0.8, 1.0, 0.3
"""Parts of that way that upper lid, eye and lower lid go."""

_LASHES_PX = 0.6
_STEP_PX = 0.01

Line: TypeAlias = NDArray[np.float64]


def retouched(picture: Tensor, points: Tensor, retouch: Retouch, amount: float) -> Tensor:
    """Return a picture, [1, 3, H, W], with its eyes moved by an amount of 0…1.

    picture: [1, 3, H, W], 0…1, of an upright face. points: (468, 3), in picture widths.
    """
    px = picture.shape[3]
    places = points.numpy().astype(np.float64)[:, :2] * px - 0.5
    x, rows = np.arange(px), np.arange(px, dtype=np.float64)
    source = np.repeat(rows[:, None], px, 1)
    for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        lid, floor = (_along(x, places[list(line)]) for line in (upper, lower))
        width = float(np.ptp(places[list(upper), 0]))
        open_columns = np.flatnonzero(floor - lid > 0)
        height = float((floor - lid)[open_columns].max(initial=0.0))
        for column in open_columns:
            edges = float(lid[column]), float(floor[column])
            if retouch == "shut":
                knots = _shut(edges, height, amount)
            else:
                sign = 1.0 if retouch == "down" else -1.0
                knots = _turned(edges, height, sign * amount * _TURN * width)
            source[:, column] = np.interp(rows, *knots)
    levels = picture[0].permute(1, 2, 0).numpy()
    across = np.repeat(x[None].astype(np.float32), px, 0)
    moved = cv2.remap(levels, across, source.astype(np.float32), cv2.INTER_LINEAR)
    return torch.from_numpy(moved).permute(2, 0, 1)[None]


def _along(x: NDArray[np.int_], line: Line) -> Line:
    """Return the heights of a line of points [N, 2] at columns x; no number beside it."""
    heights = np.interp(x, line[:, 0], line[:, 1])
    return np.where((x >= line[0, 0]) & (x <= line[-1, 0]), heights, np.nan)


def _shut(edges: tuple[float, float], height: float, amount: float) -> tuple[Line, Line]:
    """Return knots of a column, places and where they come from: skin is drawn over the eye."""
    lid, floor = edges
    top, lashes = lid - height - 1, lid + _LASHES_PX
    fallen = lashes + amount * max(0.0, floor - lashes)
    end = fallen + _STEP_PX
    far = 1e4
    return np.array([-far, top, fallen, end, far]), np.array([-far, top, lashes, end, far])


def _turned(edges: tuple[float, float], height: float, way: float) -> tuple[Line, Line]:
    """Return knots of a column, places and where they come from: the eye goes down by ``way``.

    Where the eye is narrow it goes less far, so that no column folds.
    """
    lid, floor = edges
    reach = height + 1
    way = float(np.clip(way, -0.8 * reach, 0.8 * reach)) * min(1.0, (floor - lid) / (0.5 * reach))
    whence = np.array([lid - reach, lid, (lid + floor) / 2, floor, floor + reach])
    places = whence + way * np.array([0.0, *_FOLLOW, 0.0])
    far = np.array([1e4])
    ascending = np.maximum.accumulate(places) + _STEP_PX * np.arange(len(places))
    return np.concatenate((-far, ascending, far)), np.concatenate((-far, whence, far))
