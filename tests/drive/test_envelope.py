import math

import pytest

from vjnode.drive.envelope import step

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
