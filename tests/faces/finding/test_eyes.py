"""Irises, retouched eyes, surfaces that turn, and glasses, on drawn eyes and on faces that ship."""

import cv2
import numpy as np
import pytest
import torch

from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.finding.eyes import CORNERS, iris
from vjnode.faces.finding.glasses import THERE, bridge
from vjnode.faces.finding.regions import EYES
from vjnode.faces.finding.retouch import LOWER_LIDS, UPPER_LIDS, retouched
from vjnode.faces.finding.warp import changed, surface
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.latent import still

SIZE = 256
WIDTH, HEIGHT = 36.0, 14.0
"""Of a drawn eye, px."""


def as_tensor(picture):
    return torch.from_numpy(picture[..., :3].astype(np.float32) / 255).permute(2, 0, 1)[None]


def drawn_eyes(right, down, lid=0.0):
    """Return skin with two eyes, and landmarks; irises are so many eye widths off the middle.

    lid: part of the height by which the upper lids have fallen.
    """
    picture = np.full((SIZE, SIZE, 3), 170, np.uint8)
    points = np.zeros((468, 3), np.float32)
    for middle, upper, lower in zip((88, 168), UPPER_LIDS, LOWER_LIDS, strict=True):
        x = np.linspace(-WIDTH / 2, WIDTH / 2, len(upper))
        arch = HEIGHT / 2 * (1 - (2 * x / WIDTH) ** 2)
        top = -arch + lid * 2 * arch
        points[list(upper), :2] = np.stack((middle + x, 120 + top), 1) / SIZE
        points[list(lower), :2] = np.stack((middle + x, 120 + arch), 1) / SIZE
        outline = np.concatenate((np.stack((x, top), 1), np.stack((x, arch), 1)[::-1]))
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillPoly(mask, [np.round(outline + np.array([middle, 120])).astype(np.int32)], 1)
        eye = np.full_like(picture, 225)
        at = round(middle + right * WIDTH), round(120 + down * WIDTH)
        cv2.circle(eye, at, round(0.19 * WIDTH), (50, 60, 60), -1)
        picture[mask > 0] = eye[mask > 0]
    assert {index for line in (*UPPER_LIDS, *LOWER_LIDS) for index in line} == {*EYES[0], *EYES[1]}
    assert all(line[0] in CORNERS[i] for i, line in enumerate(UPPER_LIDS))
    return as_tensor(picture), torch.from_numpy(points)


@pytest.mark.parametrize("place", [(0, 0), (-0.15, 0), (0.15, 0), (0, -0.1), (0, 0.1), (0.1, 0.08)])
def test_an_iris_is_found_where_it_was_drawn(place):
    assert iris(*drawn_eyes(*place)).tolist() == pytest.approx(place, abs=0.04)


def test_a_lid_that_falls_does_not_move_the_iris():
    open_eye, half_shut = (iris(*drawn_eyes(0.0, 0.02, lid)) for lid in (0.0, 0.35))
    assert half_shut.tolist() == pytest.approx(open_eye.tolist(), abs=0.05)


def test_a_shut_eye_shows_neither_white_nor_iris():
    picture, points = drawn_eyes(0.0, 0.0)
    shut = retouched(picture, points, "shut", 1.0)
    assert picture[0, :, 120, 88].mean() < 0.3
    assert shut[0, :, 120, 88].mean() == pytest.approx(170 / 255, abs=0.02)
    assert torch.equal(shut[:, :, 140:], picture[:, :, 140:])
    half = retouched(picture, points, "shut", 0.5)
    assert half[0, :, 115, 88].mean() == pytest.approx(170 / 255, abs=0.05)
    assert half[0, :, 124, 88].mean() < 0.3


@pytest.mark.parametrize(("way", "sign"), [("up", -1), ("down", 1)])
def test_eyes_look_up_and_down_by_a_tenth_of_their_width(way, sign):
    picture, points = drawn_eyes(0.0, 0.0)
    moved = retouched(picture, points, way, 1.0)
    columns = [np.flatnonzero(one[0, :, :, 88].mean(0) < 0.4) for one in (picture, moved)]
    before, after = (column.mean() for column in columns)
    assert 0.05 < sign * (after - before) / WIDTH < 0.15


@pytest.fixture(scope="module")
def turned():
    """Return a face at rest, turned, and turned with glasses painted on, each with landmarks."""
    engine, meter, face = open_engine(SIZE), LandmarkMeter(), load_face("flint")
    rest = engine.draw(still(face.codes))[..., :3].copy()
    moved = engine.draw(latent_of(face, load_expression("turn_left"), 1.0))[..., :3].copy()
    points = [meter.measure(one).points for one in (rest, moved)]
    worn = moved.copy()
    for eye in EYES:
        x, y = points[1][list(eye), :2].mean(0) * SIZE
        cv2.ellipse(worn, (round(x), round(y)), (22, 15), 0, 0, 360, (20, 20, 20), 2)
    ends = [tuple(np.round(points[1][i, :2] * SIZE - (0, 2)).astype(int)) for i in (133, 362)]
    cv2.line(worn, ends[0], ends[1], (20, 20, 20), 3)
    return [(rest, points[0]), (moved, points[1]), (worn, points[1])]


def test_a_surface_stays_when_the_head_turns_but_not_under_glasses(turned):
    (rest, points), *others = turned
    ground = surface(as_tensor(rest), points)
    nothing = float(changed(ground, as_tensor(rest), torch.from_numpy(points)))
    turn, worn = (float(changed(ground, as_tensor(one), torch.from_numpy(p))) for one, p in others)
    still_there = float((as_tensor(rest) - as_tensor(others[0][0])).square().mean())
    assert nothing < 1e-6
    assert turn < 0.5 * still_there
    assert worn > 2 * turn


def test_glasses_are_seen_by_their_bridge(turned):
    bare, _, worn = (bridge(picture, points) for picture, points in turned)
    assert bare < THERE < worn
