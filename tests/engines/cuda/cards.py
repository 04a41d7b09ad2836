"""Parts that the tests of engines share: real faces, and a mark for tests that need a card."""

import numpy as np
import pytest

from vjnode.engines.cuda.capability import gpu_here
from vjnode.faces.catalogue import expression_names, face_names, load_expression, load_face
from vjnode.faces.expression import fuse

_skipped = pytest.mark.skipif(gpu_here() is None, reason="there is no CUDA card here")


def card(test):
    """Mark a test that needs a card; it is skipped where there is none."""
    return pytest.mark.card(_skipped(test))


def codes_of(seed):
    """Return style codes, (23, 512), of one of the faces that ship, with an expression."""
    faces, expressions = face_names(), expression_names()
    face = load_face(faces[seed % len(faces)])
    return fuse(face, load_expression(expressions[seed % len(expressions)]), 0.3 * (seed % 4))


def psnr_db(picture, wanted):
    """Return the peak signal-to-noise ratio of two pictures' colours, dB."""
    error = picture[..., :3].astype(np.float64) - wanted[..., :3]
    return 10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-9))
