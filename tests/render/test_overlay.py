"""Differences of pictures: exact where they were drawn, and near enough to the truth between."""

import itertools

import cv2
import numpy as np
import pytest

from vjnode.engines.registry import open_engine
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.layers import layers_of
from vjnode.render.open import latents_of
from vjnode.render.overlay import Overlay

SIZE = 64
SHOWN = (True, True, True, False)
PLACES = ((8, 10), (24, 30), (40, 12))
"""Rows and columns of what each channel moves."""


def painted(weights):
    """Return a picture in which every channel brightens a patch, a laugh all of them more."""
    picture = np.full((SIZE, SIZE, 4), 60.0)
    picture[..., 1] += np.arange(SIZE)
    for (row, col), weight in zip(PLACES, weights, strict=False):
        picture[row : row + 14, col : col + 20, :3] += 90 * weight * (1 + 0.5 * weights[0])
    picture[..., 3] = 255
    return np.rint(picture).astype(np.uint8)


def filled(shown=SHOWN, draw=painted, order=None):
    overlay = Overlay(shown, SIZE)
    for key in order or range(overlay.keys):
        overlay.put(key, draw(overlay.weights_of(key)))
    return overlay


def added(overlay, weights, draw=painted):
    out = draw((weights[0], 0, 0, 0)).copy()
    overlay.add_to(out, weights)
    return out


def apart(a, b):
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.parametrize(
    "weights", list(itertools.product((0.0, 0.5, 1.0), (0.0, 0.5, 1.0), (0.0, 0.5, 1.0)))
)
def test_what_was_drawn_comes_out_again(weights):
    assert apart(added(filled(), (*weights, 0.0)), painted(weights)) <= 3


@pytest.mark.parametrize("weights", [(0.3, 0.2, 0.7), (0.9, 0.6, 0.0), (0.1, 0.0, 0.3)])
def test_between_them_it_is_interpolated(weights):
    assert apart(added(filled(), weights), painted(weights)) <= 5


def test_without_weight_nothing_is_changed():
    out = painted((0.5, 0, 0))
    filled().add_to(out, (0.5, 0.0, 0.0, 0.0))
    assert np.array_equal(out, painted((0.5, 0, 0)))
    filled().add_to(out, (0.5,))
    assert np.array_equal(out, painted((0.5, 0, 0)))


def test_it_does_not_matter_who_comes_first():
    first = filled()
    order = np.random.default_rng(1).permutation(first.keys).tolist()
    second = filled(order=order)
    for weights in ((0.3, 0.2, 0.7, 0.0), (1.0, 1.0, 1.0, 0.0)):
        assert np.array_equal(added(first, weights), added(second, weights))


def test_a_picture_that_comes_again_does_no_harm():
    """As one that was drawn, and then once more as it is kept."""
    overlay, once = Overlay(SHOWN, SIZE), filled()
    for key in range(overlay.keys):
        overlay.put(key, painted(overlay.weights_of(key)))
        overlay.put(0, painted(overlay.weights_of(0)))
    for weights in ((0.3, 0.2, 0.7, 0.0), (1.0, 1.0, 1.0, 0.0)):
        assert np.array_equal(added(overlay, weights), added(once, weights))


def test_a_channel_shows_before_the_channels_together_are_ready():
    overlay = Overlay(SHOWN, SIZE)
    shows = []
    for key in range(overlay.keys):
        overlay.put(key, painted(overlay.weights_of(key)))
        shows.append(apart(added(overlay, (0.0, 1.0, 1.0, 0.0)), painted((0, 0, 0))) > 50)
    assert shows.index(True) < overlay.keys / 3
    assert shows == sorted(shows)


def test_a_side_effect_far_away_is_kept_coarsely():
    """And does not make the box that is kept sharp any larger."""

    def draw(weights):
        picture = painted(weights)
        shade = np.arange(20) * weights[1] / 2
        picture[44:, 40:60, :3] += np.rint(shade).astype(np.uint8)[:, None, None]
        return picture

    plain, shaded = filled(), filled(draw=draw)
    assert shaded.nbytes == plain.nbytes
    out = added(shaded, (0.0, 1.0, 0.0, 0.0), draw)
    assert apart(out, draw((0, 1, 0))) <= 6
    assert apart(out[44:, 40:60], painted((0, 0, 0))[44:, 40:60]) >= 8


