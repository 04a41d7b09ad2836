"""Sampling of many random faces with their measures, for the tools that find directions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from vjnode.faces.landmarks import LandmarkMeter, Landmarks
from vjnode.generators.latent import Latent, still
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.mobilestylegan.model import load

PX = 256
"""Size at which sampled faces are drawn, px: enough for landmarks."""

THUMB_PX = 32


@dataclass(frozen=True)
class Samples:
    """Random faces, measured.

    w: shape (N, DIM), float32. points: (N, 468, 3), float32, as in ``Landmarks``.
    presence: (N,), float32. thumbs: (N, THUMB_PX, THUMB_PX, 3), uint8, RGB.
    """

    w: NDArray[np.float32]
    points: NDArray[np.float32]
    presence: NDArray[np.float32]
    thumbs: NDArray[np.uint8]

    def landmarks(self, i: int) -> Landmarks:
        """Return the landmarks of one face."""
        return Landmarks(self.points[i], float(self.presence[i]))

    def save(self, path: Path) -> None:
        """Write the samples to ``path``, for another run of a tool."""
        np.savez_compressed(path, **vars(self))


def random_latents(seed: int, count: int, truncation: float) -> NDArray[np.float32]:
    """Return random style codes, (count, DIM); the first of them do not depend on ``count``."""
    mapping, _ = load(generator_weights())
    z = np.random.default_rng(seed).standard_normal((count, DIM), np.float32)
    with torch.inference_mode():
        w: NDArray[np.float32] = mapping(torch.from_numpy(z), truncation).numpy()
    return w


def sample(
    open_draw: Callable[[], Callable[[Latent], NDArray[np.uint8]]],
    *,
    seed: int,
    count: int,
    truncation: float,
    keep: Path | None = None,
) -> Samples:
    """Draw and measure ``count`` random faces, or read them from ``keep`` if that file exists.

    open_draw: called if faces must be drawn; returns a function that draws a latent as PX × PX
        RGBA.
    """
    if keep is not None and keep.is_file():
        with np.load(keep) as file:
            return Samples(**file)
    w = random_latents(seed, count, truncation)
    draw, meter = open_draw(), LandmarkMeter()
    found, thumbs = [], []
    for code in tqdm(w, desc="drawing faces", unit="face"):
        picture = draw(still(np.broadcast_to(code, (SLOTS, DIM))))
        found.append(meter.measure(picture))
        thumbs.append(thumbnail(picture))
    samples = Samples(
        w,
        np.stack([face.points for face in found]),
        np.array([face.presence for face in found], np.float32),
        np.stack(thumbs),
    )
    if keep is not None:
        samples.save(keep)
    return samples


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an RGB(A) picture scaled down to shape (THUMB_PX, THUMB_PX, 3)."""
    rgb = np.ascontiguousarray(picture[..., :3])
    size = (THUMB_PX, THUMB_PX)
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
