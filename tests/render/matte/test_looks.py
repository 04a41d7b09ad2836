"""Mattes beside a show: there at once, better soon, kept, and no fault of the show's."""

import time

import cv2
import numpy as np
import pytest

from tests.events import HANG_S
from vjnode.render.base import Look
from vjnode.render.matte.files import WEIGHTS, MatteFiles
from vjnode.render.matte.looks import FADE_S, LookMattes, MatteFade
from vjnode.render.matte.network import INPUT_PX

SIZE = 64
ADA, BEN = Look("ada", ("laugh", "", "")), Look("ben", ("laugh", "", ""))


def draw(look, weight):
    """A head on the left or on the right, brighter with the weight."""
    picture = np.full((SIZE, SIZE, 4), 255, np.uint8)
    picture[..., :3] = 20
    middle = 24 if look.face == "ada" else 40
    cv2.circle(picture, (middle, 36), 14, (150 + int(50 * weight),) * 3 + (255,), -1)
    return picture


def bright(picture):
    mask = (picture[..., 0] > 80).astype(np.float32)
    return cv2.resize(mask, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_NEAREST)


class Seeing:
    """Sees heads, and counts how many pictures it has looked at."""

    def __init__(self):
        self.pictures = 0

    def __call__(self):
        return self.look

    def look(self, picture):
        self.pictures += 1
        return bright(picture)


@pytest.fixture
def seeing():
    return Seeing()


@pytest.fixture
def mattes(tmp_path, seeing):
    made = LookMattes(seeing, lambda look: look.face, MatteFiles(tmp_path, SIZE), apart_s=0.0)
    yield made
    made.close()


def head(matte):
    return float(np.flatnonzero(matte[36, :, 3] > 127).mean())


def ticks(mattes, look, *, until, complete=True):
    """Run a show's ticks until ``until(shown)`` of the newest matte."""
    shown, now_s, end_s = None, 10.0, time.monotonic() + HANG_S
    while not until(shown) and time.monotonic() < end_s:
        now_s += 0.1
        newest = mattes.show(now_s, look, over_s=0.0)
        shown = shown if newest is None else newest
        mattes.prepare(now_s, look, draw, complete=complete)
        time.sleep(0.005)
    return shown


def some(count=20):
    """Return what is content after ``count`` calls."""
    left = iter(range(count))
    return lambda _: next(left, None) is None


def test_a_show_begins_with_a_matte_of_one_picture(mattes, seeing):
    mattes.first(ADA, draw)
    assert seeing.pictures == 1
    assert head(mattes.show(0.0, ADA, over_s=1.0)) == pytest.approx(24, abs=1)
    assert mattes.show(0.1, ADA, over_s=1.0) is None


def test_the_whole_movement_follows_and_is_kept(mattes, seeing, tmp_path):
    mattes.first(ADA, draw)
    mattes.show(0.0, ADA, over_s=0.0)
    ticks(mattes, ADA, until=some(), complete=False)
    assert seeing.pictures == 1
    files = MatteFiles(tmp_path, SIZE)
    ticks(mattes, ADA, until=lambda _: files.read("ada") is not None)
    assert seeing.pictures == 1 + len(WEIGHTS)
    again = LookMattes(seeing, lambda look: look.face, files, apart_s=0.0)
    again.first(ADA, draw)
    ticks(again, ADA, until=some())
    again.close()
    assert seeing.pictures == 1 + len(WEIGHTS)


def test_what_was_kept_is_at_hand_when_its_look_comes(mattes, seeing, tmp_path):
    files = MatteFiles(tmp_path, SIZE)
    files.keep("ben", np.full((SIZE, SIZE, 4), 7, np.uint8))
    mattes.first(ADA, draw)
    mattes.show(0.0, ADA, over_s=0.0)
    mattes.expect([ADA, BEN, Look("cem", ("laugh",))])
    mattes._maker.submit(int).result()  # behind what was asked for
    mattes.prepare(0.1, ADA, draw, complete=False)
    assert (mattes.show(1.0, BEN, over_s=0.0) == 7).all()
    assert seeing.pictures == 1


def test_a_damaged_file_is_made_again(mattes, seeing, tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada/matte.png").write_bytes(b"no picture")
    mattes.first(ADA, draw)
    assert seeing.pictures == 1


def test_the_matte_before_stays_until_the_next_is_there(mattes):
    mattes.first(ADA, draw)
    mattes.show(0.0, ADA, over_s=0.0)
    assert mattes.show(1.0, BEN, over_s=0.0) is None
    ticks(mattes, BEN, until=lambda shown: shown is not None)
    assert head(mattes.show(1000.0, BEN, over_s=0.0)) == pytest.approx(40, abs=1)
    assert head(mattes.show(1001.0, ADA, over_s=0.0)) == pytest.approx(24, abs=1)  # with its look


def test_a_network_that_fails_ends_no_show(tmp_path, caplog):
    def broken():
        raise RuntimeError("no such file")

    mattes = LookMattes(broken, lambda look: look.face, MatteFiles(tmp_path, SIZE), apart_s=0.0)
    mattes.first(ADA, draw)
    assert ticks(mattes, ADA, until=some()) is None
    mattes.close()
    assert [record.getMessage() for record in caplog.records] == [
        "the head of ada cannot be cut out: no such file"
    ]


def test_a_disk_that_takes_nothing_is_no_fault(seeing, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    mattes = LookMattes(seeing, lambda look: look.face, MatteFiles(blocked, SIZE), apart_s=0.0)
    mattes.first(ADA, draw)
    assert ticks(mattes, ADA, until=lambda shown: shown is not None) is not None
    mattes.close()


def test_one_matte_passes_into_the_next():
    fade, low, high = MatteFade(), *(np.full((4, 4, 4), level, np.uint8) for level in (0, 200))
    assert fade.step(0.0, low, over_s=FADE_S) is low
    levels = [0]
    for tick in range(1, 61):
        shown = fade.step(tick / 60, high, over_s=0.5)
        levels += [int(shown[0, 0, 3])] if shown is not None else []
    assert levels == sorted(levels)
    assert levels[-1] == 200
    assert 4 <= len(levels) <= 8
    assert fade.step(2.0, high, over_s=0.5) is None
    assert fade.step(3.0, low, over_s=0.0) is low
