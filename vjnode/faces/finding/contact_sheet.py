"""Contact sheet of an action: faces at rest and moved further and further; and a strip of one."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
FACES = 6
"""Columns and rows of a sheet."""

TILE_PX = 192
STRIP_PX, STRIP_AMOUNTS, STRIP_BYTES = 88, (0.0, 0.25, 0.5, 0.75, 1.0), 12_288
"""Of a strip: size of its pictures, what they show, and the most bytes of its file."""

Picture: TypeAlias = NDArray[np.uint8]
"""(px, px, 3), RGB."""

Draw: TypeAlias = Callable[[int, float], Picture]
"""From the number of a face and the amount of the action to the picture."""

_HEAD_PX, _INK = 22, (255, 255, 255)


def contact_sheet(draw: Draw, faces: int) -> bytes:
    """Return the PNG of an action on the first so many faces, a row for each."""
    rows = [_row([draw(face, one) for one in AMOUNTS], TILE_PX) for face in range(faces)]
    head = np.full((_HEAD_PX, rows[0].shape[1], 3), 24, np.uint8)
    for i, amount in enumerate(AMOUNTS):
        at = (i * TILE_PX + 6, _HEAD_PX - 6)
        cv2.putText(head, f"{amount:g}", at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return _encoded(".png", np.vstack((head, *rows)), [])


def strip(draw: Draw, face: int = 0) -> bytes:
    """Return the JPEG of an action on one face, side by side; it has at most ``STRIP_BYTES``."""
    row = _row([draw(face, one) for one in STRIP_AMOUNTS], STRIP_PX)
    for quality in range(90, 20, -5):
        data = _encoded(".jpg", row, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= STRIP_BYTES:
            break
    return data


def _row(pictures: Sequence[Picture], px: int) -> Picture:
    tiles = [cv2.resize(one, (px, px), interpolation=cv2.INTER_AREA) for one in pictures]
    return np.hstack(tiles).astype(np.uint8)


def _encoded(suffix: str, picture: Picture, options: list[int]) -> bytes:
    _, data = cv2.imencode(suffix, picture[..., ::-1], options)
    return bytes(data)
