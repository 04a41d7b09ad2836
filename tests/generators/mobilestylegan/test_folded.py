"""The refolded generator draws what the readable one draws."""

import numpy as np
import pytest
import torch

from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import ROOT_SLOTS, SLOTS
from vjnode.generators.mobilestylegan.model import load


@pytest.fixture(scope="module")
def networks():
    return load(generator_weights())


@pytest.fixture(scope="module")
def codes(networks):
    """Codes that differ from slot to slot, so that a mixed-up slot shows."""
    mapping, _ = networks
    z = torch.randn(SLOTS, 512, generator=torch.Generator().manual_seed(11))
    person = mapping(z[:1], 0.7)
    return (person + 0.3 * (mapping(z, 0.7) - mapping.mean))[None]


@pytest.fixture(scope="module")
def picture(networks, codes):
    """The readable network's picture, levels 0…255 before clamping, [1, 3, 1024, 1024]."""
    return 127.5 * networks[1](codes) + 127.5


@pytest.mark.parametrize("size", [1024, 512, 256])
def test_every_size_is_the_same_picture(networks, codes, picture, size):
    folded = FoldedSynthesis(networks[1], size)(codes, torch.ones(1))
    assert folded.shape == (1, size, size, 4)
    assert folded.dtype == torch.uint8
    assert (folded[..., 3] == 255).all()
    wanted = torch.nn.functional.avg_pool2d(picture, 1024 // size).clamp(0, 255)
    difference = folded[0, :, :, :3].permute(2, 0, 1).double() - wanted[0].double()
    psnr = 10 * np.log10(255**2 / difference.square().mean().item())
    # Rounding to whole levels alone costs all but 58.9 dB; the faint noise left out, nothing.
    assert psnr > 57
    assert difference.abs().max() < 3


def test_without_texture_the_picture_is_smoother_but_the_same_face(networks, codes, picture):
    plain = FoldedSynthesis(networks[1], 256)(codes, torch.zeros(1))[0, :, :, :3].double()
    wanted = torch.nn.functional.avg_pool2d(picture, 4)[0].permute(1, 2, 0).clamp(0, 255)
    rms = (plain - wanted).square().mean().sqrt()
    assert 0.5 < rms < 12


@pytest.mark.parametrize("size", [1024, 256])
def test_drawn_in_strips_it_is_the_same_picture(networks, codes, size):
    whole = FoldedSynthesis(networks[1], size)(codes, torch.ones(1))
    strips = FoldedSynthesis(networks[1], size, strips=True)(codes, torch.ones(1))
    # The order in which torch adds up may differ with the shape, and so a rounding.
    assert (whole.int() - strips.int()).abs().max() <= 1
    assert (whole != strips).float().mean() < 1e-3


@pytest.mark.parametrize(("size", "count"), [(1024, 2), (256, 3), (512, 4)])
def test_drawn_in_bands_it_is_the_same_picture(networks, codes, size, count):
    folded, noise_strength = FoldedSynthesis(networks[1], size, strips=True), torch.ones(1)
    whole = folded(codes, noise_strength)
    x = folded.trunk(folded.root(codes, noise_strength), codes, noise_strength)
    bands = [folded.picture(x, codes, noise_strength, index, count) for index in range(count)]
    assert len({band.shape[1] for band in bands}) <= 2  # as equal as can be
    joined = torch.cat(bands, 1)
    assert (whole.int() - joined.int()).abs().max() <= 1
    assert (whole != joined).float().mean() < 1e-3


def test_the_root_depends_on_its_own_slots_only(networks, codes):
    root, noise_strength = FoldedSynthesis(networks[1], 256).root, torch.ones(1)
    moved, before = codes.clone(), root(codes, noise_strength)
    moved[:, ROOT_SLOTS:] += 1.0
    assert torch.equal(root(moved, noise_strength), before)
    moved[:, ROOT_SLOTS - 2] += 1.0
    assert not torch.equal(root(moved, noise_strength), before)
