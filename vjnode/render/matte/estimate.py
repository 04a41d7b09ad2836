"""Estimation of a matte from pictures of one look.

The network's masks, averaged over the pictures so that none of its guesses shows alone, are fitted
to the edges of the mean picture by a guided filter (He, Sun, Tang, Guided Image Filtering, 2013).
The head's own colours come from blur fusion (Forte, Approximate Fast Foreground Colour Estimation,
ICIP 2021), twice: over a wide neighbourhood and then a narrow one.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FITTED_PX = 512
"""Largest side at which a mask is fitted; what is found there is applied at full size."""

_RADIUS, _SMOOTHNESS = 8 / 512, 1e-4
"""Radius of the guided filter, in picture widths, and its ε for colours from 0 to 1."""

_DOUBTED = 0.3, 0.7
"""Certainties of the network that become 0 and 1: what it doubts would be half transparent, such as
the back of a chair beside a shoulder."""

_LOW, _HIGH = 0.1, 0.9
"""Values of the fitted mask that become 0 and 1."""

_UNSEEN = 0.015
"""Share of the head, or of what is behind it, that becomes none."""

_WIDE, _NARROW = 90 / 1024, 6 / 1024
"""Radii of blur fusion, in picture widths."""

_NONE = 1e-5
_FILL = 1e-3
"""Part that the wide neighbourhood has in the narrow one, for places where that holds nothing."""

_HOLE = 2e-3
"""Largest hole in a head that is none, as a part of the picture: a dark mouth, a glint."""

_FAINT = 0.05
"""Share of the head from which on a place may be a speck."""

_NEAR = 0.015
"""Distance in picture widths within which places belong together."""


def estimate(
    pictures: Sequence[NDArray[np.uint8]],
    look_at: Callable[[NDArray[np.uint8]], Floats],
) -> NDArray[np.uint8]:
    """Return the matte of pictures of one look, as ``vjnode.output.cut`` takes it.

    pictures: (size, size, 4) uint8 RGBA, one or more. look_at: finds the person in one, as
    ``Segmenter.look`` does.
    """
    size = len(pictures[0])
    summed = np.zeros((size, size, 3), np.float32)
    masks = []
    for picture in pictures:
        cv2.accumulate(np.ascontiguousarray(picture[..., :3]), summed)
        masks.append(look_at(picture))
    mean = summed / np.float32(255 * len(pictures))
    low, high = _DOUBTED
    certain: Floats = np.asarray(np.mean(masks, axis=0), np.float32)
    mask: Floats = np.clip((certain - low) / (high - low), 0.0, 1.0).astype(np.float32)
    alpha = only_one(_fitted(mean, mask))
    # Shares that nobody sees would be computed with every frame.
    alpha = np.where(alpha < _UNSEEN, 0.0, np.where(alpha > 1.0 - _UNSEEN, 1.0, alpha))
    alpha = alpha.astype(np.float32)
    matte = np.empty((size, size, 4), np.uint8)
    matte[..., :3] = np.rint(255 * _colours(mean, alpha)).astype(np.uint8)
    matte[..., 3] = np.rint(255 * alpha).astype(np.uint8)
    return matte


def _box(values: Floats, radius: float) -> Floats:
    side = 2 * max(round(radius), 1) + 1
    blurred = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


def _fitted(picture: Floats, mask: Floats) -> Floats:
    """Return the mask at the picture's size with the edges of the picture, 0…1."""
    size = len(picture)
    side = min(size, FITTED_PX)
    small = picture if side == size else _resized(picture, side, cv2.INTER_AREA)
    coarse = _resized(mask, side, cv2.INTER_LINEAR)
    slopes, offset = (
        _resized(one, size, cv2.INTER_LINEAR) for one in _guide(small, coarse, _RADIUS * side)
    )
    fitted: Floats = (slopes * picture).sum(-1) + offset
    alpha: Floats = np.clip((fitted - _LOW) / (_HIGH - _LOW), 0.0, 1.0).astype(np.float32)
    return alpha


def _resized(values: Floats, side: int, method: int) -> Floats:
    return np.asarray(cv2.resize(values, (side, side), interpolation=method), np.float32)


