"""The landmark meter sees what the expressions do."""

import numpy as np
import pytest

from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import face_names, load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.landmarks import LandmarkMeter

WEIGHTS = np.linspace(0, 1, 7)


@pytest.fixture(scope="module")
def look():
    engine, meter = open_engine(256), LandmarkMeter()

    def measure(face, expression, weight):
        return meter.measure(
            engine.draw(latent_of(load_face(face), load_expression(expression), weight))
        )

    return measure


@pytest.mark.parametrize("face", ["aster", "flint"])
def test_laugh_opens_the_mouth_in_step_with_the_weight(look, face):
    seen = [look(face, "laugh", weight) for weight in WEIGHTS]
    opened = [one.mouth_open for one in seen]
    assert np.corrcoef(WEIGHTS, opened)[0, 1] >= 0.95
    assert opened[0] < 0.08
    assert opened[-1] > 0.25
    assert np.diff(opened).min() > -0.02
    # It begins as a smile that does not part the lips.
    assert opened[1] < opened[0] + 0.02
    # Most of the corners' lift comes before the middle.
    lift = [one.corner_lift for one in seen]
    assert lift[3] - lift[0] > 0.5 * (max(lift) - lift[0]) > 0.02
    assert min(one.presence for one in seen) > 0.9


@pytest.mark.parametrize("expression", ["laugh", "wonder", "scowl"])
def test_the_head_stays_where_it_is(look, expression):
    rest, full = look("maple", expression, 0), look("maple", expression, 1)
    assert abs(full.yaw - rest.yaw) < 6
    assert abs(full.roll - rest.roll) < 2
    assert full.eye_distance == pytest.approx(rest.eye_distance, rel=0.08)


def test_expressions_differ_in_what_they_move(look):
    rest = look("robin", "laugh", 0)
    wonder, scowl = look("robin", "wonder", 1), look("robin", "scowl", 1)
    assert wonder.brow_raise > rest.brow_raise + 0.03
    assert wonder.mouth_open > rest.mouth_open + 0.1
    assert scowl.brow_inner < rest.brow_inner - 0.03
    assert scowl.corner_lift < rest.corner_lift
    assert scowl.mouth_open < 0.1


@pytest.mark.parametrize("face", face_names())
def test_shipped_faces_are_at_rest_and_look_ahead(look, face):
    rest = look(face, "laugh", 0)
    assert rest.presence > 0.95
    assert rest.mouth_open < 0.12  # full lips stand a little apart
    assert abs(rest.yaw) < 12
    assert abs(rest.roll) < 3


def test_measures_do_not_depend_on_the_pictures_size():
    latent = latent_of(load_face("raven"), load_expression("laugh"), 0.5)
    meter = LandmarkMeter()
    small, large = (meter.measure(open_engine(size).draw(latent)) for size in (256, 1024))
    assert small.mouth_open == pytest.approx(large.mouth_open, abs=0.02)
    assert small.mouth_width == pytest.approx(large.mouth_width, abs=0.02)
