"""A face, its expressions, and their combination by weights."""

import numpy as np
import pytest

from vjnode.faces.expression import (
    Expression,
    Face,
    Movement,
    Part,
    amounts_of,
    latent_of,
    subject_of,
)
from vjnode.generators.latent import Latent
from vjnode.generators.registry import DEFAULT

SLOTS, DIM = DEFAULT.codes_shape

FACE = Face("somebody", "", np.random.default_rng(1).standard_normal((SLOTS, DIM)).astype("f"))


def movement(name, value, slots, offset=0.0, **more):
    rows = np.full((len(slots), DIM), value, np.float32)
    return Movement(name, "", slots, rows, np.full(4, offset, np.float32), **more)


LINE = Part(movement("line", 1.0, (4, 5)), (0.0, 1.0, 2.0))
LATE = Part(movement("late", -1.0, (5, 7), offset=0.5), (0.0, 0.0, 1.0))
EXPRESSION = Expression("both", "", (0.0, 0.5, 1.0), (LINE, LATE))


def test_weight_zero_is_exactly_the_face():
    assert np.array_equal(latent_of(FACE, EXPRESSION, 0.0).codes(), FACE.codes)


@pytest.mark.parametrize(
    ("weight", "slot", "moved"),
    [(0.25, 4, 0.5), (0.5, 5, 1.0), (0.75, 5, 1.0), (1.0, 4, 2.0), (1.0, 5, 1.0), (1.0, 7, -1.0)],
)
def test_each_part_follows_its_own_curve_in_its_own_slots(weight, slot, moved):
    change = latent_of(FACE, EXPRESSION, weight).codes() - FACE.codes
    assert np.allclose(change[slot], moved, atol=1e-5)
    assert not change[[0, 1, 2, 3, 6, *range(8, SLOTS)]].any()


def test_the_face_itself_is_left_alone():
    before = FACE.codes.copy()
    fused = latent_of(FACE, EXPRESSION, 0.7).codes()
    assert np.array_equal(FACE.codes, before)
    assert fused.dtype == np.float32
    assert np.array_equal(fused, latent_of(FACE, EXPRESSION, 0.7).codes())


@pytest.mark.parametrize(("weight", "same"), [(-3.0, 0.0), (1.5, 1.0)])
def test_a_weight_out_of_range_is_clipped(weight, same):
    found, wanted = (latent_of(FACE, EXPRESSION, one).codes() for one in (weight, same))
    assert np.array_equal(found, wanted)


def test_several_expressions_add_up():
    late = Expression("late", "", (0.0, 1.0), (Part(movement("one", 1.0, (9,)), (0.0, 3.0)),))
    three = [EXPRESSION, None, late]
    latent = Latent(subject_of(FACE, three), amounts_of(three, [0.5, 0.7, 1.0]))
    change = latent.codes() - latent_of(FACE, EXPRESSION, 0.5).codes()
    assert np.allclose(change[9], 3.0, atol=1e-5)
    assert not np.delete(change, 9, 0).any()


def test_one_movement_of_several_expressions_is_one_direction_and_stays_within_its_limit():
    held = movement("held", 1.0, (9,), limit=1.5)
    both = [Expression(name, "", (0.0, 1.0), (Part(held, (0.0, 1.0)),)) for name in "ab"]
    assert len(subject_of(FACE, both).directions) == 1
    assert amounts_of(both, [0.25, 0.5]).tolist() == [0.75]
    assert amounts_of(both, [1.0, 1.0]).tolist() == [1.5]


def test_a_mouth_opens_no_wider_than_it_can():
    jaw, teeth = (
        movement(name, 1.0, (9,), limit=1.5, opens_mouth=m)
        for name, m in (("jaw", 1.0), ("teeth", 0.5))
    )
    brows = movement("brows", 1.0, (5,), limit=1.5)
    three = [
        Expression("e", "", (0.0, 1.0), (Part(one, (0.0, 1.5)),)) for one in (jaw, teeth, brows)
    ]
    amounts = amounts_of(three, [1.0, 1.0, 1.0])
    assert amounts.tolist() == pytest.approx([1.0, 1.0, 1.5])
    assert amounts_of(three, [0.5, 0.5, 0.0]).tolist() == pytest.approx([0.75, 0.75, 0.0])


def test_offsets_follow_the_same_curve():
    assert latent_of(FACE, EXPRESSION, 0.75).offsets().tolist() == [0.25] * 4


def test_weights_that_are_missing_are_zero():
    both = [EXPRESSION, EXPRESSION]
    latent = Latent(subject_of(FACE, both), amounts_of(both, [0.7]))
    assert np.array_equal(latent.codes(), latent_of(FACE, EXPRESSION, 0.7).codes())
