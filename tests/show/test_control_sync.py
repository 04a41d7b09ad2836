import threading
from contextlib import closing

import numpy as np
import pytest

from tests.audio.sounds import blocks, pink_noise
from tools.data.grooves import groove
from vjnode.control.address import read_address
from vjnode.control.parameter import Firing
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.modulation.listener import Listener
from vjnode.show.control_sync import ON_FIRING, ControlWriter, HearingControl
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES, unpack_controls

STOCK = Stock(["ada"], ["laugh"])


def turn(desk, name, value):
    desk.perform(read_address(f"/vjnode/{name}"), value)


@pytest.fixture
def desk_and_reader():
    with (
        closing(Slot(CONTROLS_BYTES)) as slot,
        closing(Slot(CONTROLS_BYTES, name=slot.name)) as far,
    ):
        yield ControlWriter(Controls("", "ada", "laugh"), STOCK, slot, clock=lambda: 7.0), far


def test_what_is_turned_arrives(desk_and_reader):
    desk, reader = desk_and_reader
    assert unpack_controls(reader.read()) == Controls("", "ada", "laugh")
    turn(desk, "gate", -50)
    turn(desk, "route/expression/beat/amount", 1.0)
    assert unpack_controls(reader.read()) == desk.controls
    with pytest.raises(InputError):
        turn(desk, "gate", "loud")
    assert reader.read() is None


def test_no_press_is_lost_on_a_reader_that_looks_rarely(desk_and_reader):
    desk, reader = desk_and_reader

    def press():
        for _ in range(200):
            turn(desk, "tap", 1.0)
            turn(desk, "tap", 0.0)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = unpack_controls(reader.read())
    assert newest.fired("tap") == Firing(800, 7.0)


class Room:
    """The artist's desk at one end of a slot, a listener at the other, and a clock to turn."""

    def __init__(self, slot, far):
        self.now_s = 0.0
        self.desk = ControlWriter(
            Controls("", "ada", "laugh"), STOCK, slot, clock=lambda: self.now_s
        )
        self.listener = Listener()
        self._far = far
        self.begin()

    def begin(self):
        """Let a new audio process begin, as after a crash."""
        self.hearing = HearingControl(self._far, self.listener)

    def press(self, name, now_s):
        self.now_s = now_s
        turn(self.desk, name, 1.0)
        turn(self.desk, name, 0.0)  # a button that comes up again

    def apply(self, now_s=0.0):
        self.hearing.apply(now_s)
        return self.listener.clock.at(now_s)

    def hear(self, mono):
        """The last drive of some sound, the desk being read between the blocks."""
        for block in blocks(mono):
            self.hearing.apply(block.captured_s)
            drive = self.listener.hear(block)
        return drive


@pytest.fixture
def room():
    with (
        closing(Slot(CONTROLS_BYTES)) as slot,
        closing(Slot(CONTROLS_BYTES, name=slot.name)) as far,
    ):
        yield Room(slot, far)


def test_taps_set_tempo_and_phase_from_when_they_were_pressed(room):
    room.apply(9.9)
    for now_s in (10.0, 10.5, 11.0):
        room.press("tap", now_s)
        beat = room.apply(now_s + 0.02)  # the desk is read a little later
    assert beat.locked
    assert beat.bpm == pytest.approx(120.0)
    assert beat.at(11.25).phase == pytest.approx(0.5)


def test_a_tempo_that_is_set_holds_until_it_is_released(room):
    room.apply()
    turn(room.desk, "bpm", 96.0)
    assert room.apply(1.0).bpm == 96.0
    assert room.hear(groove("four on the floor", 120.0, 6.0)[0]).beat.bpm == 96.0
    turn(room.desk, "bpm", 0.0)
    assert room.hear(groove("four on the floor", 120.0, 9.0)[0]).beat.bpm == pytest.approx(
        120.0, rel=0.01
    )


