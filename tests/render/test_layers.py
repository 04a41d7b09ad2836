import pytest

from vjnode.generators.registry import DEFAULT, GENERATORS
from vjnode.render.base import Look
from vjnode.render.idle_motion import REACH
from vjnode.render.layers import layers_of

LAYERS = layers_of(DEFAULT)


def test_what_moves_other_parts_is_added():
    look = Look("flint", ("laugh", "brows_up", "blink", ""))
    layers = LAYERS(look)
    assert (layers.keys, layers.added) == (Look("flint", ("laugh",)), look)
    assert not layers.left_out


def test_the_first_channel_alone_has_nothing_to_add():
    for expressions in (("laugh",), ("laugh", "", "", ""), ("turn_left", ""), ("", "")):
        layers = LAYERS(Look("flint", expressions))
        assert layers.keys == Look("flint", expressions[:1])
        assert layers.added is None
        assert not layers.left_out


@pytest.mark.parametrize("expressions", [("laugh", "turn"), ("turn", "laugh"), ("", "nod_up")])
def test_a_head_that_turns_is_not_added(expressions):
    layers = LAYERS(Look("flint", expressions))
    assert layers.added is None
    (left_out,) = layers.left_out
    assert (left_out.channel, left_out.expression) == (1, expressions[1])
    assert "turns the head" in left_out.why


def test_others_are_added_all_the_same():
    layers = LAYERS(Look("flint", ("laugh", "turn", "blink")))
    assert layers.added == Look("flint", ("laugh", "", "blink"))
    assert [(one.channel, one.expression) for one in layers.left_out] == [(1, "turn")]


def test_a_movement_without_a_region_is_not_added():
    layers = layers_of(GENERATORS["stylegan2"])(Look("ember", ("flow", "flow")))
    assert "which part of a face" in layers.left_out[0].why


def test_what_a_face_does_by_itself_is_added_to_every_look():
    layers = layers_of(DEFAULT)
    for expressions in (("laugh", "", "", ""), ("laugh", "brows_up", "blink", "turn")):
        look = Look("raven", expressions, tuple(REACH))
        assert layers(look).added.idle == tuple(REACH)
        assert not layers(look).keys.idle
    strange = Look("raven", ("laugh", "", "", ""), ("wag",))
    assert layers(strange).added is None


@pytest.mark.parametrize(
    ("expressions", "alike"),
    [
        (("laugh", "brows_up", "blink", "wide"), ((2, 3),)),
        (("laugh", "brows_up", "blink", ""), ()),
        (("blink", "wide", "brows_up", ""), ()),  # the first is in the key frames
        (("smile", "wide", "turn", "gaze_left"), ((1, 3),)),
    ],
)
def test_it_is_told_which_of_those_added_move_the_same_part(expressions, alike):
    assert LAYERS(Look("flint", expressions)).alike == alike
