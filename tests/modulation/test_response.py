import pytest

from vjnode.errors import InputError
from vjnode.modulation.response import TrackConfig


@pytest.mark.parametrize("bad", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["delay_s", "rest_after_s", "interval_s"])
def test_a_time_that_is_none_is_refused_by_name(name, bad):
    with pytest.raises(InputError, match=rf"{name} is {bad}.*0 s or more"):
        TrackConfig(**{name: bad})


def test_fewer_points_than_none_are_refused():
    with pytest.raises(InputError, match=r"-1 points.*0 or more"):
        TrackConfig(points=-1)


def test_a_stride_needs_the_steps_around_the_next_time_point():
    assert TrackConfig(interval_s=0.25).ahead_s == pytest.approx(0.25 + 0.125)
    assert TrackConfig(delay_s=0.1).ahead_s == 0.0


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_slope_that_moves_nothing_is_refused(bad):
    with pytest.raises(InputError, match=rf"slope is {bad}.*above 0"):
        TrackConfig(slope=bad)
