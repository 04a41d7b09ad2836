"""StyleGAN2 as written here draws what the published formulas draw, fast form included."""

import functools

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tools.bench import published_stylegan2 as published
from vjnode.errors import InputError
from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.stylegan2.checkpoint import load, random_network, save
from vjnode.generators.stylegan2.folded import FoldedSynthesis, composed, phases
from vjnode.generators.stylegan2.layout import channels_for, slots_for
from vjnode.generators.stylegan2.model import Synthesis

TOLERANCE = 1e-4
ON = torch.ones(1)
FORMS = ("filter", "transposed", "phases")

network_of = functools.cache(random_network)
"""Networks that no test changes."""


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def codes_of(mapping, synthesis, samples=1, seed=3):
    """Codes that differ from slot to slot and sample to sample, so that a mixed-up one shows."""
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(samples * synthesis.slots, 512, generator=draws)
    return mapping(z, 0.8).reshape(samples, synthesis.slots, 512)


def psnr_db(drawn, wanted):
    error = (drawn.double() - wanted.double()).square().mean().item()
    return 10 * np.log10(255**2 / error)


@pytest.mark.parametrize("size", [4, 8, 64])
@pytest.mark.parametrize("noise", [True, False])
def test_the_picture_is_that_of_the_published_formulas(size, noise):
    mapping, synthesis = network_of(size, seed=size, most=48)
    codes = codes_of(mapping, synthesis, samples=2)
    wanted = published.draw(published.training_parameters(mapping, synthesis), codes, noise=noise)
    drawn = synthesis(codes, 1.0 if noise else 0.0)
    assert drawn.shape == (2, 3, size, size)
    assert (drawn - wanted).abs().max() <= TOLERANCE


@pytest.mark.slow
def test_a_whole_configuration_f_network_of_256_px():
    mapping, synthesis = network_of(256, seed=1)
    codes = codes_of(mapping, synthesis)
    wanted = published.draw(published.training_parameters(mapping, synthesis), codes)
    assert (synthesis(codes) - wanted).abs().max() <= TOLERANCE
    levels = FoldedSynthesis(synthesis, 256).levels(codes, ON)[:, :3]
    assert (levels - 127.5 * wanted - 127.5).abs().max() <= 127.5 * TOLERANCE


def test_codes_and_truncation_are_those_of_the_published_formulas():
    mapping, synthesis = network_of(4, seed=2)
    raw = published.training_parameters(mapping, synthesis)
    z = torch.randn(5, 512, generator=torch.Generator().manual_seed(1))
    for psi in (1.0, 0.5, 0.0, -0.5):
        assert torch.allclose(mapping(z, psi), published.map_codes(raw, z, psi), atol=2e-5)
    assert torch.equal(mapping(z, 0.0), mapping.mean.expand(5, -1))
    assert not torch.allclose(mapping(z, 0.5), mapping(z, 1.0), atol=0.1)


def test_filtering_first_and_convolving_then_is_the_same_up_convolution():
    """The order in which the paper tells it; the transposed convolution is a short cut."""
    draws = torch.Generator().manual_seed(4)
    x = torch.randn(2, 5, 6, 6, generator=draws)
    weight = torch.randn(7, 5, 3, 3, generator=draws)
    factors = torch.randn(2, 5, generator=draws)
    short = published.modulated(x, weight, factors, up=True, demodulate=False)
    doubled = published.upfirdn(x * factors[:, :, None, None], up=2, pad=(3, 2), gain=4)
    long = torch.nn.functional.conv2d(doubled, weight.flip((2, 3)))
    assert torch.allclose(short, long, atol=1e-4)


def test_channels_and_slots_are_those_of_configuration_f():
    assert channels_for(1024) == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert [slots_for(size) for size in (4, 256, 512, 1024)] == [2, 14, 16, 18]
    with torch.device("meta"):
        whole = Synthesis(channels_for(1024))
    counted = sum(value.numel() for name, value in whole.named_parameters() if "noise" not in name)
    assert counted == pytest.approx(28.27e6, abs=5e3)  # arXiv 2104.04767


@pytest.mark.parametrize("size", [0, 2, 100, 2048])
def test_a_size_that_no_network_has(size):
    with pytest.raises(InputError, match=rf"{size} px.*1024"):
        random_network(size)


def test_a_random_network_is_the_same_every_time_and_fills_the_range():
    first, again = (random_network(32, seed=9, most=64)[1] for _ in range(2))
    mapping, other = random_network(32, seed=1, most=64)
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not torch.equal(first.input, other.input)
    picture = other(mapping(torch.randn(2, 512, generator=torch.Generator().manual_seed(1))))
    assert 0.15 < picture.std() < 0.6
    assert (picture.abs() > 1).float().mean() < 0.1
    assert (picture[0] - picture[1]).std() > 0.05


