"""The audio process of a session that is played again: no sound in, but the drives of then out."""

import time
from dataclasses import replace

from vjnode.modulation.drive import Drive
from vjnode.runtime import monotonic_s
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import DRIVE_BYTES, MemoryNames, pack_drive
from vjnode.show.session.reader import PAUSE_S, Session
from vjnode.show.supervision.worker import Lifeline

GLANCE_S = 0.1
"""Longest sleep, s, before it is looked whether the show goes on."""

LATE_S = 0.5
"""Drives that are later than this are left out: those before a restart have been played."""


def run_replay(lifeline: Lifeline, names: MemoryNames, session: Session) -> None:
    """Run the audio stage of a replay until the show is over.

    Raises:
        InputError: the file is not as it was any more.
    """
    slot = Slot(DRIVE_BYTES, name=names.drive)
    lifeline.ready({"session": str(session.path)})
    epoch_s = lifeline.wait_for_begin()
    if epoch_s is None:
        return
    lifeline.expect_within(2.0 * PAUSE_S)  # as long as nothing need have been heard
    before_s = epoch_s
    for tick in session.ticks():
        tick_s = epoch_s + tick.at_s
        shift_s = tick_s - tick.now_s
        for drive in tick.drives:
            # A rendering, which looks ahead, was told of it earlier than it was heard.
            due_s = max(before_s, drive.captured_s + shift_s)
            if not _wait_until(due_s, lifeline):
                return
            if monotonic_s() - due_s < LATE_S:
                slot.write(pack_drive(shifted(drive, shift_s)))
        before_s = tick_s
    lifeline.expect_within(float("inf"))
    while lifeline.running():
        time.sleep(GLANCE_S)


def shifted(drive: Drive, by_s: float) -> Drive:
    """Return a drive as if all of it had been heard ``by_s`` later, s."""
    return replace(
        drive,
        captured_s=drive.captured_s + by_s,
        weight_s=drive.weight_s + by_s,
        hits=tuple((at_s + by_s, strength) for at_s, strength in drive.hits),
        beat=replace(drive.beat, anchor_s=drive.beat.anchor_s + by_s),
    )


def _wait_until(due_s: float, lifeline: Lifeline) -> bool:
    """Wait; return whether the show still goes on."""
    while lifeline.running():
        left_s = due_s - monotonic_s()
        if left_s <= 0.0:
            return True
        time.sleep(min(left_s, GLANCE_S))
    return False
