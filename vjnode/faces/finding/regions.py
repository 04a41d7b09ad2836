"""Regions of a picture of a face, from its landmarks: where a movement may change pixels."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382),
)
"""Landmarks along the lids: of the eye left in the picture, and of the right one."""

INNER_LIPS = (
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
)

_LOWER = (
    *(234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288),
    *(361, 323, 454, 345, 346, 329, 4, 100, 117, 116),
)
_UPPER = (
    *(234, 127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356, 454, 345),
    *(346, 329, 4, 100, 117, 116),
)
_CHEEKS = ((50, 101, 36, 205), (280, 330, 266, 425), (108, 337, 336, 107))

Mask = NDArray[np.bool_]


def area(points: NDArray[np.float32], which: Sequence[int], px: int, grow: float = 1.0) -> Mask:
    """Return the convex hull of landmarks as a mask, (px, px), enlarged about its middle.

    points: (468, 3), in picture widths.
    """
    hull = points[list(which), :2] * px
    middle = hull.mean(0)
    hull = np.round(middle + (hull - middle) * grow).astype(np.int32)
    mask = np.zeros((px, px), np.uint8)
    cv2.fillPoly(mask, [cv2.convexHull(hull)], 1)
    return mask.astype(bool)


def movable(points: NDArray[np.float32], px: int) -> dict[str, Mask]:
    """Return the regions that movements may change: ``face``, ``lower``, ``upper``, ``eyes``."""
    return {
        "face": area(points, OVAL, px, 1.08),
        "lower": area(points, _LOWER, px, 1.12),
        "upper": area(points, _UPPER, px, 1.1),
        "eyes": area(points, EYES[0], px, 1.9) | area(points, EYES[1], px, 1.9),
    }


def colour_regions(points: NDArray[np.float32], px: int) -> dict[str, Mask]:
    """Return the regions whose colours tell whether a person is another: hair, skin, background.

    hair: a ring around the face above the eyes. background: what is far from the head, above the
    mouth. Also ``face``, which nothing outside of may change.
    """
    face = area(points, OVAL, px, 1.06)
    rows = np.arange(px)[:, None] / px
    above_eyes = rows < points[[33, 263], 1].mean()
    skin = np.zeros_like(face)
    for cheek in _CHEEKS:
        skin |= area(points, cheek, px)
    return {
        "hair": area(points, OVAL, px, 1.35) & ~face & above_eyes,
        "skin": skin,
        "background": ~area(points, OVAL, px, 1.85) & (rows < points[[61, 291], 1].mean()),
        "face": face,
    }
