"""Glasses, by their bridge: a line across the nose between the eyes, which nothing else draws."""

import cv2
import numpy as np
from numpy.typing import NDArray

THERE = 0.04
"""Contrast from which on there are glasses. Of 50 random faces those with a dark frame have 0.06 to
0.09, all others less than 0.033, the few rimless ones among them."""

_PATCH_PX = (40, 24)
_EYES_PX = 64
"""Height and width of the patch between the eyes, and the eyes' distance in it, px."""

_INNER, _OUTER = (133, 362), (33, 263)
"""Landmarks of the eyes' corners, left and right in the picture."""


def bridge(picture: NDArray[np.uint8], points: NDArray[np.float32]) -> float:
    """Return the contrast of the strongest line across the nose, 0…1.

    picture: (H, W, 3), RGB. points: its landmarks, (468, 3), in picture widths.
    """
    inner, outer = (
        points[list(which), :2].astype(float) * picture.shape[1] for which in (_INNER, _OUTER)
    )
    left, right = (inner + outer) / 2
    across = (right - left) / _EYES_PX
    turn = np.array([[across[0], -across[1]], [across[1], across[0]]])
    height, width = _PATCH_PX
    shift = inner.mean(0) - turn @ (width / 2, height / 2)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(grey, np.c_[turn, shift], (width, height), flags=flags)
    rows = cv2.GaussianBlur(patch, (0, 0), 1).mean(1)
    return float(np.abs(np.diff(rows)).max())
