import numpy as np
import pytest

from vjnode.drive.interpolate import at, between, densify, mix, time_points


def test_seven_points_between_zero_and_eight():
    assert between(0.0, 8.0, 7) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]


def test_no_points_between():
    assert between(0.0, 1.0, 0) == []


def test_the_nearer_point_weighs_more():
    assert mix(0.2, 0.6, 0.25) == pytest.approx(0.75 * 0.2 + 0.25 * 0.6)


def test_nothing_beyond_the_two_points():
    assert mix(0.2, 0.6, -1.0) == 0.2
    assert mix(0.2, 0.6, 7.0) == 0.6


def test_a_series_gets_its_points_between_and_keeps_its_own():
    assert densify([0.0, 2.0, 1.0], 1) == [0.0, 1.0, 2.0, 1.5, 1.0]
    assert densify([0.0, 1.0, 0.5], 3) == [0, 0.25, 0.5, 0.75, 1, 0.875, 0.75, 0.625, 0.5]
    assert densify(np.array([0.25, 0.75]), 0) == [0.25, 0.75]
    assert len(densify([0.0] * 9)) == 8 * 8 + 1


@pytest.mark.parametrize("values", [[], [0.5]])
def test_between_fewer_than_two_points_there_is_nothing(values):
    assert densify(values, 7) == values


@pytest.mark.parametrize(
    ("t_s", "value"),
    [(-1.0, 0.0), (0.0, 0.0), (0.125, 0.5), (0.25, 1.0), (0.3, 0.92), (0.5, 0.6), (9.0, 0.6)],
)
def test_a_series_is_read_at_any_moment(t_s, value):
    points = [0.0, 1.0, 0.6]
    assert at(points, t_s, step_s=0.25) == pytest.approx(value)
    assert at(densify(points, 7), t_s, step_s=0.25 / 8) == pytest.approx(value)


def test_a_series_of_one_point_holds():
    assert at([0.4], 0.0, step_s=0.25) == at([0.4], 7.0, step_s=0.25) == 0.4


def test_time_points_are_centred_means():
    times = [0.0, 0.1, 0.125, 0.2, 0.3, 0.37, 0.375]
    values = [0.0, 0.2, 0.3, 0.6, 0.9, 0.6, 0.5]
    # 0 s: the first two; 0.25 s: those from 0.125 s up to before 0.375 s; 0.5 s: the last.
    assert time_points(times, values) == pytest.approx([0.1, 0.6, 0.5])


def test_a_straight_rise_is_neither_late_nor_early():
    times = (np.arange(2000) + 0.5) * 0.01
    points = time_points(times, times / 20, interval_s=0.25)
    # To within half of one of the fast steps, of which an odd number falls on each point.
    assert points[1:-1] * 20 == pytest.approx(np.arange(1, len(points) - 1) * 0.25, abs=0.0051)


def test_a_hole_is_bridged():
    assert time_points([0.0, 1.0], [0.0, 0.8]) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])
    assert time_points([0.5], [0.3]) == pytest.approx([0.3, 0.3, 0.3])
    assert time_points([], []).shape == (0,)
