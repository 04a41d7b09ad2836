"""Offsets are what the affine maps' factors would be with other biases, in whatever form is run."""

import copy

import numpy as np
import pytest
import torch

from tests.generators.test_compiled import codes_of
from vjnode.generators.compiled import JoinedSynthesis, join
from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.latent import DIRECTIONS, Latent, Subject, still
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.folded_layers import in_precision
from vjnode.generators.mobilestylegan.layout import ROOT_STYLES, STYLES, TRUNK
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT, SHIPPED
from vjnode.generators.stylegan2.checkpoint import random_network
from vjnode.generators.stylegan2.folded import FoldedSynthesis as FoldedStyleGan2

ON = torch.ones(1)


def shifted(affines, offsets):
    """Add offsets, [1, styles], to the biases of affine maps, in their order."""
    each = torch.split(offsets[0], [affine.out_features for affine in affines])
    for affine, own in zip(affines, each, strict=True):
        affine.bias.data += own


@pytest.fixture(scope="module")
def default():
    """Codes, offsets, and the picture of the network with biases that have these added."""
    mapping, synthesis = load(generator_weights())
    offsets = 0.4 * torch.randn(1, STYLES, generator=torch.Generator().manual_seed(1))
    moved, codes = copy.deepcopy(synthesis), codes_of(mapping, 23)
    blocks = list(moved.blocks.children())[:TRUNK]
    layers = [(one.up.affine, one.conv1.affine, one.conv2.affine) for one in blocks]
    shifted([moved.conv1.affine, *(affine for layer in layers for affine in layer)], offsets)
    return synthesis, moved, codes, offsets


def levels(picture):
    return 127.5 * picture + 127.5


def psnr_db(found, wanted):
    error = found.float().clamp(0, 255) - wanted.float().clamp(0, 255)
    return float(10 * torch.log10(255**2 / error.square().mean()))


def test_the_default_generator(default):
    """Noise that is too faint to be seen is left out, which changes a few levels by parts."""
    synthesis, moved, codes, offsets = default
    wanted, rest = levels(moved(codes)), levels(synthesis(codes))
    folded = FoldedSynthesis(synthesis, 1024, strips=True)
    assert (folded.levels(codes, ON, offsets)[:, :3] - wanted).abs().max() < 0.5
    assert (wanted - rest).abs().mean() > 2
    joined = JoinedSynthesis(FoldedSynthesis(synthesis, 1024))
    assert (joined.levels(codes, ON, offsets)[:, :3] - wanted).abs().max() < 0.5


def test_the_root_is_moved_by_its_own_offsets_alone(default):
    synthesis, _, codes, offsets = default
    root = FoldedSynthesis(synthesis, 256).root
    before, moved = root(codes, ON, offsets), offsets.clone()
    moved[:, ROOT_STYLES:] += 1.0
    assert torch.equal(root(codes, ON, moved), before)
    moved[:, ROOT_STYLES - 1] += 1.0
    assert not torch.equal(root(codes, ON, moved), before)


@pytest.mark.slow
@pytest.mark.parametrize("size", [256, 512])
def test_the_distilled_generator(default, size):
    """It has the same trunk, so that a face moves as in the whole one."""
    synthesis, moved, codes, offsets = default
    live = DistilledGenerator(synthesis, load_tail(size))
    biased = DistilledGenerator(moved, load_tail(size))
    wanted = biased.levels(codes, ON)
    assert (live.levels(codes, ON, offsets) - wanted).abs().max() < 0.5


@pytest.mark.slow
@pytest.mark.usefixtures("half_as_on_a_card")
def test_half_precision_leaves_affine_maps_and_offsets_exact(default):
    """Codes with large movements: what half precision would round away counts."""
    synthesis, moved, codes, offsets = default
    wanted = levels(moved(codes))
    half = in_precision(FoldedSynthesis(copy.deepcopy(synthesis), 1024), torch.float16)
    assert half.style.weight.dtype == torch.float32
    assert half.conv1.pointwise.weight.dtype == torch.float16
    assert torch.equal(half.style.weight, FoldedSynthesis(synthesis, 1024).style.weight)
    assert psnr_db(half.levels(codes, ON.half(), offsets)[:, :3], wanted) >= 45


def test_stylegan2():
    mapping, synthesis = random_network(64, seed=3, most=32)
    moved, codes = copy.deepcopy(synthesis), codes_of(mapping, 10)
    affines = [moved.conv.affine, moved.head.affine]
    for block in moved.blocks.children():
        affines += [block.up.affine, block.conv.affine, block.head.affine]
    styles = sum(affine.out_features for affine in affines)
    offsets = 0.3 * torch.randn(1, styles, generator=torch.Generator().manual_seed(1))
    shifted(affines, offsets)
    wanted = levels(moved(codes))
    folded = FoldedStyleGan2(synthesis, 64)
    assert (folded.levels(codes, ON, offsets)[:, :3] - wanted).abs().max() < 0.05
    assert (folded.levels(codes, ON)[:, :3] - wanted).abs().mean() > 2
    tick = FrameGraph(folded)
    join(tick)
    assert (tick.generator.levels(codes, ON, offsets)[:, :3] - wanted).abs().max() < 0.05