@pytest.mark.parametrize("up", FORMS)
@pytest.mark.parametrize("size", [4, 8, 64])
def test_every_fast_form_draws_the_same(size, up):
    mapping, synthesis = network_of(size, seed=size, most=48)
    codes = codes_of(mapping, synthesis)
    fast = FoldedSynthesis(synthesis, size, up=up)
    for noise_strength in (0.0, 0.5, 1.0):
        wanted = 127.5 * synthesis(codes, noise_strength) + 127.5
        levels = fast.levels(codes, torch.tensor([noise_strength]))
        assert (levels[:, :3] - wanted).abs().max() <= 127.5 * TOLERANCE
        assert (levels[:, 3] == 255).all()
    picture = fast(codes, ON)
    assert (picture.shape, picture.dtype) == ((1, size, size, 4), torch.uint8)
    wanted = wanted.clamp(0, 255)
    assert (picture[0, :, :, :3] - wanted[0].permute(1, 2, 0)).abs().max() <= 0.51


def test_up_convolutions_may_differ_from_size_to_size():
    mapping, synthesis = network_of(32, seed=1, most=16)
    codes = codes_of(mapping, synthesis)
    mixed = FoldedSynthesis(synthesis, 32, up={8: "phases", 16: "transposed", 32: "filter"})
    plain = FoldedSynthesis(synthesis, 32)
    assert (mixed.levels(codes, ON) - plain.levels(codes, ON)).abs().max() < 0.01


def test_without_noise_there_is_none_to_carry():
    mapping, synthesis = network_of(32, seed=1, most=16)
    codes = codes_of(mapping, synthesis)
    bare = FoldedSynthesis(synthesis, 32, noise=False)
    assert not any("noise" in name for name, _ in bare.named_parameters())
    levels = FoldedSynthesis(synthesis, 32).levels(codes, torch.zeros(1))
    assert torch.equal(bare.levels(codes, ON), levels)
    assert (FoldedSynthesis(synthesis, 32).levels(codes, ON) - levels).abs().max() > 1


def test_smaller_pictures_are_area_means():
    mapping, synthesis = network_of(32, seed=1, most=16)
    codes = codes_of(mapping, synthesis)
    wanted = torch.nn.functional.avg_pool2d(127.5 * synthesis(codes) + 127.5, 4)
    levels = FoldedSynthesis(synthesis, 8).levels(codes, ON)
    assert (levels[:, :3] - wanted).abs().max() <= 127.5 * TOLERANCE
    for size in (0, 12, 64):
        with pytest.raises(InputError, match=rf"32 px cannot draw {size} px"):
            FoldedSynthesis(synthesis, size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_expressions_are_fused_into_the_codes(dtype):
    mapping, synthesis = network_of(16, seed=1, most=16)
    face = codes_of(mapping, synthesis)
    directions = 0.3 * codes_of(mapping, synthesis, samples=3, seed=4)
    weights = torch.tensor([0.5, 0.0, 1.0])
    folded = FoldedSynthesis(synthesis, 16, dtype=dtype)
    picture = FrameGraph(folded)(face, directions, weights, ON)
    moved = face + 0.5 * directions[0] + directions[2]
    assert (picture.int() - folded(moved, ON).int()).abs().max() <= 1
    assert (picture.int() - folded(face, ON).int()).abs().max() > 10


def test_folding_leaves_the_network_as_it_was():
    mapping, synthesis = network_of(16, seed=1, most=16)
    before = {name: value.clone() for name, value in synthesis.state_dict().items()}
    FoldedSynthesis(synthesis, 16, dtype=torch.float16)(codes_of(mapping, synthesis), ON)
    after = synthesis.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("up", FORMS)
def test_half_precision_draws_the_same(up):
    mapping, synthesis = network_of(32, seed=5, most=64)
    codes = codes_of(mapping, synthesis)
    wanted = 127.5 * synthesis(codes) + 127.5
    half = FoldedSynthesis(synthesis, 32, up=up, dtype=torch.float16)
    assert half.convs[0].weight.dtype == torch.float16
    levels = half.levels(codes, ON)[:, :3]
    assert levels.isfinite().all()
    assert psnr_db(levels, wanted) >= 60


@pytest.mark.parametrize("up", FORMS)
@pytest.mark.parametrize("scale", [1e4, 1e-4])
def test_half_precision_bears_kernels_and_factors_of_any_strength(up, scale):
    """Demodulation cancels the strength of both, so training does not hold it in bounds."""
    mapping, synthesis = random_network(32, seed=6, most=64)
    for name, value in synthesis.named_parameters():
        if "head" not in name and name.endswith(("affine.weight", "affine.bias", "conv.weight")):
            value.mul_(scale if scale > 1 or "affine" not in name else 0.1)
    codes = codes_of(mapping, synthesis)
    wanted = 127.5 * synthesis(codes) + 127.5
    half = FoldedSynthesis(synthesis, 32, up=up, dtype=torch.float16)
    levels = half.levels(codes, ON)[:, :3]
    assert levels.isfinite().all()
    assert psnr_db(levels, wanted) >= 45


def test_a_silent_kernel_and_a_silent_style_stay_silent():
    mapping, synthesis = random_network(16, seed=7, most=16)
    synthesis.conv.weight[3] = 0
    synthesis.blocks[0].up.affine.weight.zero_()
    synthesis.blocks[0].up.affine.bias.zero_()
    codes = codes_of(mapping, synthesis)
    wanted = 127.5 * synthesis(codes) + 127.5
    for dtype, most in ((torch.float32, 127.5 * TOLERANCE), (torch.float16, 2.0)):
        levels = FoldedSynthesis(synthesis, 16, dtype=dtype).levels(codes, ON)[:, :3]
        assert (levels - wanted).abs().max() <= most


def test_composed_kernels_keep_the_strength_of_an_even_picture():
    """Away from the edges a constant picture stays constant, whatever the kernel."""
    kernel = torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(8))
    x = torch.ones(1, 2, 8, 8)
    doubled = torch.nn.functional.conv2d(x, phases(composed(kernel)), padding=1)
    doubled = torch.nn.functional.pixel_shuffle(doubled, 2)[0, :, 4:-4, 4:-4]
    wanted = kernel.sum((1, 2, 3))[:, None, None].expand_as(doubled)
    assert torch.allclose(doubled, wanted, atol=1e-5)


