"""Checkpoints of others draw the same pictures here as with the published formulas."""

import argparse
import io
import pickle

import pytest
import torch

from tests.generators.checkpoints.layouts import (
    Generator,
    Rosinality,
    pkl_of,
    pt_of,
    with_modules,
)
from vjnode.errors import InputError
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.stylegan2.checkpoint import load, random_network, save
from vjnode.generators.stylegan2.folded import FoldedSynthesis

TOLERANCE = 1e-4
DIM = 24
SMALL, LARGE = (16, 16, 12, 8, 8), (16, 16, 12, 8, 8, 8, 6)
"""Channels of networks for 64 and 256 px."""

Z = torch.randn(3, DIM, generator=torch.Generator().manual_seed(1))


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    with_modules(monkeypatch)
    torch.manual_seed(5)
    with torch.inference_mode():
        yield


def converted(tmp_path, data, suffix, label=None):
    path, target = tmp_path / f"given{suffix}", tmp_path / "made.safetensors"
    path.write_bytes(data)
    answer = convert(path, target, label)
    return (*load(target), answer)


def codes_for(synthesis):
    """Codes that differ from slot to slot, so that a mixed-up one shows."""
    draws = torch.Generator().manual_seed(2)
    return torch.randn(2, synthesis.slots, DIM, generator=draws)


def assert_same_pictures(synthesis, published, channels):
    codes = codes_for(synthesis)
    wanted = published(codes)
    assert wanted.shape[-1] == 4 * 2 ** (len(channels) - 1) == synthesis.size
    assert wanted.std() > 0.1
    assert (synthesis(codes) - wanted).abs().max() <= TOLERANCE
    levels = FoldedSynthesis(synthesis, synthesis.size).levels(codes[:1], torch.ones(1))[:, :3]
    assert (levels - 127.5 * wanted[:1] - 127.5).abs().max() <= 127.5 * TOLERANCE


@pytest.mark.parametrize(("channels", "depth"), [(SMALL, 2), (LARGE, 8)])
def test_a_pkl_of_nvidias(tmp_path, channels, depth):
    published = Generator(channels, DIM, depth)
    mapping, synthesis, answer = converted(tmp_path, pkl_of(published), ".pkl")
    assert answer.layout == "NVIDIA's .pkl"
    assert len(mapping.layers) == depth
    for psi in (1.0, 0.5, 0.0):
        assert (mapping(Z, psi) - published.mapping(Z, psi=psi)).abs().max() <= 2e-5
    assert_same_pictures(synthesis, published.synthesis, channels)


@pytest.mark.parametrize("protocol", [2, 3, 5])
def test_a_pkl_of_any_protocol(tmp_path, protocol):
    published = Generator(SMALL, DIM, 1)
    _, synthesis, _ = converted(tmp_path, pkl_of(published, protocol), ".pkl")
    assert_same_pictures(synthesis, published.synthesis, SMALL)


def test_the_limit_of_results_is_kept(tmp_path):
    published = Generator(SMALL, DIM, 1, clamp=1.5)
    _, synthesis, _ = converted(tmp_path, pkl_of(published), ".pkl")
    assert_same_pictures(synthesis, published.synthesis, SMALL)
    free = synthesis(codes_for(synthesis))
    for layer in published.synthesis.modules():
        layer.conv_clamp = None
    assert (published.synthesis(codes_for(synthesis)) - free).abs().max() > 0.1


def test_one_class_of_several(tmp_path):
    published = Generator(SMALL, DIM, 2, classes=3)
    data = pkl_of(published)
    mapping, _, _ = converted(tmp_path, data, ".pkl", label=2)
    assert (mapping(Z) - published.mapping(Z, label=2)).abs().max() <= 2e-5
    assert (mapping(Z) - published.mapping(Z, label=1)).abs().max() > 0.01
    for label in (None, 3):
        with pytest.raises(InputError, match="3 labels; choose one by --class 0 to 2"):
            converted(tmp_path, data, ".pkl", label=label)


def saved(held):
    stream = io.BytesIO()
    torch.save(held, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "write",
    [pickle.dumps, saved, lambda generator: saved({"G_ema": generator})],
    ids=["pickle", "torch", "torch-dict"],
)
def test_a_generator_that_was_saved_alone(tmp_path, write):
    published = Generator(SMALL, DIM, 1)
    _, synthesis, answer = converted(tmp_path, write(published), ".pkl")
    assert answer.layout == "NVIDIA's .pkl"
    assert_same_pictures(synthesis, published.synthesis, SMALL)


def test_weights_in_the_memory_order_of_half_precision(tmp_path):
    published = Generator(SMALL, DIM, 1)
    for block in (published.synthesis.b32, published.synthesis.b64):
        block.use_fp16 = block.channels_last = True
        for layer in (block.conv0, block.conv1, block.torgb):
            weight = layer.weight.to(memory_format=torch.channels_last)
            layer.weight = torch.nn.Parameter(weight)
    assert not published.synthesis.b64.conv0.weight.is_contiguous()
    _, synthesis, _ = converted(tmp_path, pkl_of(published), ".pkl")
    assert_same_pictures(synthesis, published.synthesis, SMALL)


def test_a_network_without_noise(tmp_path):
    published = Generator(SMALL, DIM, 1)
    for layer in published.synthesis.modules():
        layer.use_noise = False
    _, synthesis, _ = converted(tmp_path, pkl_of(published), ".pkl")
    for name, value in published.synthesis.named_parameters():
        if name.endswith("noise_strength"):
            value.zero_()
    assert_same_pictures(synthesis, published.synthesis, SMALL)


