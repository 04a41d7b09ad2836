from fractions import Fraction

import pytest

from vjnode.output.clock import FrameClock, wait_until

RATES = [Fraction(24), Fraction(30_000, 1001), Fraction(60_000, 1001), Fraction(60)]


@pytest.mark.parametrize("fps", RATES)
def test_deadlines_do_not_drift_in_a_night(fps):
    clock = FrameClock(1000.0, fps)
    frames = int(10 * 3600 * fps)
    assert clock.due_s(frames) == pytest.approx(1000.0 + float(frames / fps), abs=1e-9)


@pytest.mark.parametrize("fps", RATES)
def test_the_frame_of_a_deadline_is_that_frame(fps):
    clock = FrameClock(12345.678, fps)
    for frame in range(0, 200_000, 997):
        assert clock.frame_at(clock.due_s(frame)) == frame
        assert clock.frame_at(clock.due_s(frame) - 1e-6) == frame - 1


def test_each_frame_follows_the_one_before():
    clock = FrameClock(0.0, Fraction(50))
    assert clock.next_frame(after=9, now_s=0.185) == 10
    assert clock.next_frame(after=9, now_s=0.205) == 10


def test_a_stall_is_skipped_and_not_made_up_in_a_burst():
    clock = FrameClock(0.0, Fraction(50))
    assert clock.next_frame(after=9, now_s=1.001) == 50


def test_waiting_sleeps_to_just_before_the_deadline_and_never_returns_early():
    now, slept = [0.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    def clock():
        now[0] += 1e-5
        return now[0]

    wait_until(1.0, now=clock, sleep=sleep)
    assert now[0] >= 1.0
    assert sum(slept) == pytest.approx(1.0, abs=1e-3)
