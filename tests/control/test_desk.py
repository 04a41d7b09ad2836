"""The desk: recalls on the beat, panic, morphs in bars, and a set list that goes on by itself."""

import math
from dataclasses import replace

import pytest

from vjnode.control.address import read_address
from vjnode.control.counting import Count
from vjnode.control.desk import GLANCE_S, Desk
from vjnode.control.plan import Plan
from vjnode.control.set_list import SetEntry
from vjnode.control.state import Controls, Preset, Stock
from vjnode.errors import InputError

STOCK = Stock(
    ["ada", "ben", "cleo"],
    ["laugh", "wonder"],
    {
        "calm": Preset("calm", "ada", "wonder", {"gain": 0.5}),
        "stage": Preset("stage", "ben", "laugh", {"gain": 1.0}),
        "wild": Preset("wild", "cleo", "laugh", {"gain": 3.0}),
    },
    {
        "opening": SetEntry("calm", "lights down", bars=8),
        "drop": SetEntry("wild", "strobe", morph_s=0.0, seconds=30.0),
        "end": SetEntry("calm", morph_bars=2.0),
    },
)
BPM = 120.0


def count(now_s, bpm=BPM, begun_s=0.0):
    """The count of beats of a song that began at ``begun_s``."""
    beats = (now_s - begun_s) * bpm / 60.0
    return Count(beats, beats / 4.0, 60.0 / bpm, 240.0 / bpm)


class Room:
    """A desk, a clock and a song."""

    def __init__(self, song=count, **values):
        self.desk = Desk(STOCK.fitted(Controls("stage", "ben", "laugh", **values)), STOCK)
        self.now_s, self.song = 0.0, song

    def send(self, name, value=1.0):
        self.desk.perform(read_address(f"/vjnode/{name}"), value, self.now_s, self.song(self.now_s))

    def wait(self, until_s):
        """Go on as the show's thread does."""
        while True:
            song = self.song(self.now_s)
            self.desk.step(self.now_s, song)
            next_s = self.now_s + self.desk.pause_s(self.now_s, song)
            if next_s > until_s:
                break
            self.now_s = next_s
        self.now_s = until_s
        self.desk.step(self.now_s, self.song(self.now_s))

    @property
    def on(self):
        return self.desk.controls.choice("preset")

    def gain(self):
        return self.desk.controls.at(self.now_s).number("gain")


@pytest.fixture
def room():
    return Room()


# on the beat


@pytest.mark.parametrize(("unit", "at_s"), [("beat", 1.5), ("bar", 2.0), ("4bars", 8.0)])
def test_a_recall_waits_for_the_beat_that_is_said(room, unit, at_s):
    room.send("quantise", unit)
    room.wait(1.1)
    room.send("preset", "wild")
    room.wait(at_s - 0.001)
    assert (room.on, room.desk.plan.waiting) == ("stage", "preset wild")
    room.wait(at_s + 0.002)
    assert (room.on, room.desk.plan.waiting) == ("wild", "")


def test_as_it_comes_and_without_a_tempo_a_recall_is_at_once(room):
    room.send("preset", "wild")
    assert room.on == "wild"
    room = Room(song=lambda _: None, quantise="bar")
    room.send("preset", "wild")
    assert room.on == "wild"


def test_a_tempo_that_is_lost_lets_nothing_wait(room):
    room.send("quantise", "4bars")
    room.send("preset", "wild")
    room.song = lambda _: None
    room.wait(0.1)
    assert room.on == "wild"


def test_a_second_recall_replaces_the_one_that_waits(room):
    room.send("quantise", "bar")
    room.send("preset", "wild")
    room.send("preset", "calm")
    room.wait(2.1)
    assert room.on == "calm"


def test_a_face_that_is_chosen_behind_a_preset_comes_with_it(room):
    room.send("quantise", "bar")
    room.send("preset", "wild")
    room.send("face", "ada")
    room.wait(2.1)
    assert (room.on, room.desk.controls.choice("face")) == ("wild", "ada")
    room.send("face", "ben")
    room.send("preset", "calm")  # it has a face of its own
    room.wait(4.1)
    assert room.desk.controls.choice("face") == "ada"


def test_next_counts_from_what_waits(room):
    room.send("quantise", "bar")
    room.send("preset", "calm")
    room.send("preset/next")
    room.send("preset/next")
    room.wait(2.1)
    assert room.on == "wild"


