"""The bench of a show that is played, in short: soon seen, and nothing is lost."""

import time

import numpy as np
import pytest

from tests.live.fairness import Miss, play_fairly
from tools.bench import control
from tools.bench.control import FRAMES, compared
from tools.bench.played import FPS, Played, effects_ms, play
from tools.bench.recalls import play_recalls, steps_ms
from tools.check.virtual_midi import lacking

BPM = 128.0


def test_the_effect_of_each_message_is_found_in_a_trace():
    lines = [{"gain": gain, "published_s": at_s} for at_s, gain in enumerate((1.0, 1.0, 1.5, 2.0))]
    asked = {1.5: 0.5, 1.75: 1.5, 2.0: 2.25}
    assert effects_ms(asked, lines) == pytest.approx([1500.0, 750.0])


def test_the_table_tells_both_shows_and_their_ratio():
    alone = Played(np.full(100, 16.0), np.full(9, 20.0))
    played = Played(np.full(99, 24.0), np.full(9, 30.0), 50, 48, 1, 7) + alone
    assert (played.lost, alone.late, played.late) == (3, 0, 0)
    told = dict(compared(alone, played, "with all"))
    assert told["interval longest, ms"].split() == ["16.00", "24.00", "1.500"]
    assert told["messages sent, lost"].split() == ["50,", "3"]
    assert "off its BPM: median, most" not in told


@pytest.mark.parametrize(
    ("off_bpm", "heard", "follows"),
    [([0.2, -0.4, 30.0], 95, True), ([4.0, 4.0, 0.0], 95, False), ([0.0], 50, False), ([], 0, 0)],
)
def test_a_show_that_follows_a_clock_has_its_tempo_and_its_pulses(off_bpm, heard, follows):
    nothing = np.full(2, 16.0)
    played = Played(nothing, nothing, off_bpm=np.array(off_bpm), pulses=100, heard=heard)
    assert played.follows == follows
    assert Played(nothing, nothing).follows
    if off_bpm:
        told = dict(compared(played, played, "with all"))
        assert told["clock pulses sent, heard"].split() == ["100,", f"{heard}"]


def test_each_step_is_found_in_a_trace_before_the_next_one():
    faces = ("ada", "ada", "ben", "ben", "ada")
    lines = [{"face": face, "published_s": at_s} for at_s, face in enumerate(faces)]
    steps = [(0.5, "ben"), (3.25, "ada"), (4.5, "ben")]
    assert steps_ms(steps, lines) == pytest.approx([1500.0, 750.0, np.inf])
    assert steps_ms([(0.5, "ben"), (1.5, "ben")], lines)[0] == np.inf


@pytest.mark.parametrize(
    ("lacks", "measured", "says"),
    [
        ("", (0.1, 20.0), "BPM is followed"),
        ("", (9.0, 20.0), "BPM is NOT followed"),
        ("", (0.1, 40.0), "longest 40.0 ms"),
        ("jackd", (9.0, 20.0), "without a MIDI clock: jackd"),
    ],
)
def test_it_ends_with_1_on_a_miss_and_says_what_it_left_out(
    monkeypatch, capsys, lacks, measured, says
):
    off_bpm, took_ms = measured

    def play(_seconds, *, clock_bpm=0.0, **_):
        even = np.full(9, 16.0)
        if not clock_bpm:
            return Played(even, even)
        return Played(even, even, off_bpm=np.full(9, off_bpm), pulses=100, heard=100)

    monkeypatch.setattr(control, "play", play)
    monkeypatch.setattr(control, "play_recalls", lambda count, **_: np.full(count, took_ms))
    monkeypatch.setattr(control, "lacking", lambda: lacks)
    assert control.main(["--rounds", "1", "--recalls", "3"]) == (
        took_ms > 33.4 or (not lacks and off_bpm > 1.0)
    )
    assert says in capsys.readouterr().out


def judged(scenario):
    """Play a scenario, which returns texts with whether each limit held; see ``play_fairly``."""

    def misses():
        begun_s = time.monotonic()
        limits = scenario()
        ended_s = time.monotonic()
        return [Miss(what, begun_s, ended_s) for what, held in limits if not held]

    play_fairly(misses)


@pytest.mark.slow
def test_what_is_played_is_seen_a_frame_and_a_tick_later_and_nothing_is_lost():
    """In most cases: frames of a busy machine are late by themselves."""

    def scenario():
        played = play(4.0, rate=1000.0, outs=2, clock_bpm=0.0 if lacking() else BPM)
        assert played.sent > 1000
        assert played.refused == 0
        assert played.answers > 100
        soon_ms = float(np.median(played.effects_ms))
        return (
            (f"seen after {soon_ms:.1f} ms", soon_ms <= FRAMES * 1e3 / FPS),
            (f"{played.lost} of {played.sent} lost", played.lost == 0),
            (f"{played.off_bpm} off, {played.heard} of {played.pulses}", played.follows),
        )

    judged(scenario)


@pytest.mark.slow
def test_a_step_through_a_set_list_is_seen_a_frame_and_a_tick_later():
    """In most cases, likewise."""

    def scenario():
        took_ms = float(np.median(play_recalls(6, warm_s=0.2)))
        return [(f"seen after {took_ms:.1f} ms", took_ms <= FRAMES * 1e3 / FPS)]

    judged(scenario)
