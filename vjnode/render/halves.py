"""Faces that move one half only, made of two pictures: a wink is a blink in one eye.

A generator moves both eyes together. So such a picture is drawn twice, without and with the
movement, and the second is shown where the movement is on its side of the face. The line between
the sides follows the face: it runs midway between the two places where the pictures differ.
"""

from collections.abc import Callable
from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.generators.latent import Latent, Side

_LOOKED_AT_PX = 64
"""Side of the pictures that are compared to find the line."""

_SOFT = 0.3
"""Width of the passage between the sides, in distances of the two places."""

_FAINT = 4.0
"""Difference, levels, up to which a place does not count: grain moves everywhere."""


class HalfFaces:
    """An engine that also draws the halves of latents, each as one more picture of its engine's.

    engine: closed with it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.at_once, self.parallel = engine.at_once, engine.parallel
        self.name, self.identity, self.size = engine.name, engine.identity, engine.size

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin a picture; see ``Engine.begin``."""
        if not latent.halves:
            return self._engine.begin(latent)
        whole = self._engine.begin(latent)
        return _Joined(whole, [(side, self._engine.begin(one)) for side, one in latent.halves])

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        return self.begin(latent).result()

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        picture = whole = self._engine.draw_unless(given_up, latent)
        for side, half in latent.halves:
            moved = self._engine.draw_unless(given_up, half)
            if picture is None or whole is None or moved is None:
                return None
            picture = join(picture, whole, moved, side)
        return picture

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


class _Joined(Future[NDArray[np.uint8]]):
    """A picture and its halves, joined by whoever asks for it."""

    def __init__(
        self,
        whole: Future[NDArray[np.uint8]],
        halves: list[tuple[Side, Future[NDArray[np.uint8]]]],
    ) -> None:
        super().__init__()
        self._whole, self._halves = whole, halves

    def done(self) -> bool:
        return all(one.done() for one in (self._whole, *(half for _, half in self._halves)))

    def result(self, timeout: float | None = None) -> NDArray[np.uint8]:
        picture = whole = self._whole.result(timeout)
        for side, half in self._halves:
            picture = join(picture, whole, half.result(timeout), side)
        return picture


def join(
    picture: NDArray[np.uint8], still: NDArray[np.uint8], moved: NDArray[np.uint8], side: Side
) -> NDArray[np.uint8]:
    """Return ``picture`` with what moves on one side from ``still`` to ``moved``.

    All are (size, size, 4) uint8 RGBA, top row first, and neither is changed. side: the viewer's.
    """
    line = middle(still, moved)
    if line is None:
        return picture
    at, width = line
    size = len(still)
    columns = np.arange(size, dtype=np.float32)
    passed = np.clip((columns - at) / max(width, 1.0) + 0.5, 0.0, 1.0)
    right = passed * passed * (3.0 - 2.0 * passed)
    share = right if side == "right" else 1.0 - right
    shown = np.flatnonzero(share)
    part = slice(int(shown[0]), int(shown[-1]) + 1)
    difference = cv2.subtract(moved[:, part], still[:, part], dtype=cv2.CV_32F)
    difference *= share[None, part, None]
    joined = picture.copy()
    cv2.add(picture[:, part], difference, dst=joined[:, part], dtype=cv2.CV_8U)
    return joined


def middle(still: NDArray[np.uint8], moved: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Return the column midway between the two places where pictures differ, and a width, px.

    Returns: None where they are alike.
    """
    least = (_LOOKED_AT_PX, _LOOKED_AT_PX)
    pictures = (
        cv2.resize(one[..., :3], least, interpolation=cv2.INTER_AREA) for one in (still, moved)
    )
    change = cv2.absdiff(*pictures).max(axis=2).astype(np.float64)
    columns = np.maximum(change - _FAINT, 0.0).sum(axis=0)
    if not columns.any():
        return None
    at = np.arange(_LOOKED_AT_PX) + 0.5
    centre = float(np.average(at, weights=columns))
    sides = [columns * (at < centre), columns * (at >= centre)]
    if not all(one.any() for one in sides):
        return None
    left, right = (float(np.average(at, weights=one)) for one in sides)
    scale = len(still) / _LOOKED_AT_PX
    return 0.5 * (left + right) * scale, _SOFT * (right - left) * scale
