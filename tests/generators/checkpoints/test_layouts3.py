"""A StyleGAN3 of NVIDIA's draws the same pictures here as with the published formulas."""

import numpy as np
import pytest
import torch

from tests.generators.checkpoints.layouts import MappingNetwork, pkl_of, with_modules
from tests.generators.checkpoints.layouts3 import Generator3
from vjnode.errors import InputError
from vjnode.generators.checkpoints.confined import convert
from vjnode.generators.stylegan3.checkpoint import load, save
from vjnode.generators.stylegan3.model import Picture

DIM = 16
TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def _settled(monkeypatch):
    with_modules(monkeypatch)
    torch.manual_seed(4)
    with torch.inference_mode():
        yield


def converted(tmp_path, data, label=None):
    path, target = tmp_path / "given.pkl", tmp_path / "made.safetensors"
    path.write_bytes(data)
    answer = convert(path, target, label)
    assert answer.layout == "NVIDIA's .pkl"
    return load(target)


def assert_same_pictures(synthesis, published):
    codes = torch.randn(1, synthesis.slots, DIM, generator=torch.Generator().manual_seed(2))
    wanted = published(codes)
    assert wanted.shape[-1] == synthesis.size
    assert wanted.std() > 0.02
    assert (synthesis(codes) - wanted).abs().max() <= TOLERANCE
    levels = Picture(synthesis, synthesis.size).levels(codes, torch.ones(1))
    assert (levels[:, :3] - 127.5 * wanted - 127.5).abs().max() <= 127.5 * TOLERANCE
    assert (levels[:, 3] == 255).all()


@pytest.mark.parametrize("radial", [False, True], ids=["t", "r"])
@pytest.mark.parametrize(("size", "layers"), [(64, 5), (128, 14)])
def test_t_and_r(tmp_path, size, layers, radial):
    published = Generator3(DIM, size, layers=layers, radial=radial)
    mapping, synthesis = converted(tmp_path, pkl_of(published))
    assert synthesis.slots == layers + 2
    z = torch.randn(3, DIM)
    assert (mapping(z, 0.7) - published.mapping(z, psi=0.7)).abs().max() <= 2e-5
    assert_same_pictures(synthesis, published.synthesis)


@pytest.mark.parametrize("protocol", [2, 5])
def test_other_protocols_grey_and_a_limit_that_is_reached(tmp_path, protocol):
    published = Generator3(DIM, 64, layers=4, most=6, colours=1, clamp=1.0)
    _, synthesis = converted(tmp_path, pkl_of(published, protocol))
    assert synthesis.shape.clamp == 1.0
    assert_same_pictures(synthesis, lambda codes: published.synthesis(codes).expand(-1, 3, -1, -1))


def test_a_checkpoint_that_was_trained_on_windows(tmp_path):
    """There whole numbers of numpy had 32 bits."""
    published = Generator3(DIM, 64, layers=4, most=6)
    start, names = published.synthesis.input, published.synthesis.layer_names
    start.size = start.size.astype(np.int32)
    for layer in (getattr(published.synthesis, name) for name in names):
        layer.out_size = layer.out_size.astype(np.int32)
    _, synthesis = converted(tmp_path, pkl_of(published))
    assert_same_pictures(synthesis, published.synthesis)


def test_one_class_of_several(tmp_path):
    published = Generator3(DIM, 64, layers=4, most=6)
    published.mapping = MappingNetwork(DIM, 2, classes=3)
    mapping, _ = converted(tmp_path, pkl_of(published), label=1)
    z = torch.randn(3, DIM)
    assert (mapping(z) - published.mapping(z, label=1)).abs().max() <= 2e-5


def test_smaller_pictures_are_area_means_and_what_is_written_is_read(tmp_path):
    published = Generator3(DIM, 128, layers=4, most=6)
    mapping, synthesis = converted(tmp_path, pkl_of(published))
    save(tmp_path / "again.safetensors", mapping, synthesis)
    _, again = load(tmp_path / "again.safetensors")
    codes = torch.randn(1, synthesis.slots, DIM)
    assert torch.equal(again(codes), synthesis(codes))
    small = Picture(again, 64).levels(codes, torch.ones(1))[:, :3]
    wanted = torch.nn.functional.avg_pool2d(127.5 * published.synthesis(codes) + 127.5, 2)
    assert (small - wanted).abs().max() <= 127.5 * TOLERANCE
    half = Picture(again, 64, torch.float16).levels(codes, torch.ones(1))[:, :3]
    assert (half - wanted).abs().mean() < 1


def second(generator):
    return getattr(generator.synthesis, generator.synthesis.layer_names[1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: setattr(g.synthesis.input, "transform", 2 * torch.eye(3)), "input is moved"),
        (lambda g: setattr(second(g), "padding", [3, 3, 3, 3]), "does not lead to"),
        (lambda g: setattr(second(g), "padding", None), "padding is damaged"),
        (lambda g: setattr(second(g), "up_factor", 10**9), "beyond what is known"),
        (lambda g: setattr(second(g), "out_size", "36"), "not two numbers"),
        (lambda g: setattr(second(g), "up_filter", None), "without a filter"),
        (lambda g: setattr(second(g), "magnitude_ema", torch.zeros([])), "not above 0"),
        (lambda g: setattr(g.synthesis, "extra", g.mapping), "has a layer 'extra'"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_network_that_is_another_is_refused(tmp_path, change, words):
    generator = Generator3(DIM, 64, layers=4, most=6)
    change(generator)
    with pytest.raises(InputError, match=words):
        converted(tmp_path, pkl_of(generator))
