"""The generator rounded to 8 bits draws almost the same; only layers with limits are rounded."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.engines.cuda.cards import latent_of
from tools.train.quantise import given
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.mobilestylegan.parts import INT8_LIMITS
from vjnode.generators.mobilestylegan.quantized import LEAST_PX, Int8Pointwise, int8_layers, to_int8


@pytest.fixture(scope="module")
def synthesis():
    return load(generator_weights())[1]


def picture(network, latent):
    with torch.inference_mode():
        return network(*given(latent))[0, ..., :3].float()


def psnr_db(a, b):
    return 10 * np.log10(255**2 / (a - b).square().mean().item())


def test_the_limits_that_ship_are_for_every_large_layer(synthesis):
    layers = int8_layers(FoldedSynthesis(synthesis, 1024))
    limits = load_file(INT8_LIMITS)
    assert limits.keys() == layers.keys()
    assert {layer.px for layer in layers.values()} == {128, 256, 512}
    for name, layer in layers.items():
        assert limits[name].shape == (layer.depthwise.shape[0],)
        assert layer.px >= LEAST_PX


def test_a_face_with_an_expression_keeps_38_db(synthesis):
    exact = FoldedSynthesis(synthesis, 1024)
    rounded = to_int8(FoldedSynthesis(synthesis, 1024, strips=True), load_file(INT8_LIMITS))
    for seed in range(3):
        latent = latent_of(seed, 1.0)
        assert psnr_db(picture(rounded, latent), picture(exact, latent)) >= 38, seed


def test_only_what_has_limits_is_rounded(synthesis):
    limits = load_file(INT8_LIMITS)
    name = "blocks.6.conv2"
    folded = to_int8(FoldedSynthesis(synthesis, 1024), {name: limits[name]})
    rounded = [name for name, one in folded.named_modules() if isinstance(one, Int8Pointwise)]
    assert rounded == [f"{name}.pointwise"]


def test_without_a_step_to_lose_the_layer_is_the_same(synthesis):
    """The pointwise kernel takes back the factors that the depthwise convolution divides by."""
    folded = FoldedSynthesis(synthesis, 1024)
    name = "blocks.5.conv1"
    layer, noise = folded.get_submodule(name), torch.Generator().manual_seed(3)
    x = torch.randn(1, 64, 256, 256, generator=noise)
    noise_strength = torch.ones(1)
    with torch.inference_mode():
        before = layer(x, noise_strength)
        seen = torch.nn.functional.conv2d(x, layer.depthwise, padding=1, groups=64)
        to_int8(folded, {name: seen.abs().amax((0, 2, 3))})
        after = layer(x, noise_strength)
    assert (after - before).square().mean().sqrt() < 0.025 * before.std()