def _guide(picture: Floats, mask: Floats, radius: float) -> tuple[Floats, Floats]:
    """Return the linear model of the mask in the picture's colours around each place.

    Returns: slopes, (h, w, 3), and offsets, (h, w).
    """
    mean, level = _box(picture, radius), _box(mask, radius)
    together = _box(picture * mask[..., None], radius) - mean * level[..., None]
    spread = np.empty((*mask.shape, 3, 3), np.float32)
    for a in range(3):
        for b in range(a, 3):
            moment = _box(picture[..., a] * picture[..., b], radius)
            spread[..., a, b] = spread[..., b, a] = moment - mean[..., a] * mean[..., b]
    spread += _SMOOTHNESS * np.eye(3, dtype=np.float32)
    slopes = np.linalg.solve(spread, together[..., None])[..., 0].astype(np.float32)
    return _box(slopes, radius), _box(level - (slopes * mean).sum(-1), radius)


def only_one(alpha: Floats) -> Floats:
    """Return ``alpha``, (size, size), 0…1, with one head: no specks apart from it, no holes in it.

    Strands beside the hair and gaps between them stay as they are.
    """
    seen = (alpha > 0.5).astype(np.uint8)
    head = _largest(seen)
    if head is None:
        return alpha
    near_head = _widened(head)
    _, patches = cv2.connectedComponents((alpha > _FAINT).astype(np.uint8))
    beside = np.setdiff1d(patches, patches[near_head > 0])
    alpha = np.where(np.isin(patches, beside[beside > 0]), 0.0, alpha).astype(np.float32)
    free = (alpha <= 0.5).astype(np.uint8)
    _, holes = cv2.connectedComponents(free, connectivity=4)
    edges = np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]])
    outside = np.isin(holes, edges[edges > 0]).astype(np.uint8)
    areas = np.bincount(holes.reshape(-1))
    inner = np.setdiff1d(np.flatnonzero(areas <= _HOLE * alpha.size), holes[_widened(outside) > 0])
    filled = np.isin(holes, inner[inner > 0]).astype(np.uint8)
    if filled.any():
        alpha = np.where(_widened(filled) > 0, 1.0, alpha).astype(np.float32)
    return alpha


def _largest(seen: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the largest patch of what is not 0, as 0 and 1; None: there is none."""
    _, patches, facts, _ = cv2.connectedComponentsWithStats(seen, connectivity=4)
    if len(facts) < 2:
        return None
    largest = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    patch: NDArray[np.uint8] = (patches == largest).astype(np.uint8)
    return patch


def _widened(patch: NDArray[np.uint8]) -> NDArray[np.uint8]:
    reach = 2 * max(round(_NEAR * len(patch)), 1) + 1
    return np.asarray(cv2.dilate(patch, np.ones((reach, reach), np.uint8)), np.uint8)


def _colours(picture: Floats, alpha: Floats) -> Floats:
    """Return the colours that a cut mixes frames with, (size, size, 3), 0…1.

    Blur fusion gives the head the colours f + α·(c − α·f − (1 − α)·b) of the picture's c, and of
    the means f and b of head and background nearby: that is α·c + (1 − α)·((1 + α)·f − α·b).
    """
    share = alpha[..., None]
    size = len(alpha)

    def means(head: Floats, behind: Floats, radius: float) -> tuple[Floats, Floats]:
        of_head = _box(head * share, radius) / (_box(alpha, radius)[..., None] + _NONE)
        lack = _box(1.0 - alpha, radius)[..., None]
        return of_head, _box(behind * (1.0 - share), radius) / (lack + _NONE)

    wide, behind = means(picture, picture, _WIDE * size)
    first = np.clip(wide + share * (picture - share * wide - (1.0 - share) * behind), 0.0, 1.0)
    weight = _box(alpha, _NARROW * size)[..., None]
    near, behind = means(first, behind, _NARROW * size)
    near = (near * weight + _FILL * wide) / (weight + _FILL)
    colours: Floats = np.clip((1.0 + share) * near - share * behind, 0.0, 1.0).astype(np.float32)
    return colours
