"""Small stages for the supervisor's tests; child processes import them by name."""

import gc
import json
import time

from vjnode.errors import InputError
from vjnode.show.ipc.slot import Slot


def tick(lifeline, slot_name):
    """Work until the show is over."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    if lifeline.wait_for_begin() is None:
        return
    while lifeline.running():
        slot.write(b"tick")
        time.sleep(0.005)


def tick_then_hang(lifeline, slot_name, ticks):
    """Work a little, then do nothing for ever, alive."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    lifeline.wait_for_begin()
    for _ in range(ticks):
        slot.write(b"tick")
    time.sleep(3600)


def cannot_open(lifeline, slot_name):
    """Fail before the show."""
    del lifeline, slot_name
    raise InputError("there is no such thing; try another")


def tick_then_open_slowly(lifeline, slot_name, opening_s, said_s):
    """Work a little, say how long opening will take, take that long, and go on."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    lifeline.wait_for_begin()
    for _ in range(3):
        slot.write(b"tick")
        time.sleep(0.05)
    lifeline.expect_within(said_s)
    time.sleep(opening_s)
    slot.write(b"tick")
    lifeline.expect_within(None)
    while lifeline.running():
        slot.write(b"tick")
        time.sleep(0.005)


def open_slowly_and_tick_late(lifeline, slot_name, opening_s, late_s):
    """Take a while that was asked for, say that all is as usual, and work only ``late_s`` later."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    lifeline.wait_for_begin()
    slot.write(b"tick")
    lifeline.expect_within(60.0)
    time.sleep(opening_s)
    lifeline.expect_within(None)
    time.sleep(late_s)
    while lifeline.running():
        slot.write(b"tick")
        time.sleep(0.005)


def start_slowly(lifeline, slot_name, seconds):
    """Take long until the first sign of life, as a library on a slow machine."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    lifeline.wait_for_begin()
    time.sleep(seconds)
    while lifeline.running():
        slot.write(b"tick")
        time.sleep(0.005)


def fall_at_once(lifeline, slot_name):
    """Work a moment and die, again and again."""
    slot = Slot(8, name=slot_name)
    lifeline.ready()
    lifeline.wait_for_begin()
    slot.write(b"tick")
    time.sleep(0.1)
    raise RuntimeError("it fell")


def _collection_s():
    began_s = time.thread_time()
    gc.collect()
    return time.thread_time() - began_s


def measure_collection(lifeline, slot_name):
    """Say how long a whole garbage collection takes once everything is there, and would take."""
    slot = Slot(128, name=slot_name)
    kept = [{n: [n]} for n in range(200_000)]  # what imports and set-up leave behind
    lifeline.ready()
    frozen, took_s = gc.get_freeze_count(), _collection_s()
    gc.unfreeze()
    slot.write(json.dumps([took_s, _collection_s(), frozen, len(kept)]).encode())
    while lifeline.running():
        time.sleep(0.01)
