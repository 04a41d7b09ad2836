"""Key frames on disk: a folder for each look, a JPEG for each key."""

import logging
import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.storage import replace_file

_log = logging.getLogger(__name__)

_JPEG_END = b"\xff\xd9"  # a file that was cut off lacks it; the decoder would fill with grey

# Near-lossless: 46 dB against the drawing, a quarter of a PNG's size and decoding time.
_JPEG = [
    cv2.IMWRITE_JPEG_QUALITY,
    97,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


class KeyFiles:
    """What has been drawn before; usable from several threads at once.

    root: where the folders are; None keeps nothing. Nor is anything kept from when that has
    failed for the first time. size: pictures are size × size px.
    """

    def __init__(self, root: Path | None, size: int) -> None:
        self._root = root
        self._size = size
        self._failing = threading.Lock()

    def read(self, name: str, key: int) -> NDArray[np.uint8] | None:
        """Return a key of the look ``name``; None when it is not there, or damaged.

        Returns: shape (size, size, 4), uint8 RGBA.
        """
        if (root := self._root) is None:
            return None
        try:
            data = np.fromfile(_path(root, name, key), np.uint8)
        except OSError:
            return None
        return decode(data, self._size)

    def keep(self, name: str, key: int, data: NDArray[np.uint8]) -> None:
        """Write a key, as ``encode`` gives it. That the disk takes no more is logged once."""
        if (root := self._root) is None:
            return
        path = _path(root, name, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data.tobytes())
        except OSError as error:
            with self._failing:
                before, self._root = self._root, None
            if before is not None:
                _log.warning(
                    "key frames cannot be kept in %s (%s); they will be drawn again next time",
                    path.parent,
                    error.strerror,
                )


def _path(root: Path, name: str, key: int) -> Path:
    return root / name / f"{key:03d}.jpg"


def encode(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``picture``, (size, size, 4) uint8 RGBA, as JPEG: shape (bytes,), uint8."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGR), _JPEG)
    return np.asarray(data, np.uint8)


def decode(data: NDArray[np.uint8], size: int) -> NDArray[np.uint8] | None:
    """Return the picture in ``data``, (size, size, 4) uint8 RGBA; None when it is damaged."""
    if not data.size or data[-2:].tobytes() != _JPEG_END:
        return None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_BGR)
    if picture is None or picture.shape != (size, size, 3):
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA), np.uint8)
