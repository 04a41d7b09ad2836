"""Backgrounds that stand behind a head that was cut out: a colour, a picture, or a blur."""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError

USAGE = "keep|black|blur|#RRGGBB|FILE"

_BLURRED_PX = 64
"""Side at which a blur is made, px: nothing finer is left in it."""

_SHOWN = 120
"""Characters of a bad value that an error shows."""

_BLUR = 0.08
"""Standard deviation of the blur, in picture widths."""


def check_background(text: str) -> str:
    """Return ``text`` if it names a background.

    Raises:
        InputError: it is no known word, no colour, and no picture that can be read.
    """
    if text in ("keep", "black", "blur") or re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return text
    path = Path(text).expanduser()
    if text.startswith("#") or not _is_file(path):
        raise InputError(
            f"background={text[:_SHOWN]} is not keep, black, blur, a colour such as #00ff00, "
            "or the name of a picture file that is there"
        )
    _square(path, 1)
    return text


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for any file
        return False


class Background:
    """A background of ``size`` × ``size`` px.

    text: as ``check_background`` returns it.

    Raises:
        InputError: a picture that cannot be read any more.
    """

    def __init__(self, text: str, size: int) -> None:
        self._size = size
        self._still: NDArray[np.uint8] | None = None
        if text in ("keep", "blur"):
            return
        self._still = np.full((size, size, 4), 255, np.uint8)
        if text == "black":
            self._still[..., :3] = 0
        elif text.startswith("#"):
            self._still[..., :3] = tuple(bytes.fromhex(text[1:]))
        else:
            self._still[..., :3] = _square(Path(text).expanduser(), size)

    def behind(self, picture: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the background of one picture, RGBA, opaque; a fresh array.

        picture: (size, size, 4) uint8 RGBA. alpha: the share of the head in it, (size, size) uint8.
        """
        return self._blurred(picture, alpha) if self._still is None else self._still.copy()

    def _blurred(self, picture: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture's own background, blurred, without the head in it."""
        small = (_BLURRED_PX, _BLURRED_PX)
        colours, head = (
            cv2.resize(one, small, interpolation=cv2.INTER_AREA).astype(np.float32)
            for one in (picture, alpha)
        )
        free = np.square(1.0 - head / 255)[..., None]
        # Behind the head there is nothing to blur: a wider blur comes in from its sides.
        summed, total = np.full_like(colours, 1e-6 * 128), np.full_like(free, 1e-6)
        for widening, part in ((1.0, 1.0), (4.0, 1e-2)):
            sigma = widening * _BLUR * _BLURRED_PX
            blurred = cv2.GaussianBlur(np.concatenate([free * colours, free], -1), (0, 0), sigma)
            summed += part * blurred[..., :4]
            total += part * blurred[..., 4:]
        made = np.rint(np.clip(summed / total, 0, 255)).astype(np.uint8)
        made[..., 3] = 255
        full = (self._size, self._size)
        return np.asarray(cv2.resize(made, full, interpolation=cv2.INTER_CUBIC), np.uint8)


def _square(path: Path, size: int) -> NDArray[np.uint8]:
    """Return the middle square of a picture file at ``size`` px, RGB.

    Raises:
        InputError: it cannot be read.
    """
    data = np.fromfile(path, np.uint8) if path.is_file() else np.zeros(0, np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    if picture is None:
        raise InputError(f"the background {path} cannot be read as a picture; take a PNG or a JPEG")
    high, wide = picture.shape[:2]
    side = min(high, wide)
    top, left = (high - side) // 2, (wide - side) // 2
    middle = picture[top : top + side, left : left + side]
    method = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(middle, (size, size), interpolation=method), np.uint8)
