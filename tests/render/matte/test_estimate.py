"""Mattes of pictures whose truth is known, and of faces."""

import cv2
import numpy as np
import pytest

from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.output.delivery import Adapter, split_delivery
from vjnode.render.matte.estimate import estimate, only_one
from vjnode.render.matte.network import INPUT_PX, Segmenter

SIZE = 256


def scene():
    """A head with a soft edge, of many browns, before a green wall: picture, share, colours."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    from_centre = np.hypot(rows - 140, columns - 128)
    share = np.clip((80 - from_centre) / 6 + 0.5, 0, 1)[..., None]
    grain = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE, 3)), (0, 0), 2) * 60
    head = np.clip(np.array([120, 80, 60]) + grain, 0, 255)
    wall = np.broadcast_to(np.array([60.0, 200.0, 90.0]), head.shape)
    pixels = np.full((SIZE, SIZE, 4), 255, np.uint8)
    pixels[..., :3] = np.rint(share * head + (1 - share) * wall)
    return pixels, share, head


def coarse(share):
    """Return a network that says the share at a quarter of its detail."""
    small = cv2.resize(share.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
    return lambda _: cv2.resize(small, (INPUT_PX, INPUT_PX))


def test_the_edge_is_found_and_no_wall_is_left_in_it():
    pixels, share, head = scene()
    matte = estimate([pixels], coarse(share))
    assert np.abs(matte[..., 3] / 255 - share[..., 0]).mean() < 0.01
    adapter = Adapter(split_delivery("x,background=#ff0000")[1], SIZE)
    adapter.use(matte)
    found = adapter.adapt(pixels)[..., :3].astype(float)
    wanted = share * head + (1 - share) * np.array([255, 0, 0])
    edge = (share[..., 0] > 0.05) & (share[..., 0] < 0.95)
    assert np.abs(found - wanted)[edge].mean() < 20
    green = found[..., 1] - 0.5 * (found[..., 0] + found[..., 2])
    assert green[edge].max() < 45  # of the wall it is 125
    assert np.percentile(green[edge], 95) < 15


def test_there_is_one_head_without_holes():
    share = np.zeros((SIZE, SIZE), np.float32)
    cv2.circle(share, (128, 140), 80, 1.0, -1)
    wanted = share.copy()
    cv2.circle(share, (20, 20), 8, 0.8, -1)  # a lamp
    cv2.circle(share, (128, 160), 4, 0.0, -1)  # a dark mouth
    np.testing.assert_array_equal(only_one(share), wanted)


def test_strands_and_gaps_at_the_edge_stay():
    share = np.zeros((SIZE, SIZE), np.float32)
    cv2.circle(share, (128, 140), 80, 1.0, -1)
    share[58:63, 120:136] = 0.0  # a notch in the hair
    share[60, 104:110] = 0.7  # a strand beside it
    np.testing.assert_array_equal(only_one(share), share)


def test_a_wall_has_no_head():
    assert not only_one(np.zeros((64, 64), np.float32)).any()


@pytest.fixture(scope="module")
def engine():
    return open_engine(SIZE)


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(threads=1)


@pytest.mark.parametrize("face", ["birch", "maple"])
def test_faces_stand_out_from_their_background(engine, segmenter, face):
    laugh = load_expression("laugh")
    pictures = [engine.draw(latent_of(load_face(face), laugh, w)) for w in (0.0, 0.5, 1.0)]
    alpha = estimate(pictures, segmenter.look)[..., 3]
    assert (alpha[80:230, 80:176] == 255).mean() > 0.995  # the face
    corners = [alpha[:24, :24], alpha[:24, -24:]]
    assert max(one.mean() for one in corners) < 3
    assert 0.25 < (alpha > 127).mean() < 0.85
