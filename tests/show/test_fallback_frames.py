from contextlib import closing

import numpy as np
import pytest

from tests.output.shows import flat
from vjnode.render.base import Look
from vjnode.render.idle_motion import DEPTH
from vjnode.show.fallback_frames import (
    SETTLED_S,
    FrozenFrame,
    StillsReader,
    StillsWriter,
    frozen_slot,
    stills_slot,
)
from vjnode.show.messages import frame_bytes, frame_in

SIZE = 8
ADA, BEN = Look("ada", ("laugh",)), Look("ben", ("laugh",))


class Drawn:
    """Draws its weight, and counts how often."""

    complete = True

    def __init__(self, base=0):
        self.base, self.drawn = base, 0

    def draw(self, weight, out):
        self.drawn += 1
        out[...] = self.base + round(weight * 100)


@pytest.fixture
def ends():
    with closing(stills_slot(SIZE)) as slot, closing(stills_slot(SIZE, name=slot.name)) as far:
        yield StillsWriter(slot, SIZE), StillsReader(far, SIZE)


def levels(stills):
    return int(stills.rest[0, 0, 0]), int(stills.away[0, 0, 0])


def step(writer, seconds, look, shown, start_s):
    for n in range(round(seconds * 60)):
        writer.step(start_s + n / 60, look, shown.draw, complete=shown.complete)
    return start_s + seconds


def test_before_any_there_are_none(ends):
    assert ends[1].newest() is None


def test_the_first_ones_are_there_at_once_and_one_is_drawn_at_a_time(ends):
    writer, reader = ends
    look = Drawn()
    writer.step(5.0, ADA, look.draw, complete=look.complete)
    assert (look.drawn, reader.newest()) == (1, None)
    writer.step(5.02, ADA, look.draw, complete=look.complete)
    assert look.drawn == 2
    assert levels(reader.newest()) == (0, round(DEPTH * 100))
    assert reader.newest() is not None  # they stay


def test_they_are_drawn_once_for_a_look(ends):
    writer, look = ends[0], Drawn()
    step(writer, 10, ADA, look, 0.0)
    assert look.drawn == 2


def test_a_new_face_has_new_ones_when_it_has_stayed(ends):
    writer, reader = ends
    now_s = step(writer, 1, ADA, Drawn(), 0.0)
    ben = Drawn(100)
    now_s = step(writer, SETTLED_S / 2, BEN, ben, now_s)
    assert ben.drawn == 0
    now_s = step(writer, SETTLED_S, BEN, ben, now_s)
    assert levels(reader.newest()) == (100, 100 + round(DEPTH * 100))


def test_faces_that_are_leafed_through_cost_nothing(ends):
    writer, reader = ends
    now_s = step(writer, 1, ADA, Drawn(), 0.0)
    passing = Drawn(100)
    for n in range(20):
        now_s = step(writer, 0.1, (ADA, BEN)[n % 2], passing, now_s)
    assert passing.drawn == 0
    assert levels(reader.newest())[0] == 0


def test_a_look_is_drawn_again_when_it_is_complete(ends):
    writer, reader = ends
    look = Drawn()
    look.complete = False
    now_s = step(writer, 1, ADA, look, 0.0)
    assert levels(reader.newest()) == (0, round(100 * DEPTH))
    look.base, look.complete = 50, True
    step(writer, 1, ADA, look, now_s)
    assert levels(reader.newest()) == (50, 50 + round(100 * DEPTH))


FROZEN_SIZE = 64


@pytest.fixture
def slot():
    with closing(frozen_slot(FROZEN_SIZE)) as slot:
        yield slot


def recalled(slot):
    memory = np.zeros(frame_bytes(FROZEN_SIZE), np.uint8)
    with closing(frozen_slot(FROZEN_SIZE, name=slot.name)) as far:
        return (
            frame_in(memory, FROZEN_SIZE) if FrozenFrame(far, FROZEN_SIZE).recall(memory) else None
        )


def test_what_is_frozen_is_there_for_the_next_process(slot):
    holder = FrozenFrame(slot, FROZEN_SIZE)
    holder.keep(None)
    assert recalled(slot) is None
    frame = flat((1, 2, 3))
    holder.keep(frame)
    found = recalled(slot)
    assert found.info == frame.info
    np.testing.assert_array_equal(found.pixels, frame.pixels)


def test_it_is_kept_once_and_let_go(slot):
    holder = FrozenFrame(slot, FROZEN_SIZE)
    for _ in range(5):
        holder.keep(flat((1, 2, 3)))
    assert slot.sequence == 1
    holder.keep(None)
    holder.keep(None)
    assert slot.sequence == 2
    assert recalled(slot) is None


def test_a_process_that_is_not_frozen_lets_go_of_what_another_left(slot):
    FrozenFrame(slot, FROZEN_SIZE).keep(flat((1, 2, 3)))
    FrozenFrame(slot, FROZEN_SIZE).keep(None)
    assert recalled(slot) is None
