"""Progress of a face in the making: how far it is, and the time that is left."""

import numpy as np
import pytest
import torch

from vjnode.faces.photo import progress
from vjnode.faces.photo.progress import PngFile, Progress
from vjnode.faces.photo.reading import read_photo
from vjnode.faces.photo.settings import Rounds

ROUNDS = Rounds(10, 10, 10, 5)
"""Their costs are 10, 20, 40 and 20."""

PICTURE = torch.full((1, 3, 8, 8), 0.5)


class Watch:
    def __init__(self):
        self.points = []

    def begun(self, photo):
        pass

    def shown(self, picture, point):
        assert (picture == 128).all()
        self.points.append(point)

    def made(self, note):
        pass


@pytest.fixture
def now(monkeypatch):
    """The time, s, in a list."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_stages_parts_and_the_time_left_are_told(now):
    watch = Watch()
    with Progress("nova", ROUNDS, 512, watch) as making:
        for number, cost in enumerate([1.0] * 10 + [2.0] * 10 + [4.0] * 15):
            if number % 10 == 0:
                making.resumed(0.0)  # as each stage does that is not resumed
            now[0] += cost
            making.shown(PICTURE)
            making.passed(cost)
    stages = [point.stage for point in watch.points]
    assert list(dict.fromkeys(stages)) == list(progress.STAGES)
    assert [point.done for point in watch.points] == sorted(point.done for point in watch.points)
    assert watch.points[0].left_s is None
    for point in watch.points[5:]:
        assert point.left_s == pytest.approx(90 * (1 - point.done), rel=0.25)
    last = watch.points[-1]
    assert last.done == pytest.approx(86 / 90)
    assert last.left_s == pytest.approx(4.0, abs=0.5)


def test_pictures_come_every_few_seconds(now):
    watch = Watch()
    with Progress("nova", ROUNDS, 512, watch) as making:
        for _ in range(10):
            now[0] += progress.EVERY_S / 5
            making.shown(PICTURE)
    assert len(watch.points) == 2


def test_what_an_earlier_run_did_does_not_count_as_fast(now):
    watch = Watch()
    with Progress("nova", ROUNDS, 512, watch) as making:
        making.resumed(10.0)
        making.resumed(20.0)
        now[0] += 8.0
        making.passed(8.0)
        making.shown(PICTURE)
    (point,) = watch.points
    assert (point.stage, point.done) == ("all layers", pytest.approx(38 / 90))
    assert point.left_s == pytest.approx(52.0)


def test_stages_without_rounds_are_left_out(now):
    watch = Watch()
    with Progress("nova", Rounds(0, 0, 2, 0), 256, watch) as making:
        making.shown(PICTURE)
    assert [point.stage for point in watch.points] == ["all layers"]


def test_the_file_shows_the_newest_picture_and_a_full_disk_is_told_once(tmp_path, caplog):
    file, point = PngFile(tmp_path / "now.png"), progress.Point("shapes", 0.5, None)
    for level in (40, 200):
        file.shown(np.full((16, 16, 3), level, np.uint8), point)
        assert (read_photo(tmp_path / "now.png") == level).all()
    nowhere = PngFile(tmp_path / "gone" / "now.png")
    for _ in range(3):
        nowhere.shown(np.zeros((16, 16, 3), np.uint8), point)
    assert len(caplog.records) == 1
    assert "cannot be written" in caplog.text
