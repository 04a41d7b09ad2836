"""The network written here is the network that its authors ship."""

import numpy as np
import openvino as ov
import pytest
import torch

from vjnode.generators.mobilestylegan import download
from vjnode.generators.mobilestylegan.convert import extract_ir
from vjnode.generators.mobilestylegan.layout import DEAD_SLOTS, SLOTS
from vjnode.generators.mobilestylegan.model import inverse_haar, load


@pytest.fixture(scope="module")
def networks():
    return load(download.generator_weights())


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The authors' own graphs, run by OpenVINO."""
    paths = extract_ir(download.fetch(download.GENERATOR), tmp_path_factory.mktemp("ir"))
    return [
        ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}) for path in paths
    ]


def test_both_networks_match_the_shipped_graphs(networks, shipped):
    mapping, synthesis = networks
    for seed in (1, 2):
        z = np.random.default_rng(seed).standard_normal((1, 512), np.float32)
        w = shipped[0](z)[0]
        with torch.inference_mode():
            assert np.abs(mapping(torch.from_numpy(z)).numpy() - w).max() < 2e-5
            picture = synthesis(torch.from_numpy(w)).numpy()
        assert picture.shape == (1, 3, 1024, 1024)
        assert np.abs(picture - shipped[1](w)[0]).max() <= 1e-4


def test_the_mean_latent_is_the_mean(networks):
    mapping, _ = networks
    z = torch.randn(8192, 512, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        w = mapping(z)
        error = (w.mean(0) - mapping.mean).norm() / w.std(0).norm()
        assert error < 4 / 8192**0.5
        assert torch.equal(mapping(z[:2], truncation=0)[0], mapping.mean)


def test_each_live_slot_acts_and_dead_slots_do_not(networks):
    mapping, synthesis = networks
    w = mapping(torch.randn(2, 512, generator=torch.Generator().manual_seed(5)), 0.7)
    same = w[:1, None].expand(1, SLOTS, -1).clone()
    with torch.inference_mode():
        plain = synthesis(same)
        assert torch.equal(plain, synthesis(w[:1]))
        for slot in (0, 4, 11, 21, 18, 22):
            codes = same.clone()
            codes[0, slot] = w[1]
            assert torch.equal(synthesis(codes), plain) == (slot in DEAD_SLOTS)


def test_inverse_haar_undoes_haar():
    x = torch.arange(2 * 3 * 8 * 8, dtype=torch.float32).reshape(2, 3, 8, 8).sin()
    a, b, c, d = x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]
    details = torch.stack((a - b + c - d, a + b - c - d, a - b - c + d), 2).flatten(1, 2)
    coefficients = torch.cat((a + b + c + d, details), 1) / 2
    assert torch.allclose(inverse_haar(coefficients), x, atol=1e-6)