def test_a_channel_that_moves_nothing_adds_nothing():
    overlay = filled(draw=lambda weights: painted((weights[0], weights[1], 0)))
    assert apart(added(overlay, (0.5, 1.0, 1.0, 0.0)), painted((0.5, 1, 0))) <= 3


@pytest.mark.parametrize("shown", [(True, False, True, True), (False, True, True), (True,) * 4])
def test_any_channels_may_be_there(shown):
    overlay = filled(shown)
    weights = [0.5 * one for one in shown]
    assert apart(added(overlay, weights), painted(weights)) <= 4
    assert overlay.ready == overlay.keys == len(set(map(overlay.weights_of, range(overlay.keys))))
    assert overlay.missing() is None


def test_what_moves_the_same_part_is_drawn_with_it_at_more_weights():
    """Two that pull at the same lids: there the one counts that pulls more."""

    def draw(weights):
        picture = painted(weights)
        pull = max(weights[1], weights[2]) ** 2
        picture[50:60, 10:30, 2] += np.uint8(80 * pull)
        return picture

    together = (0.0, 0.4, 0.7, 0.0)
    plain, alike = Overlay(SHOWN, SIZE), Overlay(SHOWN, SIZE, alike=[(1, 2)])
    for overlay in (plain, alike):
        for key in range(overlay.keys):
            overlay.put(key, draw(overlay.weights_of(key)))
    true = draw(together).astype(float)

    def off(overlay):
        return float(np.abs(added(overlay, together, draw) - true).mean())

    assert off(alike) < 0.8 * off(plain)


def test_weights_of_what_it_does_not_have_are_not_looked_at():
    overlay = filled()
    longer = added(overlay, (0.3, 0.7, 0.2, 0.0, 0.9, 0.5))
    assert np.array_equal(longer, added(overlay, (0.3, 0.7, 0.2, 0.0)))


def test_memory_is_that_of_its_boxes():
    overlay = filled()
    assert overlay.nbytes == sum(
        one.nbytes for channel in overlay._added for one in channel.differences.values()
    )
    assert overlay.nbytes < overlay.keys * SIZE * SIZE * 4 / 2
    assert not overlay._pictures


@pytest.mark.slow
@pytest.mark.parametrize("face", ["flint", "birch"])
def test_a_laugh_with_raised_brows_is_near_what_the_generator_draws(face):
    """On the face, 256 px: 35 dB and more, between the points of the grid too."""
    size, (rows, cols) = 256, np.mgrid[:256, :256] / 256
    on_face = ((cols - 0.5) / 0.28) ** 2 + ((rows - 0.56) / 0.36) ** 2 < 1
    engine, latents = open_engine(size), latents_of(DEFAULT)
    look = Look(face, ("laugh", "brows_up", "blink", ""))
    assert layers_of(DEFAULT)(look).added == look

    def draw(weights):
        return engine.draw(latents(look, weights))

    overlay = Overlay([bool(one) for one in look.expressions], size)
    for key in range(overlay.keys):
        overlay.put(key, draw(overlay.weights_of(key)))
    for weights, least_db in (
        ((0.4, 0.5, 0, 0), 36),
        ((0.65, 1, 0, 0), 36),
        ((0, 0.6, 0, 0), 36),
        ((0.4, 0, 1, 0), 36),
        ((0.35, 0.75, 0.8, 0), 35),
        ((0.6, 0.3, 0.3, 0), 35),
    ):
        true, out = draw(weights), draw((weights[0], 0, 0, 0))
        overlay.add_to(out, weights)
        assert cv2.PSNR(out[on_face][:, :3], true[on_face][:, :3]) > least_db, weights
    engine.close()


def test_what_a_face_does_by_itself_is_added_to_whatever_else_it_does():
    overlay = Overlay(SHOWN, SIZE, idle=2)

    def draw(weights):
        picture = painted(weights)
        picture[8:22, 40:60, 0] += np.uint8(50 * weights[4])
        picture[50:60, 6:30, 2] += np.uint8(50 * weights[5])
        return picture

    for key in range(overlay.keys):
        overlay.put(key, draw(overlay.weights_of(key)))
    for weights in ((0.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.75, 0.5, 1.0, 0.0, 0.5, 0.8)):
        assert apart(added(overlay, weights), draw(weights)) <= 5
    assert overlay.keys == filled().keys + 2 * 2