@pytest.fixture
def kept(tmp_path):
    """A file with a small network, and the network."""
    networks = network_of(16, seed=11, most=16)
    path = tmp_path / "small.safetensors"
    save(path, *networks)
    return path, networks


def test_what_is_written_is_read(kept):
    path, (mapping, synthesis) = kept
    again = load(path)
    codes = codes_of(mapping, synthesis)
    assert torch.equal(codes_of(*again), codes)
    for network, other in zip(again, (mapping, synthesis), strict=True):
        read, written = network.state_dict(), other.state_dict()
        assert list(read) == list(written)
        assert all(torch.equal(read[name], written[name]) for name in written)
    assert torch.allclose(again[1](codes), synthesis(codes), atol=1e-6)
    assert not any(value.requires_grad for network in again for value in network.parameters())


def drop(name):
    return lambda tensors: tensors.pop(name)


def put(name, value):
    return lambda tensors: tensors.update({name: value})


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (drop("mapping.mean"), r"lacks mapping\.mean"),
        (drop("synthesis.blocks.0.up.noise"), r"lacks synthesis\.blocks\.0\.up\.noise"),
        (drop("synthesis.blocks.1.conv.bias"), r"lacks synthesis\.blocks\.1\.conv\.bias"),
        (dict.clear, r"lacks synthesis\.conv\.bias"),
        (put("extra", torch.zeros(1)), r"holds extra, which no"),
        (put("synthesis.blocks.8.conv.bias", torch.zeros(4)), r"has 9 blocks.*1024 px.*has 8"),
        (put("synthesis.conv.bias", torch.zeros(())), r"conv\.bias has shape \[\], not \[C\]"),
        (put("synthesis.conv.bias", torch.zeros(0)), r"conv\.bias has shape \[0\], not \[C\]"),
        (put("synthesis.input", torch.zeros(1, 16, 4, 5)), r"input has shape \[1, 16, 4, 5\], not"),
        (put("mapping.mean", torch.zeros(512).half()), r"mean is float16; convert"),
        (put("mapping.mean", torch.full((512,), torch.nan)), r"mean is not finite"),
    ],
)
def test_a_file_that_is_not_a_whole_network_is_refused(kept, damage, text):
    path, _ = kept
    tensors = load_file(path)
    damage(tensors)
    save_file(tensors, path)
    with pytest.raises(InputError, match=text):
        load(path)


def test_a_file_that_cannot_be_read_is_refused(kept, tmp_path):
    path, _ = kept
    path.write_bytes(path.read_bytes()[:-100])
    for broken in (path, tmp_path / "none.safetensors"):
        with pytest.raises(InputError, match=rf"{broken.name} cannot be read as safetensors"):
            load(broken)
