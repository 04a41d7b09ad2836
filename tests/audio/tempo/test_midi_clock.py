"""Tempo, beat and bar of a MIDI clock, from bytes with times of arrival that are made."""

import math

import pytest

from tools.check.midi_clock import PHASE_MS, TEMPO_BPM, arrivals, buffered, follow, jumped
from vjnode.audio.tempo.beat_clock import BeatClock
from vjnode.audio.tempo.midi_clock import (
    CONTINUE,
    LOST_S,
    POSITION,
    PULSE,
    PULSES_PER_BEAT,
    START,
    STOP,
    MidiClock,
)
from vjnode.audio.tempo.tracker import Estimate

BEAT_S = 0.5
PULSE_S = BEAT_S / PULSES_PER_BEAT


class Master:
    """A master clock at 120 BPM, and a beat clock that follows what it sends."""

    def __init__(self, source="midi"):
        self.now_s = 10.0
        self.midi, self.clock = MidiClock(), BeatClock()
        self.clock.source = source

    def send(self, *data):
        self.midi.hear(bytes(data), self.now_s)
        return self

    def run(self, beats, *, pulses=True):
        """Let so many beats pass, and return the count at their end: just before the next pulse."""
        for _ in range(round(beats * PULSES_PER_BEAT)):
            if pulses:
                self.send(PULSE)
            self.now_s += PULSE_S
            self.clock.lead(self.midi.lead(self.now_s), self.now_s)
        return self.beat

    @property
    def beat(self):
        return self.clock.at(self.now_s)

    def hear_music(self, bpm, seconds):
        """Let a tracker that is sure hear music at another tempo."""
        for _ in range(round(seconds / 0.25)):
            self.now_s += 0.25
            self.clock.lead(self.midi.lead(self.now_s), self.now_s)
            beat_s = math.floor(self.now_s * bpm / 60.0) * 60.0 / bpm
            self.clock.follow(Estimate(bpm, beat_s, self.now_s, 1.0), self.now_s)
        return self.beat


def in_bar(beat):
    return beat.bar * 4.0


@pytest.mark.parametrize(
    ("bpm", "arrive", "late_ms"),
    [
        (60.0, arrivals, 3.0),
        (128.0, buffered, 10.7),
        (174.0, arrivals, 2.0),
        (200.0, arrivals, 3.0),
    ],
)
def test_tempo_and_phase_hold_their_limits_and_a_jump_of_tempo_is_followed(bpm, arrive, late_ms):
    for number in range(2):
        worst = follow(bpm, jumped(bpm, number), arrive, late_ms / 1e3, seed=number)
        assert worst.fits(buffers=arrive is buffered), worst


def test_the_limits_can_be_missed():
    worst = follow(128.0, 140.0, arrivals, 0.03, seed=0)
    assert worst.tempo_bpm > TEMPO_BPM
    assert worst.phase_ms > PHASE_MS


def test_one_beat_of_pulses_is_enough_and_no_fewer():
    master = Master()
    master.send(START)
    assert not master.run(23 / 24).locked
    beat = master.run(1 / 24)
    assert beat.bpm == pytest.approx(120.0)
    assert beat.phase == pytest.approx(0.0, abs=1e-6)


def test_a_start_begins_a_bar_wherever_the_count_was():
    master = Master()
    master.clock.set_bpm(90.0, 0.0)
    master.clock.release()
    master.run(5.3)
    before = master.beat
    master.send(START)
    assert in_bar(master.run(2)) == pytest.approx(2.0, abs=1e-3)
    assert master.beat.beats > before.beats


def test_after_a_stop_the_count_stands_and_a_continue_goes_on_from_there():
    master = Master()
    master.send(START).run(6.0)
    stood = master.send(STOP).run(2.0)
    assert (stood.locked, stood.bpm) == (False, 0.0)
    assert master.run(1.0).beats == stood.beats
    master.send(CONTINUE)
    assert in_bar(master.run(1.0)) == pytest.approx(3.0, abs=1e-3)
    assert master.beat.bpm == pytest.approx(120.0)


def test_a_clock_that_sends_nothing_while_it_is_stopped_goes_on_at_once():
    master = Master()
    master.send(START).run(6.0)
    master.send(STOP).run(40.0, pulses=False)
    assert master.clock.led  # it was stopped, and is not gone
    master.send(CONTINUE)
    assert in_bar(master.run(1 / 24)) == pytest.approx(2.0 + 1 / 24, abs=1e-3)
    assert in_bar(master.run(1.0)) == pytest.approx(3.0 + 1 / 24, abs=1e-3)


