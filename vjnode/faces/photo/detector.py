"""Finding of faces in a photo of any framing.

The network is MediaPipe's BlazeFace for short range (Bazarevsky et al., BlazeFace: Sub-millisecond
Neural Face Detection on Mobile GPUs, arXiv 1907.05047), run by OpenVINO on 128 × 128 px. It misses
faces that are small in a photo, so that photos are looked at in tiles as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.faces.photo.reading import Picture
from vjnode.generators.mobilestylegan.download import detector_model
from vjnode.runtime import load_openvino

INPUT_PX = 128

SURE = 0.5
"""Certainty from which on there is a face."""

TILES = (1, 2, 4)
"""Sides of a photo in sides of a tile; tiles overlap by half."""

_SAME = 0.5
"""Distance of middles, in widths of the larger face, below which two findings are one face."""

_CLOSER = 3.0
"""Side of the square in which a face is looked at again, in its widths."""

_GRIDS = ((16, 2), (8, 6))
"""Cells along a side, and anchors in each cell."""


@dataclass(frozen=True)
class FoundFace:
    """A face in a photo. All is in px of the photo.

    middle: (2,), x and y. width: of its box. eyes: (2, 2), the one on the viewer's left first.
    mouth: (2,), its middle. certainty: 0…1.
    """

    middle: NDArray[np.float64]
    width: float
    eyes: NDArray[np.float64]
    mouth: NDArray[np.float64]
    certainty: float


class FaceDetector:
    """The network; it is fetched on first use."""

    def __init__(self) -> None:
        core = load_openvino().Core()
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        model = core.compile_model(core.read_model(detector_model()), "CPU", options)
        self._request = model.create_infer_request()
        self._anchors = np.array(
            [
                ((x + 0.5) / cells, (y + 0.5) / cells)
                for cells, each in _GRIDS
                for y in range(cells)
                for x in range(cells)
                for _ in range(each)
            ]
        )

    def find(self, picture: Picture) -> list[FoundFace]:
        """Return the faces in a picture, from left to right.

        Tiles are looked at from large to small, until some have a face.
        """
        for tiles in TILES:
            found = list[FoundFace]()
            for x, y, side in _tiles(picture, tiles):
                found += self._look(picture, x, y, side)
            closer = (self._closer(picture, one) for one in _apart(found))
            if faces := _apart([one for one in closer if one is not None]):
                return sorted(faces, key=lambda one: float(one.middle[0]))
        return []

    def _closer(self, picture: Picture, face: FoundFace) -> FoundFace | None:
        """Return a face as it is seen from nearer, where its places are exact; None: it is none."""
        side = _CLOSER * face.width
        x, y = face.middle - side / 2
        found = _apart(self._look(picture, float(x), float(y), side))
        near = [one for one in found if np.hypot(*(one.middle - face.middle)) < face.width]
        return max(near, key=lambda one: one.certainty, default=None)

    def _look(self, picture: Picture, x: float, y: float, side: float) -> list[FoundFace]:
        """Return the findings in a square of a picture: its corner and side, px."""
        scale = INPUT_PX / side
        crop = _reduced(picture, np.array([[scale, 0, -x * scale], [0, scale, -y * scale]]))
        self._request.infer([crop[None].astype(np.float32) / 127.5 - 1])
        outputs = [np.array(tensor.data)[0] for tensor in self._request.output_tensors]
        places = next(one for one in outputs if one.shape[-1] == 16) / INPUT_PX
        scores = next(one for one in outputs if one.shape[-1] == 1)[:, 0]
        certain = 1 / (1 + np.exp(-np.clip(scores, -80, 80)))
        found = []
        for i in np.flatnonzero(certain > SURE):
            points = self._anchors[i] + places[i, 4:].reshape(6, 2)
            middle = self._anchors[i] + places[i, :2]
            to_photo = np.array((x, y))
            found.append(
                FoundFace(
                    middle * side + to_photo,
                    float(places[i, 2:4].max() * side),
                    points[:2] * side + to_photo,
                    points[3] * side + to_photo,
                    float(certain[i]),
                )
            )
        return found


def _reduced(picture: Picture, matrix: NDArray[np.float64]) -> Picture:
    """Return the square of a picture that a matrix cuts out, black around it."""
    height, width = picture.shape[:2]
    scale = matrix[0, 0]
    if scale < 1:  # a warp by itself would skip pixels
        side = (max(round(width * scale), 1), max(round(height * scale), 1))
        picture = np.asarray(cv2.resize(picture, side, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = matrix @ np.diag((width / side[0], height / side[1], 1.0))
    side = (INPUT_PX, INPUT_PX)
    return np.asarray(cv2.warpAffine(picture, matrix, side, flags=cv2.INTER_LINEAR), np.uint8)


def _tiles(picture: Picture, tiles: int) -> Iterator[tuple[float, float, float]]:
    """Yield corner and side of squares that cover a picture; of one tile, all of it in a square."""
    height, width = picture.shape[:2]
    if tiles == 1:
        side = max(height, width)
        yield (width - side) / 2, (height - side) / 2, side
        return
    side = max(height, width) / tiles
    for y in np.arange(0, max(height - side / 2, 1), side / 2):
        for x in np.arange(0, max(width - side / 2, 1), side / 2):
            yield float(x), float(y), side


def _apart(found: list[FoundFace]) -> list[FoundFace]:
    """Return one finding for each face."""
    faces, left = [], sorted(found, key=lambda one: -one.certainty)
    while left:
        best = left[0]
        same = [
            one
            for one in left
            if np.hypot(*(one.middle - best.middle)) < _SAME * max(one.width, best.width)
        ]
        left = [one for one in left if all(one is not other for other in same)]
        faces.append(_mean(same))
    return faces


def _mean(found: list[FoundFace]) -> FoundFace:
    """Return the mean of findings of one face by their certainty; the first is the surest."""
    shares = np.array([one.certainty for one in found])
    shares /= shares.sum()
    middle, eyes, mouth = (
        np.tensordot(shares, np.stack(values), 1)
        for values in zip(*((one.middle, one.eyes, one.mouth) for one in found), strict=True)
    )
    width = float(shares @ [one.width for one in found])
    return FoundFace(middle, width, eyes, mouth, found[0].certainty)
