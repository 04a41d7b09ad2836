"""The bench of a show that is played, in short: soon seen, and nothing is lost."""

import time

import numpy as np
import pytest

from tests.live.fairness import Miss, play_fairly
from tools.bench.control import FPS, FRAMES, Played, compared, effects_ms, play


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


@pytest.mark.slow
def test_what_is_played_is_seen_a_frame_and_a_tick_later_and_nothing_is_lost():
    """In most cases: frames of a busy machine are late by themselves."""

    def scenario():
        begun_s = time.monotonic()
        played = play(4.0, rate=1000.0, outs=2)
        ended_s = time.monotonic()
        assert played.sent > 1000
        assert played.refused == 0
        assert played.answers > 100
        soon_ms = float(np.median(played.effects_ms))
        limits = (
            (f"seen after {soon_ms:.1f} ms", soon_ms <= FRAMES * 1e3 / FPS),
            (f"{played.lost} of {played.sent} lost", played.lost == 0),
        )
        return [Miss(what, begun_s, ended_s) for what, held in limits if not held]

    play_fairly(scenario)
