"""A face that opens its mouth little is taught to open it further; one that opens it, is not."""

import pytest
import torch

from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.photo.opening import FACTORS, wider_of
from vjnode.faces.photo.poses import pose
from vjnode.faces.photo.target import PX
from vjnode.generators.mobilestylegan.layout import STYLES
from vjnode.generators.mobilestylegan.tuned import network_of

PERSON = "maple"


@pytest.fixture(scope="module")
def look():
    mesh, network = FaceMesh(), network_of(PX)
    return lambda codes, offsets: mesh.points(
        network.levels(codes, torch.ones(1), offsets)[:, :3] / 255
    )


def opening(look, wider):
    """Return how far the person opens the mouth when it laughs."""
    laugh = pose(load_face(PERSON), load_expression("laugh"), 1.0, STYLES, wider=wider)
    with torch.no_grad():
        found = measure(look(laugh.codes, laugh.offsets))
    return float(found[MEASURES.index("mouth_open")])


def wider(look, wanted, *names):
    expressions = [load_expression(name) for name in names]
    return wider_of(load_face(PERSON), expressions, look, wanted)


def test_a_mouth_opens_as_far_as_is_wanted_and_little_more(look):
    before = opening(look, 1.0)
    factor = wider(look, before + 0.015, "laugh")
    assert 1 < factor < FACTORS[-1]
    assert opening(look, factor) >= before + 0.015
    assert opening(look, FACTORS[FACTORS.index(factor) - 1]) < before + 0.015


def test_a_mouth_that_opens_enough_is_left_alone(look):
    assert wider(look, opening(look, 1.0) - 0.01, "laugh") == 1


def test_what_cannot_be_reached_is_not_forced(look):
    """A mouth that no longer opens further with the amounts only breaks."""
    stuck = look(*(torch.from_numpy(load_face(PERSON).codes.copy())[None], torch.zeros(1, STYLES)))
    assert wider(lambda *_: stuck, 9.0, "laugh") == 1
    assert wider(look, 9.0, "laugh") in FACTORS[1:]


def test_expressions_that_open_no_mouth_need_no_look(look):
    assert wider(None, 9.0, "blink", "brows_up", "smile") == 1


def test_only_what_opens_the_mouth_is_taken_further():
    face = load_face(PERSON)
    for name, further in (("surprise", True), ("teeth", True), ("smile", False), ("blink", False)):
        plain, more = (
            pose(face, load_expression(name), 1.0, STYLES, wider=factor) for factor in (1.0, 1.3)
        )
        assert bool((plain.offsets != more.offsets).any()) == further, name
        assert plain.opens == further, name
    jaw = [
        pose(face, load_expression("jaw"), weight, STYLES, wider=factor).offsets
        for weight, factor in ((0.5, 1.4), (0.7, 1.0))
    ]
    assert torch.allclose(*jaw, atol=1e-5)
