from itertools import pairwise

import numpy as np
import pytest

from tools.data.grooves import CHUNK, chunks, groove
from vjnode.audio.sources.base import RATE_HZ
from vjnode.audio.tempo.beat_clock import BeatClock
from vjnode.audio.tempo.tracker import Estimate, TempoTracker
from vjnode.errors import InputError

START_S = 5000.0
"""Time of the clock on the wall when the sound begins, s."""

STEP_S = 0.25


def hear(sound, clock=None):
    """Let a clock follow a sound; return the clock and what it said after every chunk."""
    clock = clock or BeatClock()
    tracker = TempoTracker()
    said = []
    for n, chunk in enumerate(chunks(sound), start=1):
        now_s = START_S + n * CHUNK / RATE_HZ
        clock.follow(tracker.push(chunk), now_s)
        said.append(clock.at(now_s))
    return clock, said


def at(said, sound_s):
    return said[int(sound_s * RATE_HZ / CHUNK) - 1]


def off_s(beat, first_s, bpm):
    """Return how far the count is from a true beat at ``first_s`` and every beat after it, s."""
    true = (beat.anchor_s - START_S - first_s) * bpm / 60.0
    return abs((beat.beats - true + 0.5) % 1.0 - 0.5) * 60.0 / bpm


def never_back(said):
    return all(b.beats >= a.beats for a, b in pairwise(said))


def feed(clock, bpm, *, start_s, seconds, first_s=0.0, confidence=1.0):
    """Let the clock follow a tracker that is always right; return the last moment."""
    now_s = start_s
    for _ in range(round(seconds / STEP_S)):
        now_s += STEP_S
        beat_s = first_s + np.floor((now_s - first_s) * bpm / 60.0) * 60.0 / bpm
        clock.follow(Estimate(bpm, beat_s, now_s, confidence), now_s)
    return now_s


def on_beat(beat, first_s=0.0):
    true = (beat.anchor_s - first_s) * beat.bpm / 60.0
    return abs((beat.beats - true + 0.5) % 1.0 - 0.5)


# With music.


@pytest.mark.parametrize(
    ("name", "bpm"), [("four on the floor", 128.0), ("breakbeat", 174.0), ("rock", 85.0)]
)
def test_eight_seconds_of_music_are_enough(name, bpm):
    sound, beats = groove(name, bpm, 12.0, seed=7, jitter_s=0.01, offset_s=0.21)
    _, said = hear(sound)
    assert never_back(said)
    for sound_s in np.arange(8.0, 12.0, 0.5):
        beat = at(said, sound_s)
        assert beat.locked
        assert beat.bpm == pytest.approx(bpm, rel=0.01)
        assert off_s(beat, beats[0], bpm) < 0.03


@pytest.mark.parametrize(
    ("old", "new"), [(100.0, 128.0), (140.0, 90.0), (120.0, 123.0), (90.0, 174.0), (80.0, 160.0)]
)
def test_another_tempo_is_followed_within_eight_seconds(old, new):
    before, beats = groove("rock", old, 11.0, seed=1, jitter_s=0.005)
    cut_s = beats[np.searchsorted(beats, 10.0)]
    after, _ = groove("rock", new, 9.5, seed=2, jitter_s=0.005)
    _, said = hear(np.concatenate([before[: int(cut_s * RATE_HZ)], after]))
    assert never_back(said)
    for later_s in (8.0, 8.5, 9.0):
        beat = at(said, cut_s + later_s)
        assert beat.bpm == pytest.approx(new, rel=0.01)
        assert off_s(beat, cut_s, new) < 0.03


@pytest.mark.parametrize(("name", "bpm"), [("rock", 128.0), ("four on the floor", 93.0)])
def test_it_keeps_time_through_a_break(name, bpm):
    sound, beats = groove(name, bpm, 24.0, seed=3, jitter_s=0.01)
    sound[12 * RATE_HZ : 20 * RATE_HZ] = 0.0
    _, said = hear(sound)
    assert never_back(said)
    assert at(said, 19.9).locked
    assert at(said, 19.9).confidence < 0.1
    for sound_s in (16.0, 19.9, 21.0, 22.0, 23.5):
        assert off_s(at(said, sound_s), beats[0], bpm) < 0.03


def test_nothing_is_counted_before_there_is_a_beat():
    random = np.random.Generator(np.random.PCG64(1))
    hiss = (0.1 * random.standard_normal(10 * RATE_HZ)).astype(np.float32)
    _, said = hear(np.concatenate([np.zeros(4 * RATE_HZ, np.float32), np.clip(hiss, -1.0, 1.0)]))
    assert {(beat.bpm, beat.beats, beat.locked) for beat in said} == {(0.0, 0.0, False)}
    assert said[-1].next_s() == np.inf


# The count.


def test_another_process_can_go_on_from_a_beat():
    clock = BeatClock()
    now_s = feed(clock, 120.0, start_s=0.0, seconds=5.0)
    beat = clock.at(now_s)
    assert beat.at(now_s + 1.7).beats == pytest.approx(clock.at(now_s + 1.7).beats)
    assert beat.at(now_s + 1.0).at(now_s + 1.7).beats == pytest.approx(beat.at(now_s + 1.7).beats)
    assert beat.at(now_s - 1.0).beats == beat.beats  # the past is not rewritten


def test_a_small_error_is_worn_off_without_a_jump():
    clock = BeatClock()
    now_s = feed(clock, 120.0, start_s=0.0, seconds=6.0)
    before = clock.at(now_s)
    late_s = feed(clock, 120.0, start_s=now_s, seconds=STEP_S, first_s=0.05)
    assert clock.at(late_s).beats - before.beats == pytest.approx(0.5, abs=0.01)
    end_s = feed(clock, 120.0, start_s=late_s, seconds=5.0, first_s=0.05)
    assert on_beat(clock.at(end_s), first_s=0.05) < 0.01


