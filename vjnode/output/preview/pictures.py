"""Pictures as a browser takes them. All are (H, W, 3) RGB or (H, W, 4) RGBA, uint8."""

import cv2
import numpy as np
from numpy.typing import NDArray

PREVIEW_PX = 512
PREVIEW_QUALITY = 82
FULL_QUALITY = 92


def small_jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Return a square picture as a JPEG of ``PREVIEW_PX`` at most."""
    if len(picture) <= PREVIEW_PX:
        return jpeg(picture, PREVIEW_QUALITY)
    small = cv2.resize(picture, (PREVIEW_PX, PREVIEW_PX), interpolation=cv2.INTER_AREA)
    return jpeg(np.asarray(small, np.uint8), PREVIEW_QUALITY)


def jpeg(picture: NDArray[np.uint8], quality: int) -> bytes:
    """Return a picture as a JPEG, without its alpha."""
    _, data = cv2.imencode(".jpg", _opaque(picture), (cv2.IMWRITE_JPEG_QUALITY, quality))
    return bytes(data)


def opaque_png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG, without its alpha."""
    return _png(_opaque(picture))


def alpha_png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture, (H, W, 4), as a PNG with its alpha."""
    return _png(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA), np.uint8))


def _opaque(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    how = cv2.COLOR_RGBA2BGR if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    return np.asarray(cv2.cvtColor(picture, how), np.uint8)


def _png(picture: NDArray[np.uint8]) -> bytes:
    _, data = cv2.imencode(".png", picture, (cv2.IMWRITE_PNG_COMPRESSION, 1))
    return bytes(data)
