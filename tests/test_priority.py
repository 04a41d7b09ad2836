"""Who goes first on each system; what Windows and macOS make of it can only be seen there."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vjnode.priority import lower_priority, qos_class, windows_priority

DRAWING, ENCODING, AHEAD = 10, 19, None  # each gives way to those before it


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")
@pytest.mark.parametrize("niceness", [DRAWING, ENCODING, AHEAD])
def test_on_linux_a_thread_gives_way_and_so_do_those_that_it_makes(niceness):
    def tell():
        thread = threading.get_native_id()
        return os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread)

    def lowered():
        lower_priority(niceness)
        with ThreadPoolExecutor(1) as inner:
            return tell(), inner.submit(tell).result()

    before = tell()
    with ThreadPoolExecutor(1) as outer:
        own, inherited = outer.submit(lowered).result()
    assert own == inherited
    assert own == ((os.SCHED_IDLE, before[1]) if niceness is None else (before[0], niceness))
    assert tell() == before


@pytest.mark.parametrize("rank", [windows_priority, qos_class])
def test_elsewhere_they_give_way_in_the_same_order(rank):
    assert rank(DRAWING) > rank(ENCODING) > rank(AHEAD)
