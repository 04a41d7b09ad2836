"""Alignment of photos: the face is found however it lies, and what will not do is refused."""

import cv2
import numpy as np
import pytest

from tests.photos import FRAME, SIDE, larger, portrait, turned, two_faces
from vjnode.engines.registry import open_engine
from vjnode.errors import InputError
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.photo.aligning import GOOD_PX, Aligner, frame_of_landmarks
from vjnode.generators.latent import still

PX = 256


@pytest.fixture(scope="module")
def aligner():
    return Aligner()


@pytest.fixture(scope="module")
def straight(aligner):
    return aligner.align(portrait(), PX)


def test_a_face_is_framed_as_the_generator_frames_faces(straight):
    """The mean frame of generated faces is all of their picture; a photo's frame is no other."""
    quad = frame_of_landmarks(straight.landmarks)
    assert np.abs(quad - [(0, 0), (0, 1), (1, 1), (1, 0)]).max() < 0.02
    assert straight.picture.shape == (PX, PX, 3)
    assert straight.side == pytest.approx(FRAME, abs=10)


def test_a_generated_face_stays_where_it_is(aligner):
    engine = open_engine(PX)
    for name in ("maple", "onyx", "frost"):
        picture = engine.draw(still(load_face(name).codes))[..., :3]
        aligned = aligner.align(larger(np.ascontiguousarray(picture), 2), PX)
        corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * 2 * PX
        assert np.abs(aligned.quad - corners).max() < 0.04 * 2 * PX
    engine.close()


@pytest.mark.parametrize("degrees", [-40, 30, 90])
def test_a_head_on_its_side_is_turned_upright(aligner, straight, degrees):
    found = aligner.align(turned(portrait(), degrees), PX)
    assert abs(found.landmarks.roll) < 2
    middle = slice(PX // 4, 3 * PX // 4)
    apart = found.picture[middle, middle].astype(int) - straight.picture[middle, middle]
    assert np.abs(apart).mean() < 8


def test_a_small_face_in_a_large_photo_is_found(aligner):
    photo = np.full((2400, 3200, 3), 100, np.uint8)
    photo[1500 : 1500 + SIDE, 2300 : 2300 + SIDE] = portrait()
    assert aligner.align(photo, PX).side == pytest.approx(FRAME, abs=10)


def test_of_several_faces_one_is_named(aligner, straight):
    both = two_faces(portrait())
    with pytest.raises(InputError, match=r"there are 2 faces.*--face-number 1 to 2"):
        aligner.align(both, PX)
    first, second = (aligner.align(both, PX, number=number) for number in (1, 2))
    assert np.abs(first.picture.astype(int) - straight.picture).mean() < 3
    assert np.abs(second.picture[:, ::-1].astype(int) - straight.picture).mean() < 15
    with pytest.raises(InputError, match="--face-number 3: the photo has 2"):
        aligner.align(both, PX, number=3)


def test_what_cannot_become_a_face_is_refused_with_a_remedy(aligner):
    photo = portrait()
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3)).astype(np.uint8)
    for bad, said in (
        (noise, "there is no face in the photo; take one"),
        (cv2.resize(photo, (200, 200)), r"too small: its frame has \d+ px.*from nearer"),
        (larger(photo[170:, 160:], 2), r"cut off: \d+% of its frame is outside"),
        (np.ascontiguousarray(photo[::-1, ::-1]), "upside down; turn it"),
        ((photo * 0.12).astype(np.uint8), "too dark: level .*better light|there is no face"),
    ):
        with pytest.raises(InputError, match=said):
            aligner.align(bad, PX)


def test_a_head_that_is_turned_away_is_refused(aligner):
    engine = open_engine(GOOD_PX)
    turn = load_expression("turn_left")
    latent = latent_of(load_face("maple"), turn, 1.0)
    latent.amounts[:] = 2.4
    picture = np.ascontiguousarray(engine.draw(latent)[..., :3])
    engine.close()
    with pytest.raises(InputError, match=r"turned by -?\d+°.*take a photo from the front"):
        aligner.align(picture, PX)
