"""Faces with weights of their own in torch: one network, whose weights are swapped."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from tests.engines.cuda.cards import card, latent_of, psnr_db
from tests.tuned_faces import PX, mean_levels, tuned_weights
from vjnode.engines.base import OpensTuned
from vjnode.engines.cuda import torch_engine
from vjnode.engines.cuda.torch_engine import TorchEngine, TunedTorchEngine, open_torch_cuda
from vjnode.engines.cuda.torch_network import module_on
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.own_weights import WithTuned
from vjnode.errors import InputError
from vjnode.generators.latent import Weights
from vjnode.generators.mobilestylegan.tuned import card_spec, tuned_spec
from vjnode.generators.registry import DEFAULT, DISTILLED


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Weights of the own of two faces."""
    folder = tmp_path_factory.mktemp("own")
    return [tuned_weights(folder, seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def tuned():
    return TunedTorchEngine(PX, PX, "cpu")


def with_own(latent, weights):
    return replace(latent, subject=replace(latent.subject, weights=weights))


def test_its_pictures_are_those_that_key_frames_are_drawn_with(
    tuned, own, engine_cache, monkeypatch
):
    latent = with_own(latent_of(1, 0.7), own[0])
    monkeypatch.setenv("VJNODE_PRECISION", "f32")
    truth = OpenVinoEngine(tuned_spec(own[0]), PX, None, "reduced", fast=True).draw(latent)
    picture = tuned.draw(latent)
    assert np.abs(picture.astype(int) - truth).max() <= 2
    assert mean_levels(picture, truth) < 0.05
    plain = TorchEngine(DISTILLED, PX, "cpu").draw(latent)
    assert mean_levels(plain, truth) > 2


def test_faces_that_alternate_frame_by_frame_are_each_drawn_exactly(tuned, own):
    """Byte for byte as by an engine that has never drawn another face, whatever is under way."""
    plain = TorchEngine(DISTILLED, PX, "cpu")
    engine = WithTuned(plain, {PX: tuned})
    faces = [latent_of(3, 0.5), *(with_own(latent_of(3, 0.5), weights) for weights in own)]
    wanted = [
        TorchEngine(DISTILLED, PX, "cpu").draw(faces[0]),
        *(TorchEngine(card_spec(PX, one), PX, "cpu").draw(faces[0]) for one in own),
    ]
    assert min(mean_levels(wanted[i], wanted[i - 1]) for i in range(3)) > 2
    for weights in own:
        engine.load(weights)
    engine.draw(faces[2])
    before = tuned.swaps
    order = [0, 1, 0, 2, 1, 2, 2, 0, 2, 1]
    begun = [engine.begin(faces[which]) for which in order]
    for which, picture in zip(order, begun, strict=True):
        assert np.array_equal(picture.result(), wanted[which])
    assert tuned.swaps - before == 5  # the shipped face has a network of its own
    assert np.array_equal(engine.draw_unless(lambda: False, faces[1]), wanted[1])


def test_the_faces_that_were_drawn_last_stay_loaded(tuned, own, monkeypatch):
    monkeypatch.setattr(torch_engine, "KEPT", 1)
    latent = latent_of(2)
    first = tuned.draw(with_own(latent, own[0]))
    tuned.load(own[1])
    assert [tuned.loaded(one) for one in own] == [False, True]
    assert not np.array_equal(tuned.draw(with_own(latent, own[1])), first)
    assert np.array_equal(tuned.draw(with_own(latent, own[0])), first)


def test_a_show_of_another_size_gets_them_enlarged_or_reduced(tuned, own):
    latent = with_own(latent_of(1), own[0])
    picture = tuned.draw(latent)
    for size, how in ((512, cv2.INTER_CUBIC), (128, cv2.INTER_AREA)):
        wanted = cv2.resize(picture, (size, size), interpolation=how)
        module = module_on(card_spec(PX, own[0]), size, "cpu")
        given = {"noise_strength": np.ones(1), "amounts": latent.padded_amounts()}
        given |= DEFAULT.subject_inputs(latent.subject)
        tensors = [tensor_of(given[name]) for name in DEFAULT.inputs]
        assert mean_levels(module(*tensors)[0].numpy(), wanted) < 1


def test_files_of_another_size_and_such_as_are_damaged_are_refused(tuned, own, tmp_path):
    latent = latent_of(1)
    before = tuned.draw(with_own(latent, own[0]))
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(own[0].path.read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be read"):
        tuned.load(Weights(torn, "torn", PX))
    with pytest.raises(InputError, match="tuned for 512 px, and the others for 256"):
        tuned.load(replace(own[1], size=512))
    assert np.array_equal(tuned.draw(with_own(latent, own[0])), before)


def test_an_engine_says_whether_it_can(own):
    engine = TorchEngine(DISTILLED, PX, "cpu")
    assert isinstance(engine, OpensTuned)
    assert not isinstance(OpenVinoEngine, OpensTuned)
    assert engine.open_tuned(PX).identity not in (engine.identity, engine.open_tuned(512).identity)


def test_what_a_compiler_gets_takes_the_weights_too(own, tmp_path):
    """And all that is made of weights beforehand lies in the same places, to be swapped."""
    large = tuned_weights(tmp_path, 1, size=1024)
    before = module_on(card_spec(1024), 1024, "cpu", for_compiler=True)
    after = module_on(card_spec(1024, large), 1024, "cpu", for_compiler=True)
    places, values = dict(before.named_parameters()), dict(after.named_parameters())
    assert [(name, one.shape, one.stride(), one.dtype) for name, one in places.items()] == [
        (name, one.shape, one.stride(), one.dtype) for name, one in values.items()
    ]
    moved = {name for name, one in values.items() if not one.equal(places[name])}
    for part in ("input", "conv1.pointwise.weight", "blocks.0.taps1", "blocks.6.taps2",
                 "blocks.3.conv2.pointwise.bias", "affines.bias", "head.weight"):  # fmt: skip
        assert f"generator.{part}" in moved
    for one, other in zip(before.buffers(), after.buffers(), strict=True):
        assert one.equal(other)


def tensor_of(values):
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


@card
@pytest.mark.slow
def test_on_a_card_faces_alternate_too(own):
    engine = open_torch_cuda(DEFAULT, PX)
    tuned = engine.open_tuned(PX)
    both = WithTuned(engine, {PX: tuned})
    faces = [latent_of(3, 0.5), *(with_own(latent_of(3, 0.5), weights) for weights in own)]
    wanted = [both.draw(face).copy() for face in faces]
    for face, picture in zip(faces[1:], wanted[1:], strict=True):
        truth = TorchEngine(card_spec(PX, face.subject.weights), PX, "cpu").draw(face)
        assert psnr_db(picture, truth) >= 45
    order = [which % 3 for which in range(40)] + [1, 1, 2, 2] * 5
    before = both.begin(faces[order[0]])
    for which, following in itertools.pairwise(order):
        begun = both.begin(faces[following])
        assert np.array_equal(before.result(), wanted[which])
        before = begun
    both.close()
