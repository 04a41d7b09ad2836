"""Pace of the engine: frames begin before each deadline, or evenly where they take longer."""

from fractions import Fraction

import numpy as np
import pytest

from vjnode.output.clock import FrameClock
from vjnode.show.stages.pacing import LEAD, Pace

CLOCK = FrameClock(100.0, Fraction(60))


def simulated(taken_s, *, overlaps, frames=200):
    """Return the times at which frames are begun when each takes ``taken_s(frame)``, s."""
    pace, now_s = Pace(CLOCK, overlaps=overlaps, now_s=100.0), 100.0
    begun, there_s = [], 0.0
    for frame in range(frames):
        now_s = max(now_s, pace.due_s(now_s))
        pace.begun(now_s)
        begun.append(now_s)
        ready_s = now_s + taken_s(frame)
        # Where frames overlap, the engine waits for the frame before, else for this one.
        now_s, there_s = (max(now_s, there_s), ready_s) if overlaps else (ready_s, ready_s)
    return np.array(begun)


@pytest.mark.parametrize("overlaps", [False, True])
def test_quick_frames_keep_to_the_clock(overlaps):
    begun = simulated(lambda frame: 0.008, overlaps=overlaps)
    periods = (begun + LEAD / 60 - 100.0) * 60
    assert np.allclose(periods, periods.round(), atol=1e-6)
    assert np.allclose(np.diff(begun), 1 / 60)


@pytest.mark.parametrize("taken_s", [0.05, 0.1, 0.2])
def test_slow_frames_that_overlap_are_begun_evenly(taken_s):
    intervals = np.diff(simulated(lambda frame: taken_s, overlaps=True))[20:]
    assert intervals.mean() == pytest.approx(taken_s / 2, rel=0.01)
    assert intervals.max() < 1.25 * intervals.min()


def test_uneven_frames_are_begun_nearly_as_often_as_can_be():
    taken = np.random.default_rng(1).uniform(0.05, 0.08, 300)
    intervals = np.diff(simulated(lambda frame: taken[frame], overlaps=True, frames=300))[20:]
    assert intervals.mean() < 1.08 * 0.065 / 2
    assert np.percentile(intervals, 95) < 1.5 * np.median(intervals)


def test_frames_that_become_quick_go_back_to_the_clock():
    begun = simulated(lambda frame: 0.1 if frame < 50 else 0.01, overlaps=True)
    assert np.allclose(np.diff(begun)[-50:], 1 / 60)


def test_after_a_stall_there_is_no_burst():
    begun = simulated(lambda frame: 0.5 if frame == 20 else 0.008, overlaps=False)
    assert np.sort(np.diff(begun))[0] > 0.5 / 60


def test_after_a_stall_frames_that_overlap_go_on_at_once():
    begun = simulated(lambda frame: 2.0 if frame == 50 else 0.06, overlaps=True)
    intervals = np.diff(begun)
    assert intervals[52:].max() < 0.07


def test_frames_that_take_longer_are_begun_earlier_and_are_there_in_time():
    pace, now_s, late = Pace(CLOCK, overlaps=False, now_s=100.0), 100.0, []
    for frame in range(300):
        due_s = pace.due_s(now_s)
        now_s = max(now_s, due_s)
        pace.begun(now_s)
        now_s += 0.012 if frame % 7 else 0.009
        pace.done(now_s)
        periods = (now_s - 100.0) * 60
        late.append(periods - np.floor(periods) < 0.5)  # past a deadline rather than before one
    assert any(late[:20])
    assert not any(late[20:])


def test_a_frame_that_was_held_up_delays_no_other():
    pace, now_s, begun = Pace(CLOCK, overlaps=False, now_s=100.0), 100.0, []
    for frame in range(200):
        now_s = max(now_s, pace.due_s(now_s))
        pace.begun(now_s)
        begun.append(now_s)
        now_s += 0.2 if frame == 100 else 0.004
        pace.done(now_s)
    ahead = np.ceil((np.array(begun) - 100.0) * 60 - 1e-6) - (np.array(begun) - 100.0) * 60
    assert np.allclose(ahead[110:], LEAD, atol=1e-6)
