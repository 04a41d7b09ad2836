import pytest

from vjnode.drive.interpolate import between, mix


def test_seven_points_between_zero_and_eight():
    assert between(0.0, 8.0, 7) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_no_points_between():
    assert between(0.0, 1.0, 0) == []


def test_the_nearer_point_weighs_more():
    assert mix(0.2, 0.6, 0.25) == pytest.approx(0.75 * 0.2 + 0.25 * 0.6)


def test_nothing_beyond_the_two_points():
    assert mix(0.2, 0.6, -1.0) == 0.2
    assert mix(0.2, 0.6, 7.0) == 0.6
