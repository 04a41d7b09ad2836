import numpy as np
import pytest

from vjnode.modulation.interpolation import GAP_S, Steps, at, between, densify, mix, time_point


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


TIMES_S = [0.0, 0.1, 0.125, 0.2, 0.3, 0.37, 0.375]
VALUES = [0.0, 0.2, 0.3, 0.6, 0.9, 0.6, 0.5]


def test_a_time_point_is_a_centred_mean():
    def point(at_s):
        return time_point(TIMES_S, VALUES, at_s=at_s, interval_s=0.25)

    # 0 s: the first two; 0.25 s: those from 0.125 s up to before 0.375 s; 0.5 s: the last.
    assert [point(0.0), point(0.25), point(0.5)] == pytest.approx([0.1, 0.6, 0.5])
    assert point(0.75) is None
    assert time_point([], [], at_s=0.0, interval_s=0.25) is None


def test_a_straight_rise_is_neither_late_nor_early():
    times_s = (np.arange(1000) + 0.5) * 0.01
    for at_s in (0.25, 1.0, 7.5):
        # To within half of one of the fast steps, of which an odd number falls on each point.
        found = time_point(times_s, times_s / 20, at_s=at_s, interval_s=0.25)
        assert found * 20 == pytest.approx(at_s, abs=0.0051)


def steps(pairs, *settings):
    made = Steps(*settings)
    for t_s, value in pairs:
        made.push(t_s, value)
    return made


def test_every_step_is_a_time_point_unless_a_stride_is_asked_for():
    made = steps([(1.0, 0.2), (1.01, 0.6), (1.03, 0.0)])
    wanted = [(0.5, 0.0), (1.0, 0.2), (1.0025, 0.3), (1.01, 0.6), (1.025, 0.15), (1.03, 0.0)]
    assert [made.at(t_s) for t_s, _ in wanted] == pytest.approx([value for _, value in wanted])
    assert made.at(9.0) == 0.0


def test_the_newest_step_holds_and_a_pause_is_not_glided_across():
    made = steps([(1.0, 0.2), (1.0 + GAP_S, 0.8)])
    assert made.at(1.0 + 0.9 * GAP_S) == 0.2
    assert made.at(1.0 + GAP_S) == made.at(99.0) == 0.8


def test_the_same_step_again_is_no_step():
    made = steps([(1.0, 0.2), (1.1, 0.6), (1.1, 0.9), (1.05, 0.9)])
    assert [made.at(1.05), made.at(1.2)] == pytest.approx([0.4, 0.6])


@pytest.mark.parametrize("count", [1, 7])
def test_strides_are_means_with_points_between(count):
    made = steps(zip(TIMES_S, VALUES, strict=True), 0.25, count)
    times_s = [0.0, 0.03125, 0.0625, 0.125, 0.2, 0.25, 0.3125, 0.375, 0.5, 0.6]
    wanted = [0.1, 0.1625, 0.225, 0.35, 0.5, 0.6, 0.575, 0.55, 0.5, 0.5]
    assert [made.at(t_s) for t_s in times_s] == pytest.approx(wanted)


def test_without_points_between_each_time_point_holds():
    made = steps(zip(TIMES_S, VALUES, strict=True), 0.25, 0)
    assert [made.at(t_s) for t_s in (0.0, 0.1, 0.249, 0.25, 0.4, 0.499, 0.5)] == pytest.approx(
        [0.1, 0.1, 0.1, 0.6, 0.6, 0.6, 0.5]
    )


def test_where_a_stride_found_nothing_the_one_before_goes_on():
    made = steps([(0.0, 0.4), (1.0, 0.8)], 0.25, 7)
    found = [made.at(0.125 * i) for i in range(11)]
    assert found == pytest.approx([0.4] * 7 + [0.6] + [0.8] * 3)


def test_what_is_past_is_forgotten():
    for interval_s in (0.0, 0.25):
        made = steps([(0.01 * i, 0.5) for i in range(1, 10_000)], interval_s)
        made.at(90.0)
        assert len(made._steps) < 1100
        made.clear()
        assert made.at(91.0) == 0.0
