import multiprocessing
import time

import numpy as np
import pytest

from tests.processes import kill
from vjnode.runtime import monotonic_s
from vjnode.show.ipc.slot import Slot

MEGABYTE = 1 << 20


@pytest.fixture
def slot():
    slot = Slot(64)
    yield slot
    slot.close()


def test_a_value_is_read_once(slot):
    reader = Slot(64, name=slot.name)
    assert reader.read() is None
    slot.write(b"hello")
    assert reader.read() == b"hello"
    assert reader.read() is None
    reader.close()


def test_the_newest_wins_and_the_others_are_counted(slot):
    reader = Slot(64, name=slot.name)
    for value in (b"one", b"two", b"three", b"four"):
        slot.write(value)
        if value == b"one":
            reader.read()
    assert reader.read() == b"four"
    assert reader.dropped == 2
    reader.close()


def test_the_beginning_alone_can_be_read(slot):
    reader = Slot(64, name=slot.name)
    slot.write(b"header and pixels")
    head = np.zeros(6, np.uint8)
    assert reader.read_into(head) == 6
    assert head.tobytes() == b"header"
    reader.close()


def test_too_long_a_value_is_refused(slot):
    with pytest.raises(ValueError, match="65 bytes"):
        slot.write(b"x" * 65)


def test_a_value_is_as_old_as_it_is(slot):
    reader = Slot(64, name=slot.name)
    assert reader.written_s == 0.0
    began_s = monotonic_s()
    slot.write(b"hello")
    assert began_s <= reader.written_s <= monotonic_s()
    reader.close()


def test_two_copies_are_enough_for_what_is_written_rarely():
    slot = Slot(64, copies=2)
    reader = Slot(64, name=slot.name, copies=2)
    for n in range(10):
        slot.write(b"%d" % n)
        assert reader.read() == b"%d" % n
    slot.begin()[:] = 255  # a writer that is at work, or was killed there
    late = Slot(64, name=slot.name, copies=2)
    assert late.read() == b"9"
    for one in (late, reader, slot):
        one.close()


def _write_for_ever(name):
    slot = Slot(MEGABYTE, name=name)
    value = 0
    while True:
        slot.begin()[:] = value % 256
        slot.commit(MEGABYTE)
        value += 1


def test_no_torn_value_is_ever_seen_and_a_killed_writer_leaves_the_last_one():
    slot = Slot(MEGABYTE)
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_write_for_ever, args=(slot.name,))
    writer.start()
    try:
        target = np.empty(MEGABYTE, np.uint8)
        seen = 0
        while slot.sequence == 0:  # a busy machine takes its time to start a process
            time.sleep(0.01)
        while seen < 200:
            if slot.read_into(target) is not None:
                seen += 1
                assert (target == target[0]).all()
        kill(writer.pid)
        writer.join()
        late = Slot(MEGABYTE, name=slot.name)
        assert late.read_into(target) == MEGABYTE
        assert (target == target[0]).all()
        # A new writer goes on where the old one was cut off.
        slot.begin()[:] = 7
        slot.commit(MEGABYTE)
        assert late.read_into(target) == MEGABYTE
        assert (target == 7).all()
        late.close()
    finally:
        writer.kill()
        slot.close()
