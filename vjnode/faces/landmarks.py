"""Measurement of a face: 468 landmarks, and the state of mouth, brows, eyes and head.

The network is MediaPipe's face mesh (Kartynnik et al., Real-time Facial Surface Geometry,
arXiv 1907.06724), run by OpenVINO. Used by tools and tests; a show does not measure faces.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.generators.mobilestylegan.download import landmark_model
from vjnode.runtime import load_openvino

INPUT_PX = 192

FIRST_CENTRE, FIRST_WIDTH = (0.5, 0.56), 0.84
"""Square that a face is looked for in first, in picture widths."""

MARGIN = 1.5
"""Width of the square that the network expects, in widths of the face."""


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of one face and the measures derived from them.

    points: shape (468, 3), float32: x to the right, y down, z away from the viewer, in
        picture widths. The measures are lengths divided by the distance between the eyes'
        middles, so that neither size nor distance matters; angles in degrees.
    """

    points: NDArray[np.float32]
    presence: float
    """Certainty of the network that this is a face, 0…1."""

    @property
    def mouth_open(self) -> float:
        """Gap between the inner lips: 0 when closed, near 0.6 when wide open."""
        return self._gap(13, 14)

    @property
    def mouth_width(self) -> float:
        """Distance of the mouth's corners; a smile widens it."""
        return self._gap(61, 291)

    @property
    def corner_lift(self) -> float:
        """Height of the mouth's corners above the middle of the lips; negative when below."""
        middle, corners = self._middle(0, 17), self._middle(61, 291)
        return self._up(corners - middle)

    @property
    def brow_raise(self) -> float:
        """Height of the brows above the eyes' corners."""
        return self._up(self._middle(105, 334) - self._middle(33, 133, 362, 263))

    @property
    def brow_inner(self) -> float:
        """Height of the brows' inner ends above the eyes' corners; a frown lowers it."""
        return self._up(self._middle(55, 285) - self._middle(33, 133, 362, 263))

    @property
    def eye_open(self) -> float:
        """Gap between the lids, mean of both eyes."""
        return 0.5 * (self._gap(159, 145) + self._gap(386, 374))

    @property
    def yaw(self) -> float:
        """Turn of the head, degrees; positive when the viewer's right cheek comes closer."""
        across = self._middle(234) - self._middle(454)
        return float(np.degrees(np.arctan2(across[2], -across[0])))

    @property
    def pitch(self) -> float:
        """Nod of the head, degrees; positive when the chin comes closer to the viewer."""
        down = self._middle(152) - self._middle(10)
        return float(np.degrees(np.arctan2(-down[2], down[1])))

    @property
    def roll(self) -> float:
        """Tilt of the line through the eyes, degrees; positive clockwise."""
        across = self._middle(362, 263) - self._middle(33, 133)
        return float(np.degrees(np.arctan2(across[1], across[0])))

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes' middles, in picture widths; the unit of all lengths."""
        across = self._middle(362, 263) - self._middle(33, 133)
        return float(np.linalg.norm(across[:2]))

    def _middle(self, *which: int) -> NDArray[np.float32]:
        middle: NDArray[np.float32] = self.points[list(which)].mean(0)
        return middle

    def _gap(self, a: int, b: int) -> float:
        return float(np.linalg.norm((self.points[a] - self.points[b])[:2])) / self.eye_distance

    def _up(self, way: NDArray[np.float32]) -> float:
        """Return the length of a vector along the face's own upward axis."""
        tilt = np.radians(self.roll)
        return float(way[0] * np.sin(tilt) - way[1] * np.cos(tilt)) / self.eye_distance


class LandmarkMeter:
    """The network that measures faces."""

    def __init__(self, threads: int | None = None) -> None:
        """Load the network; it is fetched on first use, see ``landmark_model``."""
        core = load_openvino().Core()
        options: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        model = core.compile_model(core.read_model(landmark_model()), "CPU", options)
        self._request = model.create_infer_request()

    def measure(self, picture: NDArray[np.uint8]) -> Landmarks:
        """Return the landmarks of the only face in a picture.

        picture: shape (H, W, 3 or 4), uint8, RGB or RGBA, framed as the generator frames
        faces: upright, the eyes a little above the middle.
        """
        # The second crop is the one that the network expects, computed from the first result.
        points, _ = self._look(picture, centre=FIRST_CENTRE, width=FIRST_WIDTH)
        low, high = points[:, :2].min(0), points[:, :2].max(0)
        centre = 0.5 * (low + high)
        points, presence = self._look(
            picture,
            centre=(float(centre[0]), float(centre[1])),
            width=MARGIN * float((high - low).max()),
        )
        return Landmarks(points, presence)

    def _look(
        self, picture: NDArray[np.uint8], *, centre: tuple[float, float], width: float
    ) -> tuple[NDArray[np.float32], float]:
        """Return points and presence by the network, on a square crop given in picture widths."""
        scale = INPUT_PX / (width * picture.shape[1])
        corner = np.array(centre) - 0.5 * width
        shift = -corner * picture.shape[1] * scale
        crop = cv2.warpAffine(
            picture[..., :3],
            np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]),
            (INPUT_PX, INPUT_PX),
            flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        self._request.infer([crop[None].astype(np.float32) / 255])
        mesh, presence = (tensor.data.reshape(-1) for tensor in self._request.output_tensors)
        points = mesh.reshape(-1, 3) / INPUT_PX * width
        points[:, :2] += corner
        return points.astype(np.float32), float(1 / (1 + np.exp(-presence[0])))
