"""Convolutions of each channel by itself: written out they draw the same."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vjnode.face.fold import FoldedSynthesis
from vjnode.face.mobilestylegan import load
from vjnode.face.stylegan2_fold import FoldedSynthesis as FoldedStyleGan2
from vjnode.face.stylegan2_weights import random_network
from vjnode.face.taps import Channelwise, convolved, doubled, write_out

ON = torch.ones(1)


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("side", [3, 4])
@pytest.mark.parametrize("edges", [(1, 1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0), (0, 0, 0, 0)])
def test_a_sum_of_shifted_pictures_is_the_convolution(side, edges):
    x, kernel = noise(1, 6, 9, 12), noise(6, 1, side, side)
    wanted = F.conv2d(F.pad(x, edges), kernel, groups=6)
    for written_out in (False, True):
        found = convolved(x, kernel, edges, written_out=written_out)
        assert torch.allclose(found, wanted, atol=1e-5)


def test_doubling_is_a_transposed_convolution():
    x, kernel = noise(1, 4, 5, 7), noise(4, 1, 4, 4)
    wanted = F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=4)
    for written_out in (False, True):
        assert torch.allclose(doubled(x, kernel, written_out=written_out), wanted, atol=1e-5)


def forms_of(network):
    return {one.written_out for one in network.modules() if isinstance(one, Channelwise)}


def test_the_default_generator_draws_the_same():
    from vjnode.face.fetch import generator_weights

    mapping, synthesis = load(generator_weights())
    codes = mapping(noise(23, 512), 0.7)[None]
    network = FoldedSynthesis(synthesis, 512)
    wanted = network.levels(codes, ON)
    write_out(network)
    assert forms_of(network) == {True}
    assert (network.levels(codes, ON) - wanted).abs().max() < 0.05


@pytest.mark.parametrize("up", ["filter", "phases"])
def test_stylegan2_draws_the_same(up):
    mapping, synthesis = random_network(64, seed=3, most=32)
    codes = mapping(noise(1, 512))[:, None].expand(1, 10, 512)
    network = FoldedStyleGan2(synthesis, 64, up=up)
    wanted = network.levels(codes, ON)
    write_out(network)
    assert forms_of(network) == {True}
    assert (network.levels(codes, ON) - wanted).abs().max() < 0.05