def test_the_count_is_doubled_halved_and_begun_anew(room):
    turn(room.desk, "bpm", 90.0)
    room.apply(1.0)
    room.press("double", 2.0)
    assert room.apply(2.0).bpm == 180.0
    room.press("halve", 3.0)
    room.press("double", 3.0)
    room.press("halve", 3.1)
    room.apply(3.1)
    room.press("halve", 4.0)
    assert room.apply(4.0).bpm == 45.0
    room.press("resync", 5.1)
    assert room.apply(5.1).bar == pytest.approx(0.0)
    assert room.apply(5.1 + 60 / 45).bar == pytest.approx(0.25)


def test_what_is_fired_twice_between_two_looks_is_done_once(room):
    turn(room.desk, "bpm", 60.0)
    room.apply(1.0)
    room.press("double", 2.0)
    room.press("double", 2.0)
    assert room.apply(2.0).bpm == 120.0
    assert room.apply(2.0).bpm == 120.0  # and not again
    room.press("resync", 3.0)
    room.press("resync", 3.4)
    assert room.apply(3.4).bar == pytest.approx(0.0)


def test_the_mode_of_the_automatic_gain_is_followed(room):
    quiet = groove("rock", 120.0, 3.0)[0] * np.float32(0.03)
    learnt = room.hear(quiet).agc_db
    assert learnt > 5.0
    turn(room.desk, "agc", "freeze")
    assert room.hear(groove("rock", 120.0, 2.0)[0]).agc_db == learnt
    turn(room.desk, "agc", "off")
    assert room.hear(quiet[:4096]).agc_db == 0.0


def test_a_reset_lets_the_automatic_gain_learn_anew(room):
    loud, quiet = (groove("rock", 120.0, 2.0)[0] * np.float32(gain) for gain in (1.0, 0.03))
    room.hear(loud)
    kept = room.hear(quiet).agc_db
    room.press("agc_reset", 7.0)
    assert room.hear(quiet).agc_db > kept + 15.0


def test_the_gate_is_where_it_was_turned_to(room):
    turn(room.desk, "agc", "off")
    turn(room.desk, "gate", -40.0)
    noise = pink_noise(0.5, dbfs=-45.0)
    assert not room.hear(noise).audible
    turn(room.desk, "gate", -60.0)
    assert room.hear(noise).audible


def test_a_new_process_takes_the_tempo_and_does_not_fire_again_what_was_fired(room):
    turn(room.desk, "bpm", 100.0)
    room.apply(1.0)
    for trigger in ON_FIRING:
        room.press(trigger, 2.0)
    room.listener = Listener()
    room.begin()
    beat = room.apply(3.0)
    assert (beat.bpm, beat.locked) == (100.0, True)
    assert room.apply(3.6).bpm == 100.0
    room.press("double", 4.0)
    assert room.apply(4.0).bpm == 200.0


def test_every_trigger_for_hearing_does_something():
    fired = [x.name for x in PARAMETERS if (x.kind, x.consumer) == ("trigger", "hearing")]
    assert fired == list(ON_FIRING)


def test_before_anyone_has_turned_anything_nothing_is_done():
    with closing(Slot(CONTROLS_BYTES)) as slot:
        listener = Listener()
        HearingControl(slot, listener).apply(1.0)
        assert not listener.clock.at(1.0).locked


def test_what_comes_together_is_handed_over_once_and_nothing_of_it_is_lost():
    with closing(Slot(CONTROLS_BYTES)) as slot:
        check_what_comes_together(slot)


def check_what_comes_together(slot):
    writer = ControlWriter(Controls("", "ada", "laugh"), Stock(["ada"], ["laugh"]), slot)
    before = slot.sequence
    with writer.held():
        for gain in (1.5, 2.0, 2.5):
            writer.perform(read_address("/vjnode/gain"), gain)
        writer.perform(read_address("/vjnode/tap"), 1)
        assert slot.sequence == before
    assert slot.sequence == before + 1
    handed = unpack_controls(slot.read())
    assert (handed.number("gain"), handed.fired("tap").count) == (2.5, 1)
    writer.perform(read_address("/vjnode/gain"), 3.0)
    assert slot.sequence == before + 2
    with writer.held():
        pass
    assert slot.sequence == before + 2