def test_a_count_that_is_corrected_is_no_beat_and_one_that_begins_anew_goes_on():
    room = Room(quantise="beat")
    beats = [4.05, 3.95, 4.02, 4.9, 5.01]
    on = []
    for n, now in enumerate(beats):
        room.desk.step(n * 0.1, Count(now, now / 4, 0.5, 2.0))
        if n == 0:
            room.desk.perform(read_address("/vjnode/preset"), "wild", 0.0, Count(now, 1, 0.5, 2.0))
        on.append(room.on)
    assert on == ["stage"] * 4 + ["wild"]
    room.desk.perform(read_address("/vjnode/preset"), "calm", 1.0, Count(90.2, 22.5, 0.5, 2.0))
    for beats, expected in ((0.3, "wild"), (0.9, "wild"), (1.1, "calm")):
        room.desk.step(1.1, Count(beats, beats / 4, 0.5, 2.0))
        assert room.on == expected


def test_a_fader_never_waits_and_a_button_that_is_let_go_recalls_nothing(room):
    room.send("quantise", "bar")
    room.send("gain", 2.0)
    assert room.desk.controls.number("gain") == 2.0
    room.send("preset/wild", 0.0)
    room.wait(5.0)
    assert room.on == "stage"


def test_what_is_deleted_while_it_waits_is_told_and_changes_nothing(room, caplog):
    room.send("quantise", "bar")
    room.send("preset", "wild")
    room.desk.stock = Stock(STOCK.faces, STOCK.expressions, {"calm": STOCK.presets["calm"]})
    room.wait(2.1)
    assert room.on == "stage"
    assert "wild is not recalled" in caplog.text


def test_while_nothing_waits_nobody_looks(room):
    assert room.desk.pause_s(0.0, count(0.0)) == math.inf
    room.send("quantise", "bar")
    room.send("preset", "wild")
    assert room.desk.pause_s(0.0, count(0.0)) == GLANCE_S


# morphs


def test_a_morph_in_bars_lasts_so_long_at_the_present_tempo(room):
    room.send("morph_bars", 2.0)
    room.send("preset", "wild")
    assert room.desk.controls.morph_s == 4.0
    room.now_s = 2.0
    assert room.gain() == pytest.approx(2.0)
    room = Room(song=lambda _: None, morph_bars=2.0, morph=1.5)
    room.send("preset", "wild")
    assert room.desk.controls.morph_s == 1.5


def test_a_face_that_is_chosen_in_a_morph_leaves_numbers_on_their_way(room):
    room.send("morph", 2.0)
    room.send("preset", "wild")
    room.now_s = 1.0
    room.send("morph", 0.0)
    room.send("face", "ada")
    assert room.gain() == pytest.approx(2.0)
    assert room.desk.controls.morph_s == 0.0


def test_a_recall_turns_round_in_the_middle(room):
    room.send("morph", 2.0)
    room.send("preset", "wild")
    room.now_s = 1.0
    before = room.gain()
    room.send("preset", "stage")
    assert room.gain() == before
    room.now_s = 3.0
    assert room.gain() == 1.0


# panic


def test_panic_recalls_the_safe_preset_without_the_sound_in_a_moment(room):
    room.send("preset", "wild")
    room.send("quantise", "4bars")
    room.send("preset", "calm")
    room.send("panic")
    assert (room.on, room.desk.controls.choice("face")) == ("stage", "ben")
    assert room.gain() == 3.0
    room.now_s = 0.15
    assert room.gain() == pytest.approx(1.5)
    room.wait(20.0)
    assert (room.on, room.gain()) == ("stage", 0.0)
    room.send("quantise", "now")
    room.send("preset", "wild")
    assert room.gain() == 3.0


def test_another_preset_can_be_the_safe_one_and_letting_go_is_no_panic(room):
    room.send("safe_preset", "calm")
    room.send("panic", 0.0)
    assert room.on == "stage"
    room.send("panic")
    assert room.on == "calm"


@pytest.mark.parametrize("presets", [{}, {"wild": STOCK.presets["wild"]}])
def test_panic_works_without_the_safe_preset(presets):
    desk = Desk(Controls("", "ada", "laugh"), Stock(STOCK.faces, STOCK.expressions, presets))
    desk.perform(read_address("/vjnode/panic"), 1.0, 0.0)
    assert desk.controls.number("gain") == 0.0
    assert desk.controls.choice("preset") == "".join(presets)


# set list


def test_a_set_list_goes_on_by_hand_and_stops_at_its_ends(room):
    room.send("set/previous")
    for expected in ("opening", "drop", "end", "end"):
        if expected == "opening":
            room.send("set", 1)
        else:
            room.send("set/next")
        assert room.desk.controls.choice("set") == expected
    room.send("set/go", "drop")
    assert (room.on, room.desk.controls.choice("set")) == ("wild", "drop")
    room.send("set/previous")
    assert room.desk.controls.choice("set") == "opening"
    assert room.desk.plan == Plan("opening", "lights down", "drop", "")


