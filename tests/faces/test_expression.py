"""A face, its expressions, and their combination by weights."""

import numpy as np
import pytest

from vjnode.faces.expression import Expression, Face, Part, amounts_of, fuse, subject_of
from vjnode.generators.latent import Latent
from vjnode.generators.registry import DEFAULT

SLOTS, DIM = DEFAULT.codes_shape

FACE = Face("somebody", "", np.random.default_rng(1).standard_normal((SLOTS, DIM)).astype("f"))
LINE = Part("line", np.ones(DIM, np.float32), (4, 5), (0.0, 1.0, 2.0))
LATE = Part("late", -np.ones(DIM, np.float32), (5, 7), (0.0, 0.0, 1.0))
EXPRESSION = Expression("both", "", (0.0, 0.5, 1.0), (LINE, LATE))


def test_weight_zero_is_exactly_the_face():
    assert np.array_equal(fuse(FACE, EXPRESSION, 0.0), FACE.codes)


@pytest.mark.parametrize(
    ("weight", "slot", "moved"),
    [(0.25, 4, 0.5), (0.5, 5, 1.0), (0.75, 5, 1.0), (1.0, 4, 2.0), (1.0, 5, 1.0), (1.0, 7, -1.0)],
)
def test_each_part_follows_its_own_curve_in_its_own_slots(weight, slot, moved):
    change = fuse(FACE, EXPRESSION, weight) - FACE.codes
    assert np.allclose(change[slot], moved, atol=1e-5)
    assert not change[[0, 1, 2, 3, 6, *range(8, SLOTS)]].any()


def test_the_face_itself_is_left_alone():
    before = FACE.codes.copy()
    fused = fuse(FACE, EXPRESSION, 0.7)
    assert np.array_equal(FACE.codes, before)
    assert fused.dtype == np.float32
    assert np.array_equal(fused, fuse(FACE, EXPRESSION, 0.7))


@pytest.mark.parametrize(("weight", "same"), [(-3.0, 0.0), (1.5, 1.0)])
def test_a_weight_out_of_range_is_clipped(weight, same):
    assert np.array_equal(fuse(FACE, EXPRESSION, weight), fuse(FACE, EXPRESSION, same))


def test_several_expressions_add_up():
    late = Expression("late", "", (0.0, 1.0), (Part("one", LINE.direction, (9,), (0.0, 3.0)),))
    subject = subject_of(FACE, [EXPRESSION, None, late])
    latent = Latent(subject, amounts_of([EXPRESSION, None, late], [0.5, 0.7, 1.0]))
    change = latent.codes() - fuse(FACE, EXPRESSION, 0.5)
    assert np.allclose(change[9], 3.0, atol=1e-5)
    assert not np.delete(change, 9, 0).any()


def test_weights_that_are_missing_are_zero():
    both = [EXPRESSION, EXPRESSION]
    latent = Latent(subject_of(FACE, both), amounts_of(both, [0.7]))
    assert np.array_equal(latent.codes(), fuse(FACE, EXPRESSION, 0.7))