@pytest.mark.parametrize("running", [True, False])
def test_a_song_position_is_counted_in_sixteenths(running):
    master = Master()
    master.send(START).run(5.0)
    if not running:
        master.send(STOP).run(1.0)
    master.send(POSITION, 0x02, 0x01)  # 130 sixteenths: 32.5 beats
    if not running:
        master.run(1.0)
        master.send(CONTINUE)
    assert in_bar(master.run(2.0)) == pytest.approx(34.5 % 4.0, abs=1e-3)


def test_where_a_song_is_stays_even_for_waves_over_sixteen_bars():
    master = Master()
    master.clock.set_bpm(120.0, 0.0)
    master.clock.release()
    master.run(3.3)
    master.send(START).run(70.0)
    assert master.beat.beats % 64.0 == pytest.approx(6.0, abs=1e-3)


def test_pulses_without_a_start_tell_the_tempo_and_leave_the_beat_where_it_was():
    master = Master()
    master.clock.set_bpm(118.0, master.now_s - 0.1)
    master.clock.release()
    counted = master.beat.beats
    master.run(1.0)
    assert master.beat.bpm == pytest.approx(120.0)
    assert master.run(2.0).beats == pytest.approx(counted + 3.0, abs=0.05)


def test_the_hand_moves_phase_and_level_and_not_the_tempo():
    master = Master()
    master.send(START).run(4.5)
    master.clock.tap(master.now_s)
    master.now_s += 0.3
    master.clock.tap(master.now_s)
    assert master.beat.phase == pytest.approx(0.0)
    assert master.run(1.0).bpm == pytest.approx(120.0)
    master.clock.resync(master.now_s)
    assert in_bar(master.run(1.0)) == pytest.approx(1.0, abs=1e-3)
    master.clock.double(master.now_s)
    assert master.run(1.0).bpm == pytest.approx(240.0)
    master.clock.halve(master.now_s)
    assert master.run(1.0).bpm == pytest.approx(120.0)


def test_a_tempo_set_by_hand_goes_before_and_0_gives_it_back():
    master = Master()
    master.send(START).run(4.0)
    master.clock.set_bpm(90.0, master.now_s)
    assert master.run(2.0).bpm == 90.0
    master.clock.set_bpm(0.0, master.now_s)
    beat = master.run(2.0)
    assert beat.bpm == pytest.approx(120.0)
    assert in_bar(beat) == pytest.approx(0.0, abs=1e-3)


def test_music_is_not_followed_while_there_is_a_clock_and_is_once_it_is_gone():
    master = Master()
    master.send(START).run(8.0)
    kept = master.hear_music(100.0, LOST_S - 0.25)  # as long as a cable may be out
    assert (kept.bpm, master.clock.led) == (pytest.approx(120.0), True)
    assert kept.beats % 64.0 == pytest.approx(8.0 + (LOST_S - 0.25) / BEAT_S, abs=0.01)
    assert master.hear_music(100.0, 4.0).bpm == pytest.approx(100.0)
    assert not master.clock.led
    assert master.run(2.0).bpm == pytest.approx(120.0)  # it is back


def test_a_clock_that_is_back_in_time_is_where_it_would_have_been():
    master = Master()
    master.send(START).run(8.0)
    master.run(4.0, pulses=False)
    assert in_bar(master.run(1.0)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("source", "bpm"), [("music", 100.0), ("tap", 120.0)])
def test_another_source_takes_no_notice_of_it(source, bpm):
    master = Master(source)
    for _ in range(3):
        master.clock.tap(master.now_s)
        master.now_s += 0.5
    master.clock.set_bpm(120.0, master.now_s)
    if source == "music":
        master.clock.release()
    assert master.hear_music(100.0, 8.0).bpm == pytest.approx(bpm)
    master.send(START).run(4.0)
    assert master.beat.bpm == pytest.approx(bpm)


def test_taps_alone_move_the_count_where_the_hand_is_the_source():
    master = Master("tap")
    assert not master.hear_music(100.0, 8.0).locked
    for _ in range(3):
        master.clock.tap(master.now_s)
        master.now_s += 0.4
    assert master.beat.bpm == pytest.approx(150.0)
    assert master.hear_music(100.0, 8.0).bpm == pytest.approx(150.0)


@pytest.mark.parametrize(
    "data", [b"", b"\xf2", b"\xf2\x01", b"\xf2\xff\x01", b"\xfe", b"\xf1\x10", b"\x90\x01\x7f"]
)
def test_what_is_no_clock_changes_nothing(data):
    master = Master()
    master.send(START).run(4.0)
    before = master.midi.lead(master.now_s)
    master.send(*data)
    assert master.midi.lead(master.now_s) == before


@pytest.mark.parametrize("gap_s", [0.0, 1e-4])
def test_pulses_that_no_tempo_has_are_none(gap_s):
    midi = MidiClock()
    for number in range(200):
        midi.hear(bytes([PULSE]), 10.0 + number * gap_s)
    assert midi.lead(10.0 + 200 * gap_s) is None