def test_one_wrong_estimate_changes_nothing():
    clock = BeatClock()
    now_s = feed(clock, 120.0, start_s=0.0, seconds=6.0)
    clock.follow(Estimate(87.0, now_s - 0.3, now_s, 1.0), now_s)
    clock.follow(Estimate(120.0, now_s - 0.25, now_s, 0.1), now_s)  # with little confidence
    assert clock.at(now_s).bpm == pytest.approx(120.0, rel=1e-3)
    assert on_beat(clock.at(now_s)) < 0.01


# By hand.


def test_taps_give_tempo_and_phase():
    clock = BeatClock()
    clock.tap(10.0)
    assert not clock.at(10.0).locked
    clock.tap(10.5)
    assert clock.at(10.5).bpm == pytest.approx(120.0)
    for n, slip_s in enumerate((0.01, -0.01, 0.0, 0.15), start=2):  # the last one slips
        clock.tap(10.0 + 0.5 * n + slip_s)
    assert clock.at(12.65).bpm == pytest.approx(120.0, rel=0.03)
    assert clock.at(12.65).phase == pytest.approx(0.0, abs=1e-9)


def test_a_tap_after_a_pause_begins_anew():
    clock = BeatClock()
    for now_s in (1.0, 1.5, 2.0, 5.0):
        clock.tap(now_s)
    assert clock.at(5.0).bpm == pytest.approx(120.0)
    clock.tap(6.0)
    assert clock.at(6.0).bpm == pytest.approx(60.0)


def test_the_tracker_refines_what_was_tapped_but_no_more():
    clock = BeatClock()
    for now_s in (1.0, 1.5, 2.0, 2.5):
        clock.tap(now_s)
    now_s = feed(clock, 121.5, start_s=3.0, seconds=8.0, first_s=2.52)
    assert clock.at(now_s).bpm == pytest.approx(121.5, rel=0.002)
    now_s = feed(clock, 90.0, start_s=now_s, seconds=8.0)
    assert clock.at(now_s).bpm == pytest.approx(121.5, rel=0.002)
    clock.release()
    now_s = feed(clock, 90.0, start_s=now_s, seconds=4.0)
    assert clock.at(now_s).bpm == pytest.approx(90.0)


def test_tapped_off_beats_stay_off_beats():
    clock = BeatClock()
    feed(clock, 120.0, start_s=0.0, seconds=5.0)
    for now_s in (5.26, 5.76, 6.26):
        clock.tap(now_s)
    now_s = feed(clock, 120.0, start_s=6.5, seconds=8.0)
    assert on_beat(clock.at(now_s), first_s=0.25) < 0.02


@pytest.mark.parametrize(("change", "bpm"), [("double", 240.0), ("halve", 60.0)])
def test_the_level_that_was_chosen_stays(change, bpm):
    clock = BeatClock()
    now_s = feed(clock, 120.0, start_s=0.0, seconds=5.1)
    getattr(clock, change)(now_s)
    now_s = feed(clock, 120.0, start_s=now_s, seconds=10.0)
    assert clock.at(now_s).bpm == pytest.approx(bpm)
    true = now_s * bpm / 60.0
    unit = min(1.0, bpm / 120.0)
    assert (clock.at(now_s).beats - true + unit / 2) % unit - unit / 2 == pytest.approx(0, abs=0.01)
    now_s = feed(clock, 108.0, start_s=now_s, seconds=10.0)
    assert clock.at(now_s).bpm == pytest.approx(0.9 * bpm)


def test_no_level_beyond_what_can_be_set():
    clock = BeatClock()
    clock.halve(0.0)
    clock.set_bpm(200.0, 0.0)
    clock.double(1.0)
    assert clock.at(1.0).bpm == 200.0
    clock.set_bpm(40.0, 1.0)
    clock.halve(2.0)
    assert clock.at(2.0).bpm == 40.0


@pytest.mark.parametrize("now_s", [5.3, 5.6, 6.95, 7.05])
def test_resync_is_beat_one(now_s):
    clock = BeatClock()
    feed(clock, 120.0, start_s=0.0, seconds=5.0)
    before = clock.at(now_s).beats
    clock.resync(now_s)
    assert clock.at(now_s).bar == 0.0
    assert clock.at(now_s).beats > before - 0.5
    started = clock.at(now_s).beats
    later_s = feed(clock, 120.0, start_s=now_s, seconds=4.0)
    assert clock.at(later_s).beats - started == pytest.approx(8.0, abs=0.26)


def test_a_tempo_by_hand_is_kept_exactly():
    clock = BeatClock()
    clock.set_bpm(126.0, 0.0)
    assert clock.at(60.0).beats == pytest.approx(126.0)
    now_s = feed(clock, 126.3, start_s=60.0, seconds=6.0, first_s=0.1)
    assert clock.at(now_s).bpm == 126.0
    true = (now_s - 0.1) * 126.3 / 60.0
    assert abs((clock.at(now_s).beats - true + 0.5) % 1.0 - 0.5) < 0.05
    feed(clock, 100.0, start_s=now_s, seconds=6.0)
    assert clock.at(now_s + 6.0).bpm == 126.0
    clock.set_bpm(0.0, now_s + 6.0)
    end_s = feed(clock, 100.0, start_s=now_s + 6.0, seconds=4.0)
    assert clock.at(end_s).bpm == pytest.approx(100.0)


@pytest.mark.parametrize("bpm", [29.9, 300.1, -1.0, float("nan"), float("inf")])
def test_impossible_tempi_are_refused(bpm):
    with pytest.raises(InputError, match="30 to 300"):
        BeatClock().set_bpm(bpm, 0.0)
