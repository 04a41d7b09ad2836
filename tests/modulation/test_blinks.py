import itertools

import pytest

from vjnode.modulation.blinks import LONGEST_S, PEAK, SHORTEST_S, Blinks

LENGTH_S = 0.15


def play(fps, duration_s, weight=lambda now_s: 0.0):
    """Return times and values."""
    blinks = Blinks()
    times = [frame / fps for frame in range(round(duration_s * fps))]
    return [(now_s, blinks.step(now_s, weight=weight(now_s))) for now_s in times]


def begins(played):
    return [
        now_s for (_, before), (now_s, shut) in itertools.pairwise(played) if shut > 0.0 == before
    ]


def test_blinks_are_irregular_short_and_complete():
    played = play(240, 300)
    began = begins(played)
    pauses = [b - a for a, b in itertools.pairwise(began)]
    assert min(pauses) > SHORTEST_S - 0.02
    assert max(pauses) < LONGEST_S + 0.02
    assert max(pauses) > 1.8 * min(pauses)
    assert len({round(pause, 1) for pause in pauses}) > 10
    assert {round(shut, 6) for _, shut in played} >= {0.0, 1.0}
    closed = sum(shut > 0.0 for _, shut in played) / 240 / len(began)
    assert closed == pytest.approx(LENGTH_S, abs=0.01)


@pytest.mark.parametrize("fps", [24, 60])
def test_they_come_at_the_same_times_at_any_frame_rate(fps):
    assert begins(play(fps, 60)) == pytest.approx(begins(play(240, 60)), abs=1 / fps)


def test_every_blink_is_seen_at_60_frames_a_second():
    played = play(60, 120)
    for began_s in begins(played):
        shut = max(value for now_s, value in played if began_s <= now_s < began_s + LENGTH_S)
        assert shut > 0.9


def test_none_begins_at_the_peak_of_a_laugh():
    def weight(now_s):
        return 0.9 if now_s % 20 < 15 else 0.2

    began = begins(play(60, 200, weight))
    assert len(began) >= 10
    assert all(weight(now_s) < PEAK for now_s in began)


def test_a_clock_that_goes_back_does_not_keep_it_from_blinking():
    blinks = Blinks()
    blinks.step(10_000.0, weight=0.0)
    values = [blinks.step(frame / 60, weight=0.0) for frame in range(60 * 20)]
    assert max(values) == 1.0
