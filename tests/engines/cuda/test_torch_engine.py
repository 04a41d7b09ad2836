"""The generator in torch: the same pictures as the processor's engine draws, and reasons."""

import sys
from importlib import metadata

import numpy as np
import pytest
import torch

from tests.engines.cuda.cards import card, latent_of, psnr_db
from vjnode.engines.cuda import torch_engine
from vjnode.engines.cuda.torch_engine import TorchEngine, open_torch_cuda
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.errors import EngineError, InputError
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan.layout import DIM
from vjnode.generators.registry import DEFAULT

SIZE = 256


@pytest.fixture(scope="module")
def truth():
    return OpenVinoEngine(DEFAULT, SIZE)


@pytest.fixture(scope="module")
def engine():
    return TorchEngine(DEFAULT, SIZE, "cpu")


def test_the_pictures_are_those_of_the_processors_engine(engine, truth):
    for seed in (1, 2):
        picture = engine.draw(latent_of(seed))
        assert picture.shape == (SIZE, SIZE, 4)
        assert picture.dtype == np.uint8
        assert (picture[..., 3] == 255).all()
        # In bf16 the other one is itself 52 dB from the truth.
        assert psnr_db(picture, truth.draw(latent_of(seed))) >= 45


def test_a_face_moves_by_its_amounts_and_another_takes_its_place(engine):
    """Face and directions are taken in once a look: nothing of the one before may stay."""
    truth = OpenVinoEngine(DEFAULT, SIZE)
    latents = [latent_of(1, 0.0), latent_of(1, 1.0), latent_of(2, 1.0), latent_of(1, 0.5)]
    drawn = [engine.draw(latent) for latent in latents]
    for latent, picture in zip(latents, drawn, strict=True):
        assert psnr_db(picture, truth.draw(latent)) >= 45
    assert psnr_db(drawn[0], drawn[1]) < 30


def test_a_picture_stays_when_the_next_are_drawn(engine):
    first = engine.draw(latent_of(1))
    kept = first.copy()
    begun = engine.begin(latent_of(2)), engine.begin(latent_of(1))
    second, third = (one.result() for one in begun)
    assert np.array_equal(first, kept)
    assert np.array_equal(third, kept)
    assert not np.array_equal(second, kept)


def test_a_drawing_can_be_given_up_or_not(engine):
    whole = engine.draw(latent_of(1))
    assert np.array_equal(engine.draw_unless(lambda: False, latent_of(1)), whole)


def test_wrong_requests_are_refused(engine):
    with pytest.raises(ValueError, match="18"):
        engine.draw(still(np.zeros((18, DIM), np.float32)))
    with pytest.raises(InputError, match="640"):
        TorchEngine(DEFAULT, 640, "cpu")


def test_without_a_card_or_the_right_torch_it_is_said_why(monkeypatch):
    monkeypatch.setattr(torch_engine, "gpu_here", lambda: None)
    with pytest.raises(EngineError, match="no CUDA card"):
        open_torch_cuda(DEFAULT, SIZE)
    monkeypatch.setattr(torch_engine, "gpu_here", lambda: "sm89")
    monkeypatch.setattr(metadata, "version", lambda package: "2.13.0+cpu")
    with pytest.raises(EngineError, match=r"2.13.0\+cpu is for processors only; install"):
        open_torch_cuda(DEFAULT, SIZE)
    monkeypatch.setattr(metadata, "version", lambda package: "2.13.0")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EngineError, match=r"run: .*pip install .*torch$"):
        open_torch_cuda(DEFAULT, SIZE)


@pytest.fixture(scope="module")
def on_card():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA card here that PyTorch can use")
    engine = open_torch_cuda(DEFAULT, SIZE)
    yield engine
    engine.close()


@card
@pytest.mark.slow
def test_on_a_card_the_pictures_are_right(on_card, engine):
    for seed in (1, 2, 3):
        wanted = engine.draw(latent_of(seed))
        assert psnr_db(on_card.draw(latent_of(seed)), wanted) >= 45
        assert psnr_db(on_card.draw_unless(lambda: False, latent_of(seed)), wanted) >= 45


@card
@pytest.mark.slow
def test_on_a_card_a_picture_stays_while_others_are_drawn(on_card):
    wanted = [on_card.draw(latent_of(seed)).copy() for seed in (1, 2)]
    pictures = []
    before = on_card.begin(latent_of(1))
    for number in range(1, 40):
        begun = on_card.begin(latent_of(1 + number % 2))
        pictures.append(before.result())
        before = begun
    pictures.append(before.result())
    for number, picture in enumerate(pictures):
        assert np.array_equal(picture, wanted[number % 2])


@card
@pytest.mark.slow
def test_on_a_card_a_second_engine_is_opened_while_the_first_draws(on_card):
    wanted = on_card.draw(latent_of(1)).copy()
    second = open_torch_cuda(DEFAULT, SIZE)
    assert second.identity == on_card.identity
    assert np.array_equal(second.draw(latent_of(1)), wanted)
    second.close()
    second.close()
    assert np.array_equal(on_card.draw(latent_of(1)), wanted)
