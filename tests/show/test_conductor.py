"""The thread of a show that does what is due, on the beat that the audio process hands over."""

from contextlib import closing
from dataclasses import replace

import pytest

from tests.events import wait_for
from tests.show.test_features import DRIVE
from vjnode.audio.tempo.beat import Beat
from vjnode.control.address import read_address
from vjnode.control.plan import Plan
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Controls, Preset, Stock
from vjnode.render.frame_renderer import asked_look
from vjnode.runtime import monotonic_s
from vjnode.show.conductor import BeatReader, Conductor, count_of
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import CONTROLS_BYTES, DRIVE_BYTES, pack_drive, unpack_orders

STOCK = Stock(
    ["ada", "ben"],
    ["laugh", "brows_up", "blink", "turn"],
    {"calm": Preset("calm", "ada", "laugh"), "wild": Preset("wild", "ben", "laugh")},
    {"one": SetEntry("calm", "hello", seconds=0.2), "two": SetEntry("wild", morph_s=1.0)},
)


@pytest.fixture
def slot():
    with closing(Slot(CONTROLS_BYTES)) as controls:
        yield controls


def test_a_count_goes_on_with_its_tempo_and_without_one_there_is_none():
    beat = Beat(bpm=120.0, beats=6.0, anchor_s=10.0, locked=True)
    count = count_of(beat, 11.0)
    assert (count.beats, count.bars, count.beat_s, count.bar_s) == (8.0, 2.0, 0.5, 2.0)
    assert count_of(replace(beat, beats=7.5), 10.0).left_s("beat") == pytest.approx(0.25)
    assert count_of(replace(beat, beats=7.5), 10.0).left_s("4bars") == pytest.approx(4.25)
    assert count_of(replace(beat, locked=False), 11.0) is None
    assert count_of(Beat(), 11.0) is None


def test_the_count_is_that_of_the_newest_drive():
    with closing(Slot(DRIVE_BYTES)) as drives:
        reader = BeatReader(Slot(DRIVE_BYTES, name=drives.name))
        with closing(reader):
            assert reader.count(10.0) is None
            drives.write(pack_drive(DRIVE))
            assert reader.count(10.25).beats == reader.count(10.25).beats == 0.75


def test_a_recall_comes_with_its_bar_and_the_engine_knows_beforehand(slot):
    beat = Beat(bpm=300.0, anchor_s=monotonic_s(), locked=True)
    with closing(Slot(CONTROLS_BYTES, name=slot.name)) as far:
        controls = Controls("calm", "ada", "laugh", quantise="bar")
        writer = ControlWriter(
            controls, replace(STOCK, entries={}), slot, count=lambda now_s: count_of(beat, now_s)
        )
        with closing(Conductor(writer)):
            writer.perform(read_address("/vjnode/preset"), "wild")
            orders = unpack_orders(far.read())
            assert orders.plan == Plan(waiting="preset wild")
            assert orders.controls.choice("face") == "ada"
            wait_for(lambda: writer.controls.choice("face") == "ben")
            late = beat.at(monotonic_s()).bar
        assert orders.looks[0] == asked_look(writer.controls)
        assert unpack_orders(far.read()).plan == Plan()
    assert late < 0.5


def test_a_set_list_goes_on_by_itself(slot):
    with closing(Slot(CONTROLS_BYTES, name=slot.name)) as far:
        writer = ControlWriter(Controls("calm", "ada", "laugh", set="one"), STOCK, slot)
        assert unpack_orders(far.read()).plan == Plan("one", "hello", "two")
        with closing(Conductor(writer)):
            writer.begin()
            wait_for(lambda: writer.controls.choice("set") == "two")
        orders = unpack_orders(far.read())
    assert orders.plan == Plan("two")
    assert orders.controls == writer.controls  # with the numbers on their way
    assert orders.controls.morph_s == 1.0


def test_a_conductor_with_nothing_to_do_ends_at_once(slot):
    began_s = monotonic_s()
    for _ in range(3):
        Conductor(ControlWriter(Controls("", "ada", "laugh"), STOCK, slot)).close()
    assert monotonic_s() - began_s < 60.0
