"""Parts that the tests of engines share: real faces, and a mark for tests that need a card."""

from functools import cache

import numpy as np
import pytest

from vjnode.engines.cuda.capability import gpu_here
from vjnode.faces.catalogue import expression_names, face_names, load_expression, load_face
from vjnode.faces.expression import amounts_of, subject_of
from vjnode.generators.latent import Latent

_skipped = pytest.mark.skipif(gpu_here() is None, reason="there is no CUDA card here")


def card(test):
    """Mark a test that needs a card; it is skipped where there is none."""
    return pytest.mark.card(_skipped(test))


def codes_of(seed):
    """Return style codes, (23, 512), of one of the faces that ship, with an expression."""
    return latent_of(seed).codes()


@cache
def _subject(seed):
    faces, expressions = face_names(), expression_names()
    expression = load_expression(expressions[seed % len(expressions)])
    return subject_of(load_face(faces[seed % len(faces)]), [expression]), expression


def latent_of(seed, weight=None):
    """Return the latent of ``codes_of(seed)``, or one of the same look at another weight."""
    subject, expression = _subject(seed)
    weight = 0.3 * (seed % 4) if weight is None else weight
    return Latent(subject, amounts_of([expression], [weight]))


def psnr_db(picture, wanted):
    """Return the peak signal-to-noise ratio of two pictures' colours, dB."""
    error = picture[..., :3].astype(np.float64) - wanted[..., :3]
    return 10 * np.log10(255**2 / max(float(np.mean(error**2)), 1e-9))