def test_entries_whose_preset_is_gone_are_passed_over(room, caplog):
    entries = {**STOCK.entries, "last": SetEntry("stage")}
    room.desk.stock = replace(STOCK, entries=entries)
    room.send("set", "opening")
    room.desk.stock = replace(
        STOCK,
        entries=entries,
        presets={name: one for name, one in STOCK.presets.items() if name != "wild"},
    )
    assert [record.getMessage() for record in caplog.records] == [
        "the set list passes over drop: its preset is gone"
    ]
    assert room.desk.plan.coming == "end"
    room.send("set/next")
    assert room.desk.controls.choice("set") == "end"
    room.send("set/previous")
    assert room.desk.controls.choice("set") == "opening"
    room.wait(16.5)  # its eight bars
    assert room.desk.controls.choice("set") == "end"
    room.send("set", 4)  # numbers stay
    assert room.desk.controls.choice("set") == "last"
    room.desk.stock = Stock(STOCK.faces, STOCK.expressions, {}, entries)
    for way in ("next", "previous"):
        room.send(f"set/{way}")
        assert room.desk.controls.choice("set") == "last"


def test_an_entry_lasts_so_many_bars_or_seconds(room):
    room.send("set", "opening")
    room.wait(15.999)
    assert room.desk.controls.choice("set") == "opening"
    room.wait(16.002)
    assert room.desk.controls.choice("set") == "drop"
    room.wait(45.9)
    assert room.desk.controls.choice("set") == "drop"
    room.wait(46.1)
    assert room.desk.controls.choice("set") == "end"
    room.wait(500.0)
    assert room.desk.controls.choice("set") == "end"


def test_time_that_is_over_waits_for_the_beat_too(room):
    room.now_s = 0.7
    room.send("quantise", "now")
    room.send("set", "drop")
    room.send("quantise", "bar")
    room.wait(31.0)
    assert (room.on, room.desk.plan.waiting) == ("wild", "set end")
    room.wait(32.1)
    assert (room.on, room.desk.plan.waiting) == ("calm", "")


def test_bars_are_counted_while_there_is_a_tempo(room):
    room.send("set", "opening")
    room.wait(8.0)
    room.song = lambda _: None
    room.wait(100.0)
    assert room.desk.controls.choice("set") == "opening"
    room.song = lambda now_s: count(now_s, begun_s=100.0)
    room.wait(107.9)
    assert room.desk.controls.choice("set") == "opening"
    room.wait(108.1)
    assert room.desk.controls.choice("set") == "drop"


def test_a_count_that_jumps_on_ends_no_entry(room):
    """A clock outside begins its song anew: the count goes on to where sixteen bars begin."""
    room.send("set", "opening")
    room.wait(3.0)
    room.song = lambda now_s: count(now_s, begun_s=3.0 - 32.0)
    room.wait(3.01)
    assert room.desk.controls.choice("set") == "opening"
    room.wait(14.9)
    assert room.desk.controls.choice("set") == "opening"
    room.wait(15.1)
    assert room.desk.controls.choice("set") == "drop"


def test_panic_stops_a_set_list_until_somebody_goes_on(room):
    room.send("set", "opening")
    room.send("panic")
    room.wait(100.0)
    assert (room.on, room.desk.controls.choice("set")) == ("stage", "opening")
    room.send("set/next")
    assert room.on == "wild"


def test_an_entry_has_a_morph_of_its_own(room):
    room.send("morph", 5.0)
    room.send("set", "drop")
    assert room.desk.controls.morph_s == 0.0
    room.send("set", "end")
    assert room.desk.controls.morph_s == 4.0
    room.send("preset", "wild")
    assert room.desk.controls.morph_s == 5.0


def test_what_is_likely_to_come_is_told_beforehand(room):
    room.send("set", "opening")
    assert [one.choice("face") for one in room.desk.likely] == ["cleo", "ben"]  # and of a panic
    room.send("quantise", "bar")
    room.send("face", "ben")
    assert [one.choice("face") for one in room.desk.likely] == ["ben", "cleo", "ben"]
    room.send("safe_preset", "calm")
    assert [one.choice("face") for one in room.desk.likely] == ["ben", "cleo", "ada"]


def test_without_a_set_list_it_is_told_how_to_begin_with_one():
    desk = Desk(Controls("", "ada", "laugh"), Stock(STOCK.faces, STOCK.expressions))
    for name in ("set/next", "set", "set/go"):
        with pytest.raises(InputError, match="--set-list"):
            desk.perform(read_address(f"/vjnode/{name}"), 1.0, 0.0)
