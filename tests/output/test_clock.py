import random
from fractions import Fraction

import pytest

from vjnode.errors import InputError
from vjnode.output.clock import FrameClock, parse_fps, wait_until

RATES = [
    *(Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(50)),
    *(Fraction(60_000, 1001), Fraction(60)),
]


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


@pytest.mark.parametrize("hours", [0, 7, 24 * 30])
@pytest.mark.parametrize("fps", RATES)
def test_a_loop_sends_every_frame_of_its_rate_once_however_long_it_has_run(fps, hours):
    """A process that wakes up a little late each time, as they do."""
    rng, clock = random.Random(1), FrameClock(2_000_000.123, fps)
    began_s = clock.epoch_s + hours * 3600 + clock.period_s / 3
    now_s, frame = began_s, clock.frame_at(began_s)
    first = int(hours * 3600 * fps + Fraction(1, 3))  # exact
    assert frame == first
    for _ in range(4000):
        following = clock.next_frame(after=frame, now_s=now_s)
        assert following == frame + 1
        frame = following
        due_s = clock.due_s(frame)
        assert now_s < due_s < now_s + clock.period_s * 1.1
        now_s = due_s + rng.random() * 0.9 * clock.period_s
    assert frame == first + 4000
    assert clock.due_s(frame) == pytest.approx(clock.epoch_s + float(frame / fps), abs=1e-6)


@pytest.mark.parametrize("fps", RATES)
def test_a_loop_that_stalls_at_times_is_on_the_grid_again_at_once(fps):
    rng, clock = random.Random(2), FrameClock(777.7, fps)
    now_s, frame, skipped = 777.7, -1, 0
    for _ in range(5000):
        following = clock.next_frame(after=frame, now_s=now_s)
        skipped += following - frame - 1
        frame = following
        due_s = max(clock.due_s(frame), now_s)
        assert due_s - clock.due_s(frame) < clock.period_s  # never more than one frame behind
        stall_s = rng.random() * 20 * clock.period_s if rng.random() < 0.02 else 0.0
        now_s = due_s + 0.0002 + stall_s
    assert skipped > 100
    assert frame == 4999 + skipped


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


@pytest.mark.parametrize(
    ("text", "fps"),
    [
        ("60", Fraction(60)),
        ("25", Fraction(25)),
        ("29.97", Fraction(30_000, 1001)),
        ("59.94", Fraction(60_000, 1001)),
        ("23.976", Fraction(24_000, 1001)),
        ("30000/1001", Fraction(30_000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rates_are_exact(text, fps):
    assert parse_fps(text) == fps


@pytest.mark.parametrize("text", ["fast", "", "1/0", "nan"])
def test_no_rate_is_told(text):
    with pytest.raises(InputError, match="30000/1001"):
        parse_fps(text)
