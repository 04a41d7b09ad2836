"""The one photo of a person in the tests, and what may be wrong with a photo.

``tests/data/astronaut.jpg`` is NASA's portrait of the astronaut Eileen Collins, in the public
domain, as scikit-image has it in its data.
"""

from pathlib import Path

import cv2
import numpy as np

from vjnode.faces.photo.reading import read_photo

ASTRONAUT = Path(__file__).parent / "data" / "astronaut.jpg"


def astronaut():
    """Return the photo, (512, 512, 3) RGB."""
    return read_photo(ASTRONAUT)


def larger(photo, factor):
    """Return a photo enlarged."""
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)


def turned(photo, degrees):
    """Return a photo turned about the face in it, grey around it."""
    matrix = cv2.getRotationMatrix2D((225, 120), degrees, 1.0)
    matrix[:, 2] += (31, 136)
    return cv2.warpAffine(photo, matrix, (512, 512), borderValue=(128, 128, 128))


def two_faces(photo):
    """Return a photo beside its mirror image."""
    return np.hstack((photo, photo[:, ::-1]))
