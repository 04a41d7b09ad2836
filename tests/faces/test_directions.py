"""Directions and weights, as an engine takes them, mean what fusing on the processor means."""

import numpy as np
import pytest

from vjnode.faces.catalogue import expression_names, load_expression, load_face
from vjnode.faces.directions import DIRECTIONS, directions_of, weights_of
from vjnode.faces.latent import fuse


@pytest.mark.parametrize("name", expression_names())
@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_one_expression_is_fused_as_on_the_processor(name, weight):
    face, expression = load_face("kofi"), load_expression(name)
    moved = np.tensordot(weights_of((expression, weight)), directions_of(expression), 1)
    np.testing.assert_allclose(face.codes + moved, fuse(face, expression, weight), atol=1e-5)


def test_several_expressions_add_up():
    face = load_face("kofi")
    expressions = [load_expression(name) for name in expression_names()[:3]]
    moved = np.tensordot(
        weights_of(*zip(expressions, (0.2, 0.9, 0.5), strict=True)), directions_of(*expressions), 1
    )
    single = [
        fuse(face, expression, weight) - face.codes
        for expression, weight in zip(expressions, (0.2, 0.9, 0.5), strict=True)
    ]
    np.testing.assert_allclose(moved, sum(single), atol=1e-5)


def test_all_expressions_that_ship_can_act_at_once():
    every = [load_expression(name) for name in expression_names()]
    assert directions_of(*every).any((1, 2)).sum() == sum(len(one.parts) for one in every)


def test_more_movements_than_there_is_room_for_are_refused():
    laugh = load_expression("laugh")
    many = [laugh] * (DIRECTIONS // len(laugh.parts) + 1)
    for ask in (lambda: directions_of(*many), lambda: weights_of(*((one, 1.0) for one in many))):
        with pytest.raises(ValueError, match=f"an engine has {DIRECTIONS}"):
            ask()
