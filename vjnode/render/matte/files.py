"""Mattes on disk, beside the key frames of their looks."""

import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.paths import replace_file
from vjnode.render.base import Latents, Look
from vjnode.render.keyframe_files import folder_name

_log = logging.getLogger(__name__)

VERSION = 1
"""Number that rises when mattes are made otherwise, so that none of an earlier way is taken."""

WEIGHTS = tuple(index / 7 for index in range(8))
"""Weights of the first channel whose pictures a matte is made from."""


def namer(latents: Latents, size: int, engine_name: Callable[[], str]) -> Callable[[Look], str]:
    """Return what names the folder of a look's matte: by everything that the matte depends on."""

    def name(look: Look) -> str:
        made_by = f"matte {VERSION} {engine_name()}"
        return folder_name(made_by, look, size, (latents(look, (w,)) for w in WEIGHTS))

    return name


class MatteFiles:
    """Mattes of earlier shows; a disk that takes none leaves them to be made again.

    root: folder of the key frames; None keeps nothing. size: of mattes, px.
    """

    def __init__(self, root: Path | None, size: int) -> None:
        self._root, self._size = root, size

    def read(self, name: str) -> NDArray[np.uint8] | None:
        """Return the matte in the folder ``name``; None when it is not there, or damaged.

        Returns: shape (size, size, 4), uint8.
        """
        if self._root is None:
            return None
        try:
            data = np.fromfile(self._path(self._root, name), np.uint8)
        except OSError:
            return None
        matte = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if matte is None or matte.shape != (self._size, self._size, 4):
            return None
        return np.asarray(cv2.cvtColor(matte, cv2.COLOR_BGRA2RGBA), np.uint8)

    def keep(self, name: str, matte: NDArray[np.uint8]) -> None:
        """Write a matte, if that is possible."""
        if self._root is None:
            return
        options = [cv2.IMWRITE_PNG_COMPRESSION, 3]
        _, data = cv2.imencode(".png", cv2.cvtColor(matte, cv2.COLOR_RGBA2BGRA), options)
        path = self._path(self._root, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data.tobytes())
        except OSError as error:
            _log.info("%s cannot be written (%s); it is made again next time", path, error.strerror)

    @staticmethod
    def _path(root: Path, name: str) -> Path:
        return root / name / "matte.png"
