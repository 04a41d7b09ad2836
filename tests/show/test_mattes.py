"""A matte between processes: outputs find the one that their frames go with."""

import numpy as np
import pytest

from vjnode.render.base import Look
from vjnode.show.mattes import MatteReader, MatteWriter, matte_slot

SIZE = 16
LOOK = Look("ada", ("laugh",))


class Mattes:
    """Mattes that a test gives."""

    def __init__(self):
        self.next = None

    def show(self, now_s, look, *, over_s):
        given, self.next = self.next, None
        return given


@pytest.fixture
def slot():
    slot = matte_slot(SIZE)
    yield slot
    slot.close()


def flat(level):
    return np.full((SIZE, SIZE, 4), level, np.uint8)


def test_frames_name_the_matte_that_they_go_with(slot):
    mattes = Mattes()
    writer = MatteWriter(mattes, None, matte_slot(SIZE, name=slot.name))
    reader = MatteReader(matte_slot(SIZE, name=slot.name), SIZE)
    assert writer.before_frame(0.0, LOOK, over_s=0.0) == 0
    assert reader.of(0) is None
    mattes.next = flat(7)
    first = writer.before_frame(0.1, LOOK, over_s=0.0)
    assert writer.before_frame(0.2, LOOK, over_s=0.0) == first
    found = reader.of(first)
    assert (found == 7).all()
    assert reader.of(first) is found
    mattes.next = flat(9)
    second = writer.before_frame(0.3, LOOK, over_s=0.0)
    assert reader.of(first) is found  # a frame of before, while the next is on its way
    assert (reader.of(second) == 9).all()
    assert (found == 7).all()


def test_an_output_that_is_started_again_has_the_newest(slot):
    mattes = Mattes()
    writer = MatteWriter(mattes, None, matte_slot(SIZE, name=slot.name))
    mattes.next = flat(5)
    number = writer.before_frame(0.0, LOOK, over_s=0.0)
    assert (MatteReader(matte_slot(SIZE, name=slot.name), SIZE).of(number + 3) == 5).all()


def test_a_show_that_cuts_nothing_has_none(slot):
    writer = MatteWriter(None, None, matte_slot(SIZE, name=slot.name))
    writer.begin(LOOK)
    assert writer.before_frame(0.0, LOOK, over_s=0.0) == 0
    writer.after_frame(0.0, LOOK, complete=True)
    writer.close()
    assert slot.sequence == 0
