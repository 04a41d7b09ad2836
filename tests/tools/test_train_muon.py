"""Muon makes steps in which every direction of a matrix moves, and goes on after a checkpoint."""

import pytest
import torch

from tools.train.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (12, 64), (64, 12)])
def test_all_directions_become_about_equally_long(shape):
    torch.manual_seed(1)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    steep = u @ torch.diag(torch.logspace(0, -2, 12 if 12 in shape else 24)) @ v
    lengths = torch.linalg.svdvals(orthogonal(steep))
    assert 0.3 < lengths.min() <= lengths.max() < 1.3


def steps(weight, optimiser, count):
    """Fit a matrix to inputs that mostly have one direction; returns the error at each step."""
    torch.manual_seed(2)
    turn = torch.linalg.qr(torch.randn(32, 32)).Q
    inputs = torch.randn(64, 32) * torch.logspace(0, -2, 32) @ turn
    wanted = inputs @ torch.randn(32, 16)
    errors = []
    for _ in range(count):
        error = (inputs @ weight[:, :, 0, 0].T - wanted).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(float(error.detach()))
    return errors


def kernel():
    return torch.nn.Parameter(torch.zeros(16, 32, 1, 1))


def test_it_fits_small_directions_too():
    weight = kernel()
    errors = steps(weight, Muon([{"params": [weight], "lr": 0.1}]), 200)
    assert errors[-1] < 0.1 * errors[0]


def test_it_goes_on_from_what_was_kept():
    straight = kernel()
    wanted = steps(straight, Muon([{"params": [straight], "lr": 0.05}]), 6)
    first = kernel()
    before = Muon([{"params": [first], "lr": 0.05}])
    steps(first, before, 3)
    second = torch.nn.Parameter(first.detach().clone())
    after = Muon([{"params": [second], "lr": 0.05}])
    after.load_state_dict(before.state_dict())
    assert steps(second, after, 3) == pytest.approx(wanted[3:], rel=1e-5)
    assert torch.allclose(second, straight)
