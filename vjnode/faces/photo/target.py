"""The photo as a target: what a drawn picture is compared with, and the losses of that."""

from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.regions import area
from vjnode.faces.finding.sampling import resized
from vjnode.faces.identity import DlibIdentity
from vjnode.faces.photo.aligning import Aligned
from vjnode.faces.photo.features import Features, distance
from vjnode.faces.photo.reading import Picture
from vjnode.faces.photo.settings import FINE_PX, Settings

PX = 256
"""Size at which pictures are compared, px."""

SCALES = (1, 4, 16)
"""Sides of squares whose means are compared, px."""

_ENLARGED = 0.7
"""Part of a size that a photo has at least to be compared at it."""

LEAST_GRAIN_PX = 64
"""Size up to which levels do not count as grain, px: grids come with each doubling of features."""

_LEAST_WEIGHT = 0.25
_FACE_GROWS_PX, _FACE_SOFT_PX = 20, 12
_MOVED_GROWS_PX, _JAW_PX, _MOVED_SOFT_PX = 4, 18, 5
_ALL = tuple(range(468))


@dataclass(frozen=True)
class Target:
    """A photo, prepared for comparison.

    picture: [1, 3, PX, PX], and fine: [1, 3, px, px], 0…1, of the size that is shown, or of a half
    or quarter of it where the photo has no more. grain_px: largest size at which its grain counts.
    points: landmarks, (468, 3), in
    picture widths. embedding: of the person. seen: features. mask: [1, 1, PX, PX], weight of each
    place, more in the face. moved: [1, 1, PX, PX], 1 in the face and where a jaw goes, 0 around it.
    """

    picture: Tensor = field(repr=False)
    fine: Tensor = field(repr=False)
    points: Tensor = field(repr=False)
    embedding: Tensor = field(repr=False)
    seen: list[Tensor] = field(repr=False)
    mask: Tensor = field(repr=False)
    moved: Tensor = field(repr=False)
    grain_px: int


def target_of(aligned: Aligned, size: int, identity: DlibIdentity, features: Features) -> Target:
    """Return a face in a photo as the target of pictures of ``size`` px."""
    whole = as_tensor(aligned.picture)
    fine_px = size
    while fine_px > PX and aligned.side < _ENLARGED * fine_px:
        fine_px //= 2
    grain_px = fine_px
    if size >= FINE_PX:
        # The whole generator draws well what an enlarged photo lacks.
        while grain_px > LEAST_GRAIN_PX and aligned.side < _ENLARGED * grain_px:
            grain_px //= 2
    picture, fine = (F.interpolate(whole, (px, px), mode="area") for px in (PX, fine_px))
    points = torch.from_numpy(aligned.landmarks.points)
    hull = area(aligned.landmarks.points, _ALL, PX).astype(np.float32)
    wide = cv2.GaussianBlur(_grown(hull, _FACE_GROWS_PX), (0, 0), _FACE_SOFT_PX)
    moved = _grown(hull, _MOVED_GROWS_PX)
    below = np.roll(moved, _JAW_PX, 0)
    below[:_JAW_PX] = 0
    soft = cv2.GaussianBlur(np.maximum(moved, below), (0, 0), _MOVED_SOFT_PX)
    with torch.no_grad():
        small = resized(picture, features.px, "area")
        return Target(
            picture,
            fine,
            points,
            identity(picture, points),
            features(small),
            torch.as_tensor(_LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * wide)[None, None],
            torch.as_tensor(soft)[None, None],
            grain_px,
        )


def as_tensor(picture: Picture) -> Tensor:
    """Return a picture, (H, W, 3) uint8, as [1, 3, H, W], 0…1."""
    return torch.as_tensor(picture.astype(np.float32) / 255).permute(2, 0, 1)[None]


def as_picture(tensor: Tensor) -> Picture:
    """Return a picture [1, 3, H, W], 0…1 and a little beyond, as (H, W, 3) uint8."""
    levels = (tensor.detach()[0].permute(1, 2, 0).clamp(0, 1) * 255).round()
    return np.ascontiguousarray(levels.to(torch.uint8).numpy(force=True))


def at_px(picture: Tensor, px: int = PX) -> Tensor:
    """Return the area means of a picture at ``px``, which divides its size."""
    return picture if picture.shape[-1] == px else F.avg_pool2d(picture, picture.shape[-1] // px)


def rest_loss(
    picture: Tensor,
    target: Target,
    identity: DlibIdentity,
    features: Features,
    settings: Settings,
    *,
    masked: bool,
) -> Tensor:
    """Return the loss of a picture at rest, [1, 3, PX, PX], []. masked: the face counts more."""
    mask = target.mask if masked else None
    small = resized(picture, features.px, "area")
    weight = None if mask is None else F.interpolate(mask, (features.px, features.px), mode="area")
    loss = settings.perceptual * distance(features(small), target.seen, weight)
    loss = loss + settings.pixels * means_apart(picture - target.picture, mask)
    apart = identity(picture, target.points) - target.embedding
    return loss + settings.person * apart.square().sum()


def fine_loss(picture: Tensor, target: Target, settings: Settings) -> Tensor:
    """Return the loss of pixels and their gradients, as finely as the photo has them, []."""
    apart = at_px(picture, target.fine.shape[-1]) - target.fine
    edges = (apart[..., 1:] - apart[..., :-1]).abs().mean()
    edges = edges + (apart[..., 1:, :] - apart[..., :-1, :]).abs().mean()
    return settings.fine * means_apart(apart) + 2 * settings.edges * edges


def within_apart(difference: Tensor, mask: Tensor) -> Tensor:
    """Return the mean size of a difference and of its gradients within a mask, in levels of 0…2.

    Another tone of all of it does not count. difference: [1, 3, H, W]. mask: [1, 1, H, W], 0 or 1.
    """
    count = mask.sum() + 1.0
    difference = difference - (difference * mask).sum((2, 3), keepdim=True) / count
    size = (difference.abs() * mask).sum()
    across = (difference[..., 1:] - difference[..., :-1]).abs() * mask[..., 1:]
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs() * mask[..., 1:, :]
    return 2 * (size + across.sum() + down.sum()) / (3 * count)


def means_apart(difference: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean size of a difference and of its means over ``SCALES``, in levels of 0…2."""
    total = torch.zeros(())
    for scale in SCALES:
        size = F.avg_pool2d(difference, scale).abs()
        if mask is not None:
            size = size * F.avg_pool2d(mask, scale) / mask.mean()
        total = total + size.mean()
    return 2 * total / len(SCALES)


def _grown(
    mask: "np.ndarray[tuple[int, int], np.dtype[np.float32]]", px: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.asarray(cv2.dilate(mask, np.ones((2 * px + 1, 2 * px + 1), np.uint8)), np.float32)
