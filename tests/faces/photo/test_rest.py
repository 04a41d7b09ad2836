"""A face that smiles is brought to rest; one that does not is left alone."""

import numpy as np
import pytest
import torch

from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.photo.poses import Pose, with_rest
from vjnode.faces.photo.rest import brought_to_rest
from vjnode.faces.photo.target import PX
from vjnode.generators.mobilestylegan.layout import STYLES
from vjnode.generators.mobilestylegan.tuned import add_offsets, network_of

CALM = "maple"


@pytest.fixture(scope="module")
def network():
    return network_of(PX)


@pytest.fixture(scope="module")
def look(network):
    mesh = FaceMesh()
    return lambda codes, offsets: mesh.points(
        network.levels(codes, torch.ones(1), offsets)[:, :3] / 255
    )


def measured(look, codes, offsets):
    with torch.no_grad():
        found = measure(look(codes, offsets)).tolist()
    return dict(zip(MEASURES, found, strict=False))


def test_a_smile_is_taken_out(look):
    """The codes of a smiling photo hold its smile; here it is that of an action."""
    face, smile = load_face(CALM), load_expression("grin")
    moved = latent_of(face, smile, 0.8)
    # What of it lies in offsets would not be in codes that are found for a photo.
    codes = torch.from_numpy(moved.codes())[None]
    held = torch.from_numpy(moved.offsets())[None]
    rest = brought_to_rest(codes, lambda some, offsets: look(some, offsets + held))
    smiling = measured(look, codes, held)
    calm = measured(look, rest.codes, rest.offsets[None] + held)
    before = measured(look, torch.from_numpy(face.codes.copy())[None], torch.zeros(1, STYLES))
    for name in ("mouth_open", "mouth_width", "corner_lift"):
        assert abs(calm[name] - before[name]) < 0.4 * abs(smiling[name] - before[name]) + 0.02
    assert rest.seen is not None
    assert torch.allclose(rest.seen.codes, codes, atol=1e-6)


def test_a_calm_face_is_left_alone(look):
    codes = torch.from_numpy(load_face(CALM).codes.copy())[None]
    rest = brought_to_rest(codes, look)
    assert rest.seen is None
    assert torch.equal(rest.codes, codes)
    assert not rest.offsets.any()


def test_offsets_in_a_network_draw_what_offsets_beside_it_do(network):
    codes, noise = torch.from_numpy(load_face(CALM).codes.copy())[None], torch.ones(1)
    offsets = torch.linspace(-1, 1, STYLES)[None]
    moved = network_of(PX)
    add_offsets(moved, offsets[0])
    with torch.no_grad():
        wanted = network.levels(codes, noise, offsets)
        found = moved.levels(codes, noise, torch.zeros(1, STYLES))
        still = network.levels(codes, noise, torch.zeros(1, STYLES))
    assert (found - wanted).abs().max() < 0.1
    assert (still - wanted).abs().max() > 1


def test_the_face_at_rest_comes_in_every_fourth_round():
    none = torch.zeros(1)
    poses = [Pose(str(i), 1.0, none, none, turns=False, mouth=False, shuts=False) for i in range(7)]
    names = [one.name for one in with_rest(poses[1:], poses[0])]
    assert names == ["rest", "1", "2", "3", "rest", "4", "5", "6"]
    assert np.all([one.mouth for one in with_rest(poses[1:], poses[0]) if one.name == "rest"])
