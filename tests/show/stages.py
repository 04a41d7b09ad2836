"""Small stages for the supervisor's tests; child processes import them by name."""

import time

from vjnode.errors import InputError
from vjnode.show.slot import Slot


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
