"""Dissolves: several pictures in one."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.render.base import Picture


class Dissolve:
    """Pictures on top of one another. parts: each with its share, more than 0 together."""

    def __init__(self, parts: Sequence[tuple[Picture, float]]) -> None:
        self._parts = parts

    def copy_to(self, out: NDArray[np.uint8]) -> None:
        """Add them up into ``out``; see ``Picture.copy_to``."""
        (first, whole), *others = ((one, part) for one, part in self._parts if part > 0.0)
        first.copy_to(out)
        over = np.empty_like(out) if others else out
        for picture, part in others:
            whole += part
            picture.copy_to(over)
            cv2.addWeighted(over, part / whole, out, 1.0 - part / whole, 0.0, dst=out)
