"""Differences of pictures: sharp in the box in which something moves, and coarse around it.

A movement has side effects all over a picture: skin is lit otherwise, hair shifts by a part of a
pixel. They are faint and soft, so a picture of a sixteenth of the size holds them well.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

COARSE = 4
"""Pixels of a picture, in each direction, for one of what is around a box."""

_SEEN = 0.2
"""Part of a channel's largest change, blurred, from which on a pixel belongs to a patch."""

_MOVES = 0.25
"""Part of it that a patch reaches somewhere if it belongs to the channel's box. Others are side
effects."""

_LEAST_SEEN = 4
"""Levels; a channel that changes no more has no box."""

_EDGE = 0.04
"""Width of a box's margin, in which what is sharp fades out, as a part of the picture."""

_ZERO = 128
_STEPS = 16  # of a level, in what is coarse: several are added up before they are rounded

Box = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Difference:
    """A difference of two pictures.

    fine: (h, w, 4) uint8, halved and about 128, fading to nothing at the edges of its box. coarse:
    (side, side, 3) int16, all that is not in ``fine``, in sixteenths of a level; None: nothing is.
    """

    box: Box
    fine: NDArray[np.uint8]
    coarse: NDArray[np.int16] | None

    @property
    def nbytes(self) -> int:
        """Return its memory, bytes."""
        return self.fine.nbytes + (0 if self.coarse is None else self.coarse.nbytes)


class CoarseSum:
    """Coarse differences added up, and then added to a picture of ``size`` px all at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        side = coarse_side(size)
        self._sum = np.zeros((side, side, 3), np.int16)
        self._levels = np.empty((side, side, 4), np.uint8)
        self._enlarged = np.empty((size, size, 4), np.uint8)

    def add_to(
        self, out: NDArray[np.uint8], differences: Iterable[tuple[Difference, float]]
    ) -> None:
        """Add differences, each times its factor, to ``out``, (size, size, 4) uint8, in place."""
        self._sum[:] = 0
        any_coarse = False
        for one, factor in differences:
            part, twice = out[one.box], 2.0 * factor  # for they are halves
            cv2.addWeighted(part, 1.0, one.fine, twice, -twice * _ZERO, dst=part)
            if one.coarse is not None:
                cv2.addWeighted(self._sum, 1.0, one.coarse, factor, 0.0, dst=self._sum)
                any_coarse = True
        if not any_coarse:
            return
        levels = cv2.addWeighted(self._sum, 1.0 / _STEPS, self._sum, 0.0, _ZERO, dtype=cv2.CV_8U)
        # Its alpha is 255, and what is opaque stays so.
        cv2.cvtColor(levels, cv2.COLOR_RGB2RGBA, dst=self._levels)
        sides = (self._size, self._size)
        cv2.resize(self._levels, sides, dst=self._enlarged, interpolation=cv2.INTER_LINEAR)
        cv2.addWeighted(out, 1.0, self._enlarged, 1.0, -_ZERO, dst=out)


def coarse_side(size: int) -> int:
    """Return the side of what is coarse of pictures of ``size`` px."""
    return max(size // COARSE, 1)


def coarse(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a picture, (size, size, 4), coarse: (side, side, 3) float32, in levels."""
    side = (coarse_side(len(picture)),) * 2
    return cv2.resize(picture, side, interpolation=cv2.INTER_AREA)[..., :3].astype(np.float32)


def sides_of(box: Box) -> tuple[int, int]:
    """Return height and width of a box, px."""
    rows, cols = box
    return rows.stop - rows.start, cols.stop - cols.start


def box_of(rest: NDArray[np.uint8], moved: NDArray[np.uint8]) -> Box | None:
    """Return the box in which two pictures differ, with its margin; None: they do not.

    Its edges are edges of coarse pixels.
    """
    size = len(rest)
    change = cv2.blur(cv2.absdiff(rest, moved)[..., :3].max(-1), (size // 32 or 1,) * 2)
    most = float(change.max())
    if most < _LEAST_SEEN:
        return None
    _, patches = cv2.connectedComponents((change > _SEEN * most).astype(np.uint8))
    moving = np.unique(patches[change >= _MOVES * most])
    left, top, wide, high = cv2.boundingRect(np.isin(patches, moving).astype(np.uint8))
    edge = round(_EDGE * size)
    rows, cols = (
        slice(
            max(first - edge, 0) // COARSE * COARSE, min(-(-(last + edge) // COARSE) * COARSE, size)
        )
        for first, last in ((top, top + high), (left, left + wide))
    )
    return rows, cols


def margin_of(box: Box, size: int) -> NDArray[np.float32]:
    """Return a factor for differences, (h, w, 1): 1, but 0 at edges within the picture."""
    edge = max(round(_EDGE * size), 1)
    ramps = []
    for side in box:
        at = np.arange(side.start, side.stop) + 0.5
        first = (at - side.start) / edge if side.start > 0 else np.ones_like(at)
        last = (side.stop - at) / edge if side.stop < size else np.ones_like(at)
        ramp = np.minimum(np.minimum(first, last), 1.0)
        ramps.append(ramp * ramp * (3.0 - 2.0 * ramp))
    return np.outer(*ramps).astype(np.float32)[..., None]


def difference(
    box: Box,
    margin: NDArray[np.float32],
    base: NDArray[np.uint8],
    moved: NDArray[np.uint8],
    around: NDArray[np.float32],
) -> Difference:
    """Return the difference of two pictures.

    base, moved: what lies in the box. around: difference of both pictures, coarse.
    """
    within = margin * (moved.astype(np.float32) - base)
    fine: NDArray[np.uint8] = np.rint(0.5 * within + _ZERO).astype(np.uint8)
    rows, cols = (slice(side.start // COARSE, -(-side.stop // COARSE)) for side in box)
    part = around[rows, cols]
    if part.shape == around.shape:
        return Difference(box, fine, None)
    left = around.copy()
    left[rows, cols] -= cv2.resize(within[..., :3], part.shape[1::-1], interpolation=cv2.INTER_AREA)
    return Difference(box, fine, np.rint(_STEPS * left).astype(np.int16))