def test_grey_pictures(tmp_path):
    published = Generator(SMALL, DIM, 1, colours=1)
    _, synthesis, _ = converted(tmp_path, pkl_of(published), ".pkl")
    assert_same_pictures(
        synthesis, lambda codes: published.synthesis(codes).expand(-1, 3, -1, -1), SMALL
    )


@pytest.mark.parametrize("archive", [True, False], ids=["zip", "older"])
@pytest.mark.parametrize("channels", [SMALL, LARGE])
def test_a_pt_of_rosinalitys(tmp_path, archive, channels):
    published, mean = Rosinality(channels, DIM, 4), 0.2 * torch.randn(DIM)
    args = argparse.Namespace(size=64, path="cats", mixing=0.9)
    data = pt_of(published, mean=mean, archive=archive, args=args, ada_aug_p=0.5)
    mapping, synthesis, answer = converted(tmp_path, data, ".pt")
    assert answer.layout == "rosinality's .pt"
    assert (mapping(Z) - published.codes(Z)).abs().max() <= 2e-5
    assert torch.equal(mapping.mean, mean)
    assert_same_pictures(synthesis, published, channels)


def test_a_pt_without_a_mean_latent_gets_one(tmp_path):
    published = Rosinality(SMALL, DIM, 2)
    mapping, _, answer = converted(tmp_path, pt_of(published), ".pt")
    wanted = published.codes(torch.randn(20_000, DIM)).mean(0)
    assert (mapping.mean - wanted).abs().max() < 0.05 < wanted.abs().max()
    assert "mean style code" in answer.notes[0]


@pytest.mark.parametrize("start", ["module.", "decoder."])
def test_a_pt_whose_names_begin_with_more(tmp_path, start):
    """As after a training on several cards, or in an encoder, which has a mean for each slot."""
    published, mean = Rosinality(SMALL, DIM, 2), 0.2 * torch.randn(DIM)
    state = {f"{start}{name}": value for name, value in published.state_dict().items()}
    held = {"state_dict": {"encoder.weight": mean, **state}, "latent_avg": mean.repeat(10, 1)}
    mapping, synthesis, _ = converted(tmp_path, saved(held), ".pt")
    assert torch.allclose(mapping.mean, mean)
    assert_same_pictures(synthesis, published, SMALL)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("style_conv1.modulated_conv.weight", "as BasicSR and GFPGAN keep it"),
        ("synthesis.b4.const", "by names of its tensors alone"),
    ],
)
def test_a_layout_that_is_known_but_not_read_is_named(tmp_path, name, words):
    with pytest.raises(InputError, match=f"{words}.*take a .pkl of NVIDIA's"):
        converted(tmp_path, saved({"params_ema": {name: torch.zeros(3)}}), ".pth")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_numbers_than_float32(tmp_path, kind):
    published = Rosinality(SMALL, DIM, 1).to(kind)
    _, synthesis, _ = converted(tmp_path, pt_of(published), ".pt")
    assert_same_pictures(synthesis, published.float(), SMALL)


def test_our_own_safetensors(tmp_path):
    networks = random_network(64, most=8, dim=DIM, depth=3)
    networks[1].clamp = 256.0
    save(tmp_path / "own.safetensors", *networks)
    data = (tmp_path / "own.safetensors").read_bytes()
    mapping, synthesis, _ = converted(tmp_path, data, ".safetensors")
    assert synthesis.clamp == 256.0
    assert torch.equal(mapping(Z), networks[0](Z))
    codes = codes_for(synthesis)
    assert torch.allclose(synthesis(codes), networks[1](codes), atol=1e-6)


def of_architecture(kind):
    """Make a network another one: its pictures come from the last block alone."""

    def change(generator):
        for px in generator.synthesis.sizes:
            block = getattr(generator.synthesis, f"b{px}")
            block.architecture = kind
            if px != generator.synthesis.sizes[-1]:
                del block.torgb

    return change


def changed(**values):
    def change(generator):
        for name, value in values.items():
            setattr(generator.synthesis.b8, name, value)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_architecture("resnet"), "its architecture is 'resnet'; vjnode draws 'skip'"),
        (of_architecture("orig"), "its architecture is 'orig'; vjnode draws 'skip'"),
        (lambda g: setattr(g.mapping.fc0, "activation", "relu"), "another activation than leaky"),
        (lambda g: setattr(g.synthesis.b8.conv0, "activation", "relu"), "activation than the lea"),
        (lambda g: setattr(g.synthesis.b8.conv0, "conv_clamp", 1), "have different limits"),
        (changed(resample_filter=torch.ones(4, 4)), r"not \[1, 3, 3, 1\]"),
        (lambda g: delattr(g.synthesis.b8, "torgb"), r"lacks G_ema\.synthesis\.b8\.torgb"),
        (lambda generator: setattr(generator.synthesis, "b64", None), "no module of NVIDIA's"),
        (lambda g: g.synthesis.b4.conv1.bias.fill_(torch.nan), "not finite everywhere"),
    ],
)
def test_a_network_that_is_another_is_refused(tmp_path, change, words):
    generator = Generator(SMALL, DIM, 1)
    change(generator)
    with pytest.raises(InputError, match=words):
        converted(tmp_path, pkl_of(generator), ".pkl")


@pytest.mark.parametrize("channels", [(8, 8, 8, 8), (4,) * 10], ids=["32 px", "2048 px"])
def test_a_size_that_is_not_played_is_refused(tmp_path, channels):
    generator = Generator(channels[:4], DIM, 1)
    for px in (4 * 2**i for i in range(4, len(channels))):
        setattr(generator.synthesis, f"b{px}", generator.synthesis.b32)
    with pytest.raises(InputError, match="64 to 1024 px"):
        converted(tmp_path, pkl_of(generator), ".pkl")
