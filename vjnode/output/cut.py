"""Heads cut out of their pictures by a matte, for well under a millisecond a frame.

A matte belongs to a look and stays the same while the head moves within it. Only its fringe, about
a tenth of the pixels, is both head and background; the rest is copied, or left as it is. So a frame
costs one masked copy, and one product and one sum of the fringe's pixels.

With the share α of the head, the colour c of the frame and the matte's colour k, the head's own
colour is f = α·c + (1 − α)·k. The matte chooses k so that f has nothing of the background in it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.output.background import Background
from vjnode.output.base import Delivery

Matte = NDArray[np.uint8]
"""Matte of a look, (size, size, 4): the share of the head in the last channel, 0…255; in the
others, RGB, the colour that the frame's is mixed with where the share is not full."""

Picture = NDArray[np.uint8]
"""RGBA, (size, size, 4) uint8."""

_HARDNESS = 4.0
"""Steepness of a hard edge around half of the share, compared with that of a soft one."""


class Fringe:
    """A still picture into which frames are mixed, each pixel with a weight of its own.

    Args:
        alpha: (size, size) uint8; where it is 255 the frame is shown, where it is 0 the still is.
        still: RGBA, (size, size, 4) uint8; belongs to the fringe from then on.
        weights: of the frame where alpha is between, (n, 1), 0…1, for these pixels in the order of
            ``between``.
        rest: added to the weighted frame there, (n, 4), 0…255.

    """

    def __init__(
        self,
        alpha: NDArray[np.uint8],
        still: Picture,
        weights: NDArray[np.float32],
        rest: NDArray[np.float32],
    ) -> None:
        self._out = still
        self._whole = (alpha == 255).view(np.uint8)
        self._places = between(alpha)
        self._weights = np.repeat(np.rint(255 * weights).astype(np.uint8), 4, axis=1).reshape(1, -1)
        self._rest = np.rint(rest).astype(np.uint8).reshape(1, -1)
        self._taken = np.empty(len(self._places), np.uint32)

    def mix(self, picture: Picture) -> Picture:
        """Return the mix with ``picture``, which is contiguous; valid until the next call."""
        out = self._out
        cv2.copyTo(picture, self._whole, out)
        if len(self._places):
            taken = self._taken
            channels = taken.view(np.uint8)[None]
            # Four channels as one number: gathering is what costs most here.
            np.take(picture.view(np.uint32).reshape(-1), self._places, out=taken, mode="clip")
            cv2.multiply(channels, self._weights, dst=channels, scale=1 / 255)
            cv2.add(channels, self._rest, dst=channels)
            out.view(np.uint32).reshape(-1)[self._places] = taken
        return out


def between(alpha: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the places where alpha is neither 0 nor 255, in the flattened array."""
    return np.flatnonzero((alpha.reshape(-1) - np.uint8(1)) < 254)


class Cutter:
    """Cuts heads out of frames as a delivery asks for.

    size: of the frames that it is given, px. Without a matte frames stay as they are.
    """

    def __init__(self, delivery: Delivery, size: int) -> None:
        self._delivery, self._size = delivery, size
        self._background = Background(delivery.background, size)
        self._given: Matte | None = None
        self._matte: Matte | None = None
        self._fringe: Fringe | None = None
        self._grey: Picture | None = None
        self._faded = np.empty((size, size, 4), np.uint8)
        self._black = np.zeros((size, size, 4), np.uint8)
        if delivery.alpha != "matte":
            self._black[..., 3] = 255

    def use(self, matte: Matte | None) -> None:
        """Cut by ``matte`` from now on, of any size; it must not be changed afterwards."""
        if matte is self._given:
            return
        self._given, self._fringe, self._grey = matte, None, None
        self._matte = None if matte is None else self._prepared(matte)

    def cut(self, picture: Picture, darkness: float = 0.0) -> Picture:
        """Return the head of ``picture``, which is opaque and contiguous.

        darkness: 0…1, share of a blackout. Where there is an alpha it fades as well, so that
        nothing of the head is left.
        Returns: valid until the next call; may be ``picture`` itself.
        """
        shown = self._grey_matte() if self._delivery.key else self._head(picture)
        if darkness <= 0.0:
            return shown
        cv2.addWeighted(shown, 1.0 - darkness, self._black, darkness, 0.0, dst=self._faded)
        return self._faded

    def _prepared(self, matte: Matte) -> Matte:
        """Return the matte at this size, with the edge that is asked for."""
        size, given = self._size, len(matte)
        if given != size:
            method = cv2.INTER_AREA if size < given else cv2.INTER_CUBIC
            matte = np.asarray(cv2.resize(matte, (size, size), interpolation=method), np.uint8)
        if self._delivery.matte_edge == "hard":
            levels = np.arange(256, dtype=np.float32)
            steep = np.clip(_HARDNESS * (levels - 127.5) + 127.5, 0, 255)
            alpha = cv2.LUT(np.ascontiguousarray(matte[..., 3]), np.rint(steep).astype(np.uint8))
            matte = matte.copy()
            matte[..., 3] = alpha
        return matte

    def _grey_matte(self) -> Picture:
        if self._grey is None:
            alpha = self._matte[..., 3] if self._matte is not None else np.uint8(255)
            self._grey = np.full((self._size, self._size, 4), 255, np.uint8)
            self._grey[..., :3] = np.asarray(alpha)[..., None]
        return self._grey

    def _head(self, picture: Picture) -> Picture:
        if self._matte is None:
            return picture
        if self._fringe is None:
            self._fringe = self._made(self._matte, picture)
        return self._fringe.mix(picture)

    def _made(self, matte: Matte, picture: Picture) -> Fringe:
        delivery = self._delivery
        alpha = np.ascontiguousarray(matte[..., 3])
        places = between(alpha)
        part = alpha.reshape(-1)[places, None].astype(np.float32) / np.float32(255)
        if delivery.alpha == "matte" and not delivery.premultiplied:
            still = matte.copy()
            still[..., 3] = 0
            return Fringe(alpha, still, part, (1.0 - part) * _at(still, places))
        # The head's own colour, and then the head over what is behind it: α·f + (1 − α)·b, in
        # which the frame has the weight α².
        if delivery.alpha == "matte":
            behind = self._black.copy()
        else:
            behind = self._background.behind(picture, alpha)
        colours = _at(matte, places)
        colours[:, 3] = 255.0
        rest = (1.0 - part) * (part * colours + _at(behind, places))
        return Fringe(alpha, behind, part**2, rest)


def _at(picture: Picture, places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the pixels at places, (n, 4)."""
    return picture.reshape(-1, 4)[places].astype(np.float32)
