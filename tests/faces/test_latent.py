"""How a weight joins a face and an expression."""

import numpy as np
import pytest

from vjnode.faces.latent import DIM, SLOTS, Expression, Face, Part, fuse

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