def test_a_stylegan2_that_is_drawn_up_to_a_smaller_size_is_a_coarser_one():
    mapping, synthesis = random_network(64, seed=3, most=32)
    codes, offsets = codes_of(mapping, 10), torch.full((1, 3 * 4 * 32 + 2 * 32), 0.2)
    coarse = FoldedStyleGan2(synthesis, 64, drawn_px=16)
    small = copy.deepcopy(synthesis)
    small.blocks, small.size = small.blocks[:2], 16
    wanted = FoldedStyleGan2(small, 16).levels(codes, ON, offsets)
    found = coarse.levels(codes, ON, offsets)
    assert found.shape == (1, 4, 64, 64)
    assert (found[:, 3] == 255).all()
    assert (
        torch.nn.functional.avg_pool2d(found, 4)[:, :, 2:-2, 2:-2] - wanted[:, :, 2:-2, 2:-2]
    ).abs().mean() < 3


class Spied:
    """A generator that keeps what it is given."""

    def levels(self, *given):
        self.given = given
        return torch.zeros(1, 4, 8, 8)


def test_a_frame_graph_fuses_codes_and_offsets_in_single_precision():
    spy = Spied()
    tick = FrameGraph(spy, torch.float16)
    rng = torch.Generator().manual_seed(2)
    face, weights = torch.randn(1, 3, 4, generator=rng), torch.rand(DIRECTIONS, generator=rng)
    directions = torch.randn(DIRECTIONS, 3, 4, generator=rng)
    offsets = 200 * torch.randn(DIRECTIONS, 6, generator=rng)
    tick(face, directions, weights, ON, offsets)
    codes, strength, moved = spy.given
    assert (codes.dtype, strength.dtype, moved.dtype) == (
        torch.float32,
        torch.float16,
        torch.float32,
    )
    torch.testing.assert_close(moved[0], weights @ offsets)
    torch.testing.assert_close(codes[0], face[0] + torch.tensordot(weights, directions, 1))
    tick(face, directions, weights, ON)
    assert len(spy.given) == 2


def test_a_latent_is_what_a_frame_graph_fuses():
    rng = np.random.default_rng(1)
    spec = DEFAULT
    subject = Subject(
        rng.standard_normal(spec.codes_shape, np.float32),
        rng.standard_normal((3, *spec.codes_shape), np.float32),
        rng.standard_normal((3, spec.styles), np.float32),
    )
    latent = Latent(subject, np.array([0.5, -1.0, 2.0], np.float32))
    spec.check_latent(latent)
    given, weights = spec.subject_inputs(subject), latent.padded_amounts()
    assert {name: one.shape for name, one in given.items()} == {
        name: spec.inputs[name] for name in ("face", "directions", "offsets")
    }
    moved = given["face"][0] + np.tensordot(weights, given["directions"], 1)
    np.testing.assert_allclose(latent.codes(), moved, atol=1e-5)
    np.testing.assert_allclose(latent.offsets(), weights @ given["offsets"], atol=1e-5)
    at_rest = still(subject.codes)
    assert np.array_equal(at_rest.codes(), subject.codes)
    assert not spec.subject_inputs(at_rest.subject)["offsets"].any()


@pytest.mark.parametrize(
    ("codes", "directions", "offsets", "amounts", "said"),
    [
        ((18, 512), (0, 18, 512), (0, 0), 0, "codes have shape"),
        ((23, 512), (1, 23, 512), (1, 0), 2, "directions have shape"),
        ((23, 512), (2, 23, 512), (2, 7), 2, "offsets have shape"),
        ((23, 512), (25, 23, 512), (25, 0), 25, "25 directions at once; a picture takes 24"),
    ],
)
def test_a_latent_of_another_shape_is_refused(codes, directions, offsets, amounts, said):
    arrays = (np.zeros(shape, np.float32) for shape in (codes, directions, offsets))
    with pytest.raises(ValueError, match=said):
        DEFAULT.check_latent(Latent(Subject(*arrays), np.zeros(amounts, np.float32)))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_generator_has_a_mean_latent(name):
    spec = SHIPPED[name]
    assert spec.mean_latent().shape == (spec.dim,)
    spec.check_latent(still(np.tile(spec.mean_latent(), (spec.slots, 1))))
