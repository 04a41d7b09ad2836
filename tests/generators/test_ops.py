"""Convolutions of each channel by itself, written out: they are the same ones."""

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vjnode.generators.mobilestylegan.folded_layers import butterfly
from vjnode.generators.ops import convolved, doubled, doubling_taps, haar_taps, plain_taps


def noise(*shape, seed=5):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", [3, 4])
def test_a_sum_of_shifted_pictures_is_the_convolution(side):
    x, kernel = noise(1, 6, 9, 12), noise(6, 1, side, side)
    wanted = F.conv2d(x, kernel, padding=1, groups=6)
    assert torch.allclose(convolved(x, plain_taps(kernel)), wanted, atol=1e-5)
    same = convolved(x, plain_taps(kernel[:1]))
    assert torch.allclose(same, convolved(x, plain_taps(kernel[:1].expand(6, -1, -1, -1))))


def test_doubling_is_a_transposed_convolution():
    x, kernel = noise(1, 4, 5, 7), noise(4, 1, 4, 4)
    wanted = F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=4)
    assert torch.allclose(doubled(x, doubling_taps(kernel)), wanted, atol=1e-5)


def test_a_wavelet_and_a_convolution_are_one_step():
    x, kernel = noise(1, 20, 6, 9), noise(5, 1, 3, 3, seed=6)
    wanted = F.conv2d(butterfly(x), kernel, padding=1, groups=5)
    found = doubled(x, haar_taps(kernel))
    assert torch.allclose(found, wanted, atol=1e-5)
