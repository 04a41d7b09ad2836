import math

import pytest

from vjnode.drive.envelope import Steady, step

TIMES = {"attack_s": 0.1, "release_s": 0.4}


def test_after_the_attack_time_63_percent_of_a_rise_is_made():
    assert step(0.0, 1.0, dt_s=0.1, **TIMES) == pytest.approx(1 - math.exp(-1))


def test_a_fall_takes_the_release_time():
    assert step(1.0, 0.2, dt_s=0.4, **TIMES) == pytest.approx(0.2 + 0.8 * math.exp(-1))


def test_the_movement_does_not_depend_on_the_frame_rate():
    coarse = step(0.3, 0.9, dt_s=0.1, **TIMES)
    fine = 0.3
    for _ in range(10):
        fine = step(fine, 0.9, dt_s=0.01, **TIMES)
    assert fine == pytest.approx(coarse)


def test_a_time_of_zero_jumps():
    assert step(0.0, 1.0, dt_s=0.01, attack_s=0.0, release_s=1.0) == 1.0


def test_a_clock_that_stands_or_goes_back_moves_nothing():
    assert step(0.5, 1.0, dt_s=0.0, **TIMES) == 0.5
    assert step(0.5, 1.0, dt_s=-3.0, **TIMES) == 0.5


def test_a_long_gap_ends_at_the_target():
    assert step(0.0, 1.0, dt_s=1e6, **TIMES) == 1.0


def test_wavering_is_smoothed_and_a_hit_is_not():
    steady = Steady()
    for _ in range(120):
        steady.step(0.4, 1 / 60)
    wavering = [steady.step(0.4 + 0.04 * (-1) ** frame, 1 / 60) for frame in range(60)]
    assert max(wavering) - min(wavering) < 0.01
    assert steady.step(0.9, 1 / 60) == pytest.approx(0.9, abs=1e-3)


def test_nothing_is_smoothed_when_it_is_switched_off():
    assert Steady(0.0).step(0.03, 1 / 60) == 0.03


def test_while_a_hit_is_heard_a_rise_is_followed_at_once_and_a_fall_is_smoothed():
    steady = Steady()
    for _ in range(120):
        steady.step(0.4, 1 / 60)
    assert steady.step(0.45, 1 / 60, hit=True) == 0.45
    assert 0.44 < steady.step(0.42, 1 / 60, hit=True) < 0.45
