"""Atlas of directions in style codes: gradients of measures of random faces.

Every measure is regressed on w (ridge). A direction is then the shortest one that changes its
targets by the wanted amounts and, to first order, nothing else: neither the turn of the head, nor
the person's proportions, nor the picture around the mouth.
"""

from collections.abc import Collection, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.faces.landmarks import Landmarks
from vjnode.faces.sampling import Samples

MEASURES = (
    "mouth_open",
    "mouth_width",
    "corner_lift",
    "brow_raise",
    "brow_inner",
    "eye_open",
    "yaw",
    "pitch",
    "roll",
)
"""Properties of ``Landmarks`` that a direction can change."""

RIDGE = 0.3
"""Ridge penalty, in mean eigenvalues; the best of 0.01 … 3 on held-out faces."""

SURROUNDINGS = 24
"""Number of principal components of the picture outside the mouth that every direction keeps."""

SLACK = 1e-3
"""Regularisation of the separation of measures: separated exactly, two that nearly always change
together would need huge steps."""

Array = NDArray[np.float64]


class Atlas:
    """Gradients of all measures by w, each in its standard deviation over random faces.

    spread: those standard deviations, by measure.
    fit: correlation of each measure with its prediction on faces left out.
    """

    def __init__(self, samples: Samples) -> None:
        faces = [samples.landmarks(i) for i in range(len(samples.w))]
        measured = np.array([[getattr(face, name) for name in MEASURES] for face in faces])
        kept = (np.array([proportions(face) for face in faces]), _outside(samples))
        everything = np.concatenate((measured, *kept), 1)
        self.spread = dict(zip(MEASURES, measured.std(0), strict=True))
        scaled = (everything - everything.mean(0)) / everything.std(0)
        w = samples.w - samples.w.mean(0, dtype=np.float64)
        self._gradients = _ridge(w, scaled).T
        out = np.arange(len(w)) % 5 == 0
        guess = w[out] @ _ridge(w[~out], scaled[~out])
        self.fit = {
            name: float(np.corrcoef(guess[:, i], scaled[out, i])[0, 1])
            for i, name in enumerate(MEASURES)
        }

    def direction(
        self, targets: Mapping[str, float], free: Collection[str] = ()
    ) -> NDArray[np.float32]:
        """Return the direction, shape (DIM,), that changes ``targets`` by the given amounts.

        targets: by measure, in standard deviations. free: measures that may change as well.
        """
        names = [*MEASURES, *[""] * (len(self._gradients) - len(MEASURES))]
        rows = [i for i, name in enumerate(names) if name not in free]
        gradients = self._gradients[rows]
        wanted = np.array([targets.get(names[i], 0.0) for i in rows])
        gram = gradients @ gradients.T
        gram += SLACK * np.trace(gram) / len(gram) * np.eye(len(gram))
        way = gradients.T @ np.linalg.solve(gram, wanted)
        return way.astype(np.float32)


def proportions(face: Landmarks) -> Array:
    """Return the proportions of a face that belong to the person, in picture widths.

    Returns: widths of face, eyes and nose, and height of the forehead.
    """
    pairs = ((234, 454), (33, 263), (129, 358), (10, 168))
    ends = np.array([face.points[list(pair), :2] for pair in pairs], np.float64)
    lengths: Array = np.hypot(*(ends[:, 0] - ends[:, 1]).T)
    return lengths


def _ridge(w: Array, measures: Array) -> Array:
    gram = w.T @ w
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    return np.linalg.solve(gram, w.T @ measures).astype(np.float64)


def _outside(samples: Samples) -> Array:
    """Return the principal components of the pictures without the mouth: (N, SURROUNDINGS)."""
    small = np.stack(
        [cv2.resize(thumb, (16, 16), interpolation=cv2.INTER_AREA) for thumb in samples.thumbs]
    )
    mouth = np.zeros((16, 16), bool)
    mouth[9:14, 4:12] = True
    seen = small[:, ~mouth].reshape(len(small), -1).astype(np.float64)
    components, _, _ = np.linalg.svd(seen - seen.mean(0), full_matrices=False)
    kept: Array = components[:, :SURROUNDINGS]
    return kept
