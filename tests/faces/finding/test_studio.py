"""Mesh, measures and persons in torch as a finder sees them, and the way to an action."""

import dlib
import numpy as np
import pytest
import torch

from vjnode.engines.registry import open_engine
from vjnode.errors import InputError
from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.finding.actions import ACTIONS
from vjnode.faces.finding.eyes import iris
from vjnode.faces.finding.losses import Settings
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.finding.open import open_studio, sitters
from vjnode.faces.finding.regions import colour_regions, movable
from vjnode.faces.finding.search import descend, solve
from vjnode.faces.identity import ANOTHER_PERSON, DlibIdentity, dlib_file
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.latent import still

SIZE = 256


def as_tensor(picture):
    return torch.from_numpy(picture[..., :3].astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def pictures():
    engine = open_engine(SIZE)
    return [engine.draw(still(load_face(name).codes)) for name in face_names()[:4]]


@pytest.fixture(scope="module")
def mesh():
    return FaceMesh()


def test_the_mesh_in_torch_is_the_meters(pictures, mesh):
    meter = LandmarkMeter()
    for picture in pictures:
        found, wanted = mesh.points(as_tensor(picture)).numpy(), meter.measure(picture)
        assert np.abs(found - wanted.points)[:, :2].max() * SIZE < 0.2
        measures = dict(zip(MEASURES, measure(torch.from_numpy(wanted.points)), strict=False))
        for name in ("mouth_open", "mouth_width", "corner_lift", "brow_inner", "yaw", "pitch"):
            assert float(measures[name]) == pytest.approx(getattr(wanted, name), abs=1e-3)


def test_a_gradient_flows_from_measures_to_the_picture(pictures, mesh):
    picture = as_tensor(pictures[0]).requires_grad_()
    points = mesh.points(picture, mesh.box(picture.detach()))
    seen = torch.cat((measure(points), iris(picture, points.detach())))
    for i in (MEASURES.index("mouth_open"), MEASURES.index("gaze_x")):
        (gradient,) = torch.autograd.grad(seen[i], picture, retain_graph=True)
        assert gradient.isfinite().all()
        assert gradient.abs().max() > 0


@pytest.mark.parametrize(
    ("action", "axis", "sign"),
    [("gaze_left", 0, -1), ("gaze_right", 0, 1), ("gaze_up", 1, -1), ("gaze_down", 1, 1)],
)
def test_gaze_is_seen(mesh, action, axis, sign):
    engine, face, expression = open_engine(SIZE), load_face("flint"), load_expression(action)
    x = []
    for weight in (0.0, 1.0):
        picture = as_tensor(engine.draw(latent_of(face, expression, weight)))
        x.append(float(iris(picture, mesh.points(picture))[axis]))
    assert sign * (x[1] - x[0]) > 0.03


def test_regions_lie_where_their_names_say(pictures, mesh):
    points = mesh.points(as_tensor(pictures[0])).numpy()
    masks, colours = movable(points, SIZE), colour_regions(points, SIZE)
    mouth, eye = ((points[i, :2] * SIZE).astype(int) for i in (13, 159))
    assert masks["lower"][mouth[1], mouth[0]]
    assert not masks["upper"][mouth[1], mouth[0]]
    assert masks["eyes"][eye[1], eye[0]]
    assert masks["upper"][eye[1], eye[0]]
    assert not (colours["hair"] & colours["face"]).any()
    assert not (colours["background"] & colours["hair"]).any()
    assert all(mask.any() for mask in colours.values())


def test_dlibs_network_in_torch_is_dlibs(pictures, mesh):
    theirs, ours = (
        dlib.face_recognition_model_v1(str(dlib_file(None))),
        DlibIdentity(dlib_file(None)),
    )
    embeddings = []
    for picture in pictures:
        whole = as_tensor(picture)
        chip = ours.chip(whole, mesh.points(whole))
        rounded = (chip[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        embeddings.append(ours.embed(as_tensor(rounded)).numpy())
        wanted = np.array(theirs.compute_face_descriptor(np.ascontiguousarray(rounded)))
        assert np.linalg.norm(embeddings[-1] - wanted) < 1e-4
    apart = [np.linalg.norm(one - embeddings[0]) for one in embeddings[1:]]
    assert min(apart) > ANOTHER_PERSON


def test_a_file_that_is_no_network_of_dlibs_is_refused(tmp_path):
    path = tmp_path / "odd.dat"
    path.write_bytes(dlib_file(None).read_bytes()[:400_000])
    with pytest.raises(ValueError, match="no network of dlib's for faces"):
        DlibIdentity(path)
    with pytest.raises(InputError, match="is not there; run: "):
        dlib_file(tmp_path / "nothing")


@pytest.mark.slow
def test_an_action_is_found_on_few_faces(mesh):
    """Closed form and a few steps: the mouth opens, the person stays, the same seed the same."""
    studio = open_studio(DlibIdentity(dlib_file(None)))
    faces = list(sitters(studio, 5, 3))
    few = Settings(closed_faces=2, probes=1, steps=6)
    jaw = ACTIONS["jaw"]
    start = solve(studio, faces, [jaw], few, seed=1, progress=lambda: None)["jaw"]
    effects = []
    found = [
        descend(studio, faces, jaw, start, few, seed=1, progress=effects.append) for _ in range(2)
    ]
    assert torch.equal(found[0].offsets, found[1].offsets)
    assert len(effects) == 2 * few.steps
    face = faces[-1]
    moved = studio.draw(
        face.codes.index_add(
            1, torch.tensor(list(found[0].rows)), torch.stack(list(found[0].rows.values()))[None]
        ),
        found[0].offsets,
    )
    seen = studio.look(moved, face.box)
    change = seen.measures - face.measures
    assert change[MEASURES.index("mouth_open")] > 0.08
    assert abs(change[MEASURES.index("brow_inner")]) < 0.05
    assert (seen.embedding - face.embedding).norm() < 0.5
