"""Generators rewritten for a compiler draw the same pictures as in their plain form."""

import pytest
import torch

from vjnode.generators.compiled import JoinedSynthesis, join
from vjnode.generators.frame_graph import FrameGraph
from vjnode.generators.latent import DIRECTIONS
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.stylegan2.checkpoint import random_network
from vjnode.generators.stylegan2.folded import FoldedSynthesis as FoldedStyleGan2

ON = torch.ones(1)


@pytest.fixture(scope="module")
def network():
    return load(generator_weights())


def codes_of(mapping, slots):
    """Codes that differ from slot to slot, so that a mixed-up slot shows: [1, slots, 512]."""
    z = torch.randn(slots, 512, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        return (mapping(z[:1]) + 0.3 * (mapping(z) - mapping(z).mean(0)))[None]


@pytest.mark.parametrize("size", [1024, 256])
def test_the_default_generator(network, size):
    mapping, synthesis = network
    codes, folded = codes_of(mapping, 23), FoldedSynthesis(synthesis, size)
    joined = JoinedSynthesis(folded)
    for noise_strength in (ON, 0 * ON):
        wanted = folded.levels(codes, noise_strength)
        assert (joined.levels(codes, noise_strength) - wanted).abs().max() < 0.05
    assert not any(weight.requires_grad for weight in joined.parameters())


@pytest.mark.slow
@pytest.mark.usefixtures("half_as_on_a_card")
def test_the_default_generator_in_half_precision(network):
    mapping, synthesis = network
    codes = codes_of(mapping, 23)
    wanted = FoldedSynthesis(synthesis, 256).levels(codes, ON).clamp(0, 255)
    _, own = load(generator_weights())  # its own, since a folded network shares its weights
    joined = JoinedSynthesis(FoldedSynthesis(own, 256).half())
    error = joined.levels(codes.half(), ON.half()).float().clamp(0, 255) - wanted
    assert 10 * torch.log10(255**2 / error.square().mean()) >= 45


@pytest.mark.parametrize("up", ["filter", "transposed", "phases"])
def test_stylegan2(up):
    mapping, synthesis = random_network(64, seed=3, most=32)
    codes, folded = codes_of(mapping, 10), FoldedStyleGan2(synthesis, 64, up=up)
    wanted = folded.levels(codes, ON)
    tick = FrameGraph(folded)
    join(tick)
    assert tick.generator.taps is not None
    assert all((conv.taps is not None) == (conv.up == "filter") for conv in folded.convs)
    assert (folded.levels(codes, ON) - wanted).abs().max() < 0.05


def test_a_whole_tick(network):
    mapping, synthesis = network
    ticks = [FrameGraph(FoldedSynthesis(synthesis, 256)) for _ in range(2)]
    join(ticks[1])
    assert isinstance(ticks[1].generator, JoinedSynthesis)
    face, directions = codes_of(mapping, 23), 0.002 * torch.ones(DIRECTIONS, 23, 512)
    plain, joined = (tick(face, directions, torch.ones(DIRECTIONS), ON) for tick in ticks)
    assert (plain.int() - joined.int()).abs().max() <= 1
    assert (plain != joined).float().mean() < 1e-3


@pytest.mark.slow
def test_a_compiler_takes_a_whole_tick_at_once(network):
    """A card would wait wherever the compiled graph had to be left and come back to."""
    mapping, synthesis = network
    tick = FrameGraph(FoldedSynthesis(synthesis, 256))
    join(tick)
    given = codes_of(mapping, 23), torch.zeros(DIRECTIONS, 23, 512), torch.zeros(DIRECTIONS), ON
    whole = torch.compile(tick, backend="eager", fullgraph=True, dynamic=False)
    assert torch.equal(whole(*given), tick(*given))
