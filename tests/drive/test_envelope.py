import math

import pytest

from vjnode.drive.envelope import SLOPE, Legato, step

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


FRAME_S = 1 / 60


def settled(level, slope=SLOPE):
    """A weight that has long been at ``level``."""
    legato = Legato(slope)
    for _ in range(600):
        legato.step(level, FRAME_S)
    assert legato.level == pytest.approx(level, abs=1e-3)
    return legato


def test_what_trembles_without_an_attack_moves_little_and_slowly():
    legato, before = settled(0.4), 0.4
    for frame in range(240):
        level = legato.step(0.4 + 0.2 * math.sin(frame * 0.9), FRAME_S)
        assert abs(level - before) <= SLOPE * FRAME_S + 1e-9
        assert abs(level - 0.4) < 0.05
        before = level


def test_after_an_attack_everything_is_followed_at_once_for_a_while():
    legato = settled(0.4)
    assert legato.step(0.45, FRAME_S, attack=True) == 0.45
    for _ in range(40):
        assert legato.step(0.9, FRAME_S) == 0.9
        assert legato.step(0.3, 0.0) == 0.3
    for _ in range(10):
        legato.step(0.3, FRAME_S)
    assert legato.step(0.5, FRAME_S) < 0.32


def test_a_swell_arrives_within_a_second():
    legato = settled(0.1)
    for _ in range(60):
        legato.step(0.9, FRAME_S)
    assert legato.level > 0.6


def test_the_calm_movement_is_the_same_at_any_frame_rate():
    coarse, fine = settled(0.2), settled(0.2)
    coarse.step(0.3, 0.1)
    for _ in range(10):
        fine.step(0.3, 0.01)
    assert fine.level == pytest.approx(coarse.level, abs=0.02)


def test_an_infinite_slope_follows_everything():
    assert Legato(math.inf).step(0.03, FRAME_S) == 0.03


def test_a_standing_clock_moves_nothing():
    legato = settled(0.4)
    before = legato.level
    assert legato.step(0.9, 0.0) == before
    assert legato.step(0.9, -1.0) == before
