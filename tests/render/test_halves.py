"""Faces that move one half: drawn from two pictures, divided where the face is."""

import numpy as np
import pytest

from vjnode.engines.base import OneByOne
from vjnode.engines.registry import open_engine
from vjnode.generators.latent import Latent, Subject
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.halves import HalfFaces, join, middle
from vjnode.render.open import latents_of

SIZE = 128
LATENTS = latents_of(DEFAULT)


def eyes(closed, *, centre=64):
    """Return a picture of two eyes, dark where they are closed, ``centre`` between them."""
    picture = np.full((SIZE, SIZE, 4), 150, np.uint8)
    for at in (centre - 24, centre + 24):
        picture[50:58, at - 8 : at + 8, :3] -= np.uint8(100 * closed)
    picture[..., 3] = 255
    return picture


class Eyes(OneByOne):
    """Draws eyes as far closed as the first amount says, and counts."""

    name, identity, size = "eyes", "eyes", SIZE

    def __init__(self):
        self.drawn = 0

    def draw(self, latent):
        self.drawn += 1
        return eyes(float(latent.amounts[0]))

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        pass


def latent(whole, **halves):
    subject = Subject(*(np.zeros(shape, np.float32) for shape in ((1, 1), (1, 1, 1), (1, 0))))
    parts = tuple(
        (side, Latent(subject, np.array([amount], np.float32))) for side, amount in halves.items()
    )
    return Latent(subject, np.array([whole], np.float32), parts)


@pytest.mark.parametrize("centre", [40, 64, 90])
def test_the_line_follows_the_face(centre):
    at, width = middle(eyes(0, centre=centre), eyes(1, centre=centre))
    assert at == pytest.approx(centre, abs=1.0)
    assert 8 < width < 30


@pytest.mark.parametrize(("side", "shut", "still"), [("left", 40, 88), ("right", 88, 40)])
def test_one_eye_closes_and_the_other_stays(side, shut, still):
    before = eyes(0)
    winking = join(before, before, eyes(1), side)
    assert winking[54, shut, 0] == 50
    assert winking[54, still, 0] == 150
    assert (winking[..., 3] == 255).all()
    assert (before == eyes(0)).all()


def test_pictures_that_are_alike_have_no_line():
    assert middle(eyes(0), eyes(0)) is None
    assert (join(eyes(0), eyes(0), eyes(0), "left") == eyes(0)).all()


@pytest.mark.parametrize("draw", ["draw", "begin", "draw_unless"])
def test_an_engine_draws_what_it_is_made_of(draw):
    engine = Eyes()
    halves = HalfFaces(engine)
    ask = {
        "draw": halves.draw,
        "begin": lambda one: halves.begin(one).result(),
        "draw_unless": lambda one: halves.draw_unless(lambda: False, one),
    }[draw]
    assert (ask(latent(0.5)) == eyes(0.5)).all()
    assert engine.drawn == 1
    assert (ask(latent(0.0, left=1.0)) == join(eyes(0), eyes(0), eyes(1), "left")).all()
    assert engine.drawn == 3
    both = ask(latent(0.0, left=1.0, right=0.5))
    assert (both[54, 40, 0], both[54, 88, 0]) == (50, 100)


def test_a_drawing_is_given_up_between_its_halves():
    asked = []

    def given_up():
        asked.append(1)
        return len(asked) > 1

    assert HalfFaces(Eyes()).draw_unless(given_up, latent(0.0, left=1.0)) is None


def test_at_rest_a_wink_costs_no_second_picture():
    look = Look("raven", ("laugh", "wink_left"))
    assert LATENTS(look, (0.7, 0.0)).halves == ()
    assert [side for side, _ in LATENTS(look, (0.7, 0.5)).halves] == ["left"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sign"), [("wink_left", 1), ("wink_right", -1)])
def test_a_wink_closes_one_eye_of_a_face_that_laughs(name, sign):
    engine = HalfFaces(open_engine(256))
    look = Look("flint", ("laugh", name))
    before, after = (
        engine.draw(LATENTS(look, (0.5, weight)))[..., :3].astype(float) for weight in (0.0, 1.0)
    )
    engine.close()
    change = np.abs(after - before).max(axis=2)[90:140]
    left, right = change[:, :128].mean(), change[:, 128:].mean()
    assert sign * (left - right) > 0
    assert max(left, right) > 8 * min(left, right)
