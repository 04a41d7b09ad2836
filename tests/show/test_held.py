from contextlib import closing

import numpy as np
import pytest

from tests.output.shows import flat
from vjnode.show.held import Holder, held_slot
from vjnode.show.links import frame_bytes, frame_in

SIZE = 64


@pytest.fixture
def slot():
    with closing(held_slot(SIZE)) as slot:
        yield slot


def recalled(slot):
    memory = np.zeros(frame_bytes(SIZE), np.uint8)
    with closing(held_slot(SIZE, name=slot.name)) as far:
        return frame_in(memory, SIZE) if Holder(far, SIZE).recall(memory) else None


def test_what_is_frozen_is_there_for_the_next_process(slot):
    holder = Holder(slot, SIZE)
    holder.keep(None)
    assert recalled(slot) is None
    frame = flat((1, 2, 3))
    holder.keep(frame)
    found = recalled(slot)
    assert found.info == frame.info
    np.testing.assert_array_equal(found.pixels, frame.pixels)


def test_it_is_kept_once_and_let_go(slot):
    holder = Holder(slot, SIZE)
    for _ in range(5):
        holder.keep(flat((1, 2, 3)))
    assert slot.sequence == 1
    holder.keep(None)
    holder.keep(None)
    assert slot.sequence == 2
    assert recalled(slot) is None


def test_a_process_that_is_not_frozen_lets_go_of_what_another_left(slot):
    Holder(slot, SIZE).keep(flat((1, 2, 3)))
    Holder(slot, SIZE).keep(None)
    assert recalled(slot) is None
