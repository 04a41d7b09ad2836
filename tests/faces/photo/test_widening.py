"""A face whose laugh opens the mouth too little opens it further after some last rounds."""

import pytest
import torch

from tests.photos import PERSON, portrait
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import Face
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.finding.mesh import FaceMesh
from vjnode.faces.identity import DlibIdentity, dlib_file
from vjnode.faces.photo.aligning import Aligner
from vjnode.faces.photo.features import PersonFeatures
from vjnode.faces.photo.opening import FACTORS
from vjnode.faces.photo.poses import pose
from vjnode.faces.photo.rest import as_it_is
from vjnode.faces.photo.settings import Rounds, Settings
from vjnode.faces.photo.stages import Stages
from vjnode.faces.photo.state import State, StateFile
from vjnode.faces.photo.target import target_of
from vjnode.faces.photo.tuning import Tools, Tuned, draw
from vjnode.faces.photo.widening import factor_for, widen
from vjnode.generators.mobilestylegan.layout import STYLES
from vjnode.generators.mobilestylegan.tuned import network_of, tunable

PX, ROUNDS = 256, Rounds(0, 0, 0, 8)
WIDER = Settings(enough=9.0, widened=9.0, saved_s=0.0)


@pytest.fixture(scope="module")
def tools():
    identity = DlibIdentity(dlib_file(None))
    return Tools(identity, PersonFeatures(identity), FaceMesh())


@pytest.fixture(scope="module")
def target(tools):
    return target_of(Aligner().align(portrait(), PX), PX, tools.identity, tools.features)


@pytest.fixture(scope="module")
def tuned():
    """The face in the photo, which laughs as the generator lets it."""
    codes = torch.from_numpy(load_face(PERSON).codes.copy())[None]
    return Tuned(as_it_is(codes), network_of(PX), network_of(PX))


@pytest.fixture(scope="module")
def widened(tuned, target, tools, tmp_path_factory):
    """Widen the face's laugh. watch: is given each round's picture. resume: a run before."""
    file = StateFile(tmp_path_factory.mktemp("state") / "state", "nova", 0.0)

    def widened(settings, watch=lambda picture: None, *, resume=False, names=("laugh",)):
        state = file.load() if resume else State()
        stages = Stages(file, state, lambda cost: None, watch)
        expressions = [load_expression(name) for name in names]
        return widen(
            tuned,
            target,
            expressions,
            size=PX,
            rounds=ROUNDS,
            settings=settings,
            tools=tools,
            stages=stages,
        )

    return widened


@pytest.fixture(scope="module")
def wide(widened):
    return widened(WIDER)


def opening(tuned, tools):
    """Return how far a face opens the mouth when it laughs."""
    face = Face("", "", tuned.rest.codes[0].numpy())
    laugh = pose(face, load_expression("laugh"), 1.0, STYLES)
    with torch.no_grad():
        points = tools.mesh.points(draw(tuned.network, laugh, tuned.rest.codes))
    return float(measure(points)[MEASURES.index("mouth_open")])


def test_a_laugh_opens_further_after_the_last_rounds(wide, tuned, tools):
    assert wide.wider_last > 1
    assert opening(wide, tools) > opening(tuned, tools) + 0.015


def test_what_a_face_learned_from_stays_as_it_was(wide, tuned):
    """It is saved beside it, and looked at again by a run that goes on."""
    plain = tunable(network_of(PX))
    assert all(torch.equal(value, plain[name]) for name, value in tunable(tuned.network).items())
    assert any((value != plain[name]).any() for name, value in tunable(wide.network).items())


def test_a_laugh_that_opens_enough_is_left_alone(widened, tuned):
    assert widened(Settings(enough=0.0)) is tuned
    assert widened(WIDER, names=("smile",)) is tuned


class BrokenOffError(Exception):
    """A program that ends in the middle."""


def test_last_rounds_that_were_broken_off_go_on_to_the_same_face(widened, wide):
    left = [ROUNDS.laughs // 2]

    def watch(picture):
        left[0] -= 1
        if left[0] < 0:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        widened(WIDER, watch)
    gone_on = tunable(widened(WIDER, resume=True).network)
    assert all(torch.equal(value, gone_on[name]) for name, value in tunable(wide.network).items())


def test_the_first_factor_that_opens_the_mouth_as_wanted_is_taken():
    looked = []

    def opening(factor):
        looked.append(factor)
        return 0.28 + 0.2 * (factor - 1)

    assert factor_for(opening, 0.31, 0.315) == 1.2
    assert looked == [1.0, 1.1, 1.2]
    assert factor_for(opening, 0.25, 0.315) == 1
    assert len(looked) == 4


def test_a_mouth_that_cannot_open_as_wanted_opens_as_far_as_it_can():
    openings = dict(zip(FACTORS, (0.20, 0.205, 0.206, 0.24, 0.25, 0.21), strict=True))
    assert factor_for(openings.get, 0.31, 0.33) == 1.4
    assert factor_for(lambda factor: 0.2 + 0.01 * (factor - 1), 0.31, 0.33) == 1
    assert factor_for(lambda factor: 0.2 / factor, 0.31, 0.33) == 1
