"""Grain tells a grid and a blur from what is as sharp as it should be, wherever its pores lie."""

import torch

from vjnode.faces.photo.grain import grain_apart, grain_of

PX = 64
SKIN = [torch.rand((1, 3, PX, PX), generator=torch.Generator().manual_seed(n)) for n in range(2)]
GRID = 0.1 * (torch.arange(PX) % 2 - 0.5).expand(1, 3, PX, PX)


def apart(one, other):
    return float(grain_apart(grain_of(one, 32), grain_of(other, 32)))


def test_pores_elsewhere_are_nearer_than_a_grid_or_a_blur():
    blurred = torch.nn.functional.avg_pool2d(SKIN[1], 3, 1, 1)
    other = apart(*SKIN)
    assert apart(SKIN[0], SKIN[0]) == 0
    assert 1.3 * other < apart(SKIN[0], SKIN[1] + GRID)
    assert 1.3 * other < apart(SKIN[0], blurred)


def test_a_grid_can_be_left_out_of_what_is_wanted():
    flat = torch.full((1, 3, PX, PX), 0.5)
    wanted = {px: one.without_grid() for px, one in grain_of(flat + GRID, 32).items()}
    assert float(grain_apart(grain_of(flat, 32), wanted)) < 1e-6
    assert float(grain_apart(grain_of(flat + GRID, 32), wanted)) > 0.1


def test_a_slope_has_no_grain():
    slope = torch.linspace(0, 1, PX).expand(1, 3, PX, PX)
    inner = grain_of(slope, 32)[PX].signed[..., 1:-1]
    assert inner.abs().max() < 1e-5


def test_what_is_no_larger_than_the_least_has_no_grain():
    assert grain_of(SKIN[0], PX) == {}
    assert float(grain_apart({}, {})) == 0
    assert list(grain_of(SKIN[0], 16)) == [64, 32]
