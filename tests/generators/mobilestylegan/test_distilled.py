"""The live networks draw what the whole generator draws, smaller."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tools.train.quantise import given
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.errors import InputError
from vjnode.faces.catalogue import expression_names, load_expression
from vjnode.faces.expression import Face, latent_of
from vjnode.faces.sampling import random_latents
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.distilled import DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.layout import SLOTS
from vjnode.generators.mobilestylegan.model import load
from vjnode.generators.registry import DEFAULT

FACES = 12
SEED = 77
"""Of faces that no training has seen."""

LEAST_DB = 30.0

NOISE_STRENGTH = torch.ones(1)


@pytest.fixture(scope="module")
def latents():
    """Random faces, each somewhere within an expression: FACES of them."""
    styles = random_latents(SEED, FACES, 0.6)
    expressions = [load_expression(name) for name in expression_names()]
    weights = np.random.default_rng(SEED).uniform(size=FACES)
    faces = [Face("", "", np.broadcast_to(style, (SLOTS, 512))) for style in styles]
    return [
        latent_of(face, expressions[i % len(expressions)], weights[i])
        for i, face in enumerate(faces)
    ]


@pytest.fixture(scope="module")
def codes(latents):
    return [latent.codes() for latent in latents]


@pytest.fixture(scope="module")
def whole(latents):
    """Pictures of the whole generator, 512 px, levels 0…255: (FACES, 512, 512, 3)."""
    engine = OpenVinoEngine(DEFAULT, 512)
    return np.stack([engine.draw(one)[..., :3] for one in latents]).astype(np.float64)


@pytest.fixture(scope="module")
def networks():
    _, synthesis = load(generator_weights())
    return {
        size: DistilledGenerator(synthesis, load_tail(size)) for size in distilled_weights.SIZES
    }


def drawn(network, latent, noise_strength=NOISE_STRENGTH):
    codes, _, offsets = given(latent)
    with torch.inference_mode():
        return network(codes, noise_strength, offsets)[0].numpy()


def means(pictures, size):
    scale = pictures.shape[-2] // size
    return pictures.reshape(-1, size, scale, size, scale, 3).mean((2, 4))


def psnr_db(found, wanted):
    return 10 * np.log10(255**2 / np.mean((found[..., :3].astype(float) - wanted) ** 2))


@pytest.fixture(scope="module")
def quality_db(networks, latents, whole):
    """PSNR of each picture to the area means of the whole generator's: by size, (FACES,)."""
    return {
        size: np.array(
            [
                psnr_db(drawn(network, latent), wanted)
                for latent, wanted in zip(latents, means(whole, size), strict=True)
            ]
        )
        for size, network in networks.items()
    }


@pytest.mark.parametrize("size", distilled_weights.SIZES)
def test_unseen_faces_with_expressions_look_as_from_the_whole_generator(quality_db, size):
    assert quality_db[size].mean() >= LEAST_DB
    assert np.percentile(quality_db[size], 10) >= LEAST_DB - 3


@pytest.mark.parametrize("size", distilled_weights.SIZES)
def test_pictures_are_opaque_rgba(networks, latents, size):
    picture = drawn(networks[size], latents[0])
    assert picture.shape == (size, size, 4)
    assert picture.dtype == np.uint8
    assert (picture[..., 3] == 255).all()


def test_codes_of_every_layer_count(networks, codes):
    """Also those of layers that only the whole generator draws large: a morph may move any."""
    rest = drawn(networks[256], still(codes[0])).astype(float)
    for slot in (0, 1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 21):
        moved = codes[0].copy()
        moved[slot] = codes[1][slot]
        assert np.abs(drawn(networks[256], still(moved)) - rest).max() >= 2, slot


def test_an_expression_moves_the_face_as_in_the_whole_generator(networks):
    style = random_latents(SEED + 1, 1, 0.6)[0]
    face, laugh = Face("", "", np.broadcast_to(style, (SLOTS, 512))), load_expression("laugh")
    engine = OpenVinoEngine(DEFAULT, 256)
    moves = [
        np.subtract(
            *(draw(latent_of(face, laugh, weight))[..., :3].astype(float) for weight in (1, 0))
        )
        for draw in (engine.draw, lambda latent: drawn(networks[256], latent))
    ]
    assert np.corrcoef(*(move.ravel() for move in moves))[0, 1] > 0.85


def test_the_noise_can_be_turned_down(networks, latents):
    plain = drawn(networks[256], latents[0], torch.zeros(1))
    assert not np.array_equal(plain, drawn(networks[256], latents[0]))
    assert psnr_db(plain, drawn(networks[256], latents[0])[..., :3]) > 25


def test_the_record_tells_what_was_reached():
    records = json.loads(distilled_weights.file().with_suffix(".json").read_text())
    for size in distilled_weights.SIZES:
        record = records[str(size)]
        assert record["held_out"]["psnr_db"]["mean"] >= LEAST_DB
        assert {"pairs", "steps", "date", "commit", "seed"} <= set(record)


def test_another_size_is_refused():
    with pytest.raises(InputError, match="1024"):
        load_tail(1024)
    with pytest.raises(InputError, match="1024"):
        distilled_weights.file_sha256(1024)


def test_a_damaged_file_says_what_to_do(tmp_path):
    path = tmp_path / "heads.safetensors"
    path.write_bytes(distilled_weights.file().read_bytes()[:1000])
    with pytest.raises(InputError, match=r"tools\.train\.distil"):
        load_tail(256, path)
    tensors = load_file(distilled_weights.file())
    del tensors["256.heads.1.bias"]
    save_file(tensors, path)
    with pytest.raises(InputError, match=r"256\.heads\.1\.bias"):
        load_tail(256, path)
