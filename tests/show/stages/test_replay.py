"""A session that is played again: its drives and controls come at their times, on today's clock."""

import threading
from contextlib import closing

import pytest

from tests.events import wait_for
from tests.show.session.made import write_session
from vjnode.control.state import Controls, Stock
from vjnode.runtime import monotonic_s
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES, unpack_drive
from vjnode.show.replayed_controls import ReplayedControls
from vjnode.show.session.reader import open_session
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.stages import replay as stage
from vjnode.show.stages.replay import run_replay


class Lifeline:
    """A tie to a show that begins now, and ends when it is told."""

    def __init__(self):
        self.over = threading.Event()
        self.epoch_s = monotonic_s() + 0.05
        self.patience = []

    def ready(self, about):
        self.about = about

    def running(self):
        return not self.over.is_set()

    def wait_for_begin(self):
        return self.epoch_s

    def expect_within(self, stall_s):
        self.patience.append(stall_s)


@pytest.fixture
def session(tmp_path):
    """Forty ticks, two thirds of a second."""
    write_session(tmp_path / "set.vjsession", 40)
    return open_session(tmp_path / "set.vjsession")


def test_drives_come_at_their_times_on_the_clock_of_now(session, monkeypatch):
    lifeline, given = Lifeline(), []

    class Kept(Slot):
        def write(self, data):
            given.append((monotonic_s(), unpack_drive(data)))
            super().write(data)

    monkeypatch.setattr(stage, "Slot", Kept)
    wanted = [(tick, drive) for tick in session.ticks() for drive in tick.drives]
    with ShowMemory(256, 1) as memory:
        playing = threading.Thread(target=run_replay, args=(lifeline, memory.names, session))
        playing.start()
        wait_for(lambda: len(lifeline.patience) == 2)
        lifeline.over.set()
        playing.join()
    assert lifeline.about == {"session": str(session.path)}
    assert lifeline.patience[-1] == float("inf")  # silence is no fault, once it is over
    shown = {round(drive.captured_s - lifeline.epoch_s, 4): (at_s, drive) for at_s, drive in given}
    for tick, was in wanted:
        place = tick.at_s - tick.now_s
        if round(was.captured_s + place, 4) not in shown:
            continue  # the machine was held up for half a second
        at_s, drive = shown[round(was.captured_s + place, 4)]
        assert at_s >= drive.captured_s - 1e-6  # nothing is heard before its time
        assert drive.weight == was.weight
        assert drive.weight_s - drive.captured_s == pytest.approx(was.weight_s - was.captured_s)
        assert drive.beat.anchor_s - drive.captured_s == pytest.approx(
            was.beat.anchor_s - was.captured_s
        )
        assert [one for _, one in drive.hits] == [one for _, one in was.hits]
    assert shown


def test_controls_change_again_and_what_hands_do_stays(session):
    stock = Stock(["ada", "ben"], ["laugh"])
    ticks = list(session.ticks())
    with closing(Slot(CONTROLS_BYTES)) as slot:
        writer = ControlWriter(ticks[0].controls, stock, slot)
        by_hand = ticks[0].controls.with_(curve=2.0)
        writer.replay(by_hand, ticks[0].controls, later_s=0.0)
        with closing(ReplayedControls(session, writer, monotonic_s())):
            wait_for(lambda: writer.controls.choice("face") == "ben")
            wait_for(lambda: writer.controls.fired("tap") == ticks[-1].controls.fired("tap"))
        assert writer.controls == ticks[-1].controls.with_(curve=2.0)


def test_a_show_that_ends_waits_for_no_control(session):
    stock = Stock(["ada", "ben"], ["laugh"])
    with closing(Slot(CONTROLS_BYTES)) as slot:
        writer = ControlWriter(Controls("", "ada", "laugh"), stock, slot)
        began_s = monotonic_s()
        ReplayedControls(session, writer, began_s + 3600.0).close()
        assert monotonic_s() - began_s < 60.0
        assert writer.controls.choice("preset") == ""
