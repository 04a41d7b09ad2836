"""Unsteadiness of a mouth: the landmark mesh finds one mouth in the same place however it looks.

Where a generator is driven too far it draws two mouths, one within the other, and the mesh takes
now the one and now the other.
"""

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.faces.landmarks import LandmarkMeter

SCALES = (1.0, 0.9, 1.1)
"""Sizes at which a picture is looked at, as it is and mirrored."""

LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""Landmarks around a mouth."""

STEADY = 0.012
"""Limit on 90 % of faces, part of a picture's side.

Measured on the 26 faces that ship, at 256 px: mouths in a laugh 0.0075, in one and a half jaws
0.009; in two and a half jaws 0.017, two mouths 0.016. A single face says less: one with a white
beard reads up to 0.027 with one mouth.
"""


def unsteadiness(meter: LandmarkMeter, picture: NDArray[np.uint8]) -> float:
    """Return by how much the height of a mouth varies, a part of the picture's side.

    picture: (px, px, 3) uint8 RGB. Returns: the standard deviation over ``SCALES``, mirrored and
    not.
    """
    middle, heights = 0.5 * (len(picture) - 1), []
    for scale, mirrored in itertools.product(SCALES, (False, True)):
        seen = np.ascontiguousarray(picture[:, ::-1] if mirrored else picture)
        move = np.array([[scale, 0, middle * (1 - scale)], [0, scale, middle * (1 - scale)]])
        sized = cv2.warpAffine(seen, move, seen.shape[:2], borderMode=cv2.BORDER_REPLICATE)
        rows = meter.measure(np.asarray(sized, np.uint8)).points[list(LIPS), 1]
        heights.append(float(np.ptp(rows)) / scale)
    return float(np.std(heights))
