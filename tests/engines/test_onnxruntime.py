"""ONNX Runtime, here with its provider for processors: right pictures, and reasons."""

import sys

import numpy as np
import pytest

from tests.engines.cuda.cards import latent_of, psnr_db
from vjnode.engines import onnxruntime
from vjnode.engines.networks import NETWORKS
from vjnode.engines.onnxruntime import (
    CORE_ML,
    DIRECT_ML,
    PROCESSOR,
    OnnxEngine,
    open_onnx_provider,
)
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.errors import EngineError, InputError
from vjnode.generators.latent import still
from vjnode.generators.mobilestylegan.layout import DIM
from vjnode.generators.registry import DEFAULT

SIZE = 256


@pytest.fixture(scope="module")
def engine():
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    return OnnxEngine(DEFAULT, SIZE, PROCESSOR, threads=1)


@pytest.mark.slow
def test_the_pictures_are_those_of_the_processors_engine(engine):
    truth = OpenVinoEngine(DEFAULT, SIZE)
    for seed in (1, 2):
        picture = engine.draw(latent_of(seed))
        assert picture.shape == (SIZE, SIZE, 4)
        assert picture.dtype == np.uint8
        # In bf16 the other one is itself 52 dB from the truth.
        assert psnr_db(picture, truth.draw(latent_of(seed))) >= 45
        assert np.array_equal(engine.draw_unless(lambda: False, latent_of(seed)), picture)


@pytest.mark.slow
def test_a_face_moves_by_its_amounts_and_another_takes_its_place(engine):
    """Face and directions are taken in once a look: nothing of the one before may stay."""
    truth = OpenVinoEngine(DEFAULT, SIZE)
    latents = [latent_of(1, 0.0), latent_of(1, 1.0), latent_of(2, 1.0), latent_of(1, 0.5)]
    drawn = [engine.draw(latent) for latent in latents]
    for latent, picture in zip(latents, drawn, strict=True):
        assert psnr_db(picture, truth.draw(latent)) >= 45
    assert psnr_db(drawn[0], drawn[1]) < 30


@pytest.mark.slow
def test_a_drawing_that_is_given_up_ends_and_the_next_is_whole(engine):
    whole = engine.draw(latent_of(1))
    kept = whole.copy()
    assert engine.draw_unless(lambda: True, latent_of(2)) is None
    assert np.array_equal(engine.draw(latent_of(1)), kept)
    assert np.array_equal(whole, kept)


@pytest.mark.slow
def test_wrong_codes_are_refused(engine):
    with pytest.raises(ValueError, match="18"):
        engine.draw(still(np.zeros((18, DIM), np.float32)))


@pytest.mark.slow
def test_it_can_be_closed_twice():
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    engine = OnnxEngine(DEFAULT, SIZE, PROCESSOR, threads=1)
    engine.close()
    engine.close()


def test_another_size_is_refused():
    with pytest.raises(InputError, match="640"):
        OnnxEngine(DEFAULT, 640, PROCESSOR)


@pytest.mark.parametrize(
    ("system", "provider", "package"),
    [("darwin", CORE_ML, "onnxruntime"), ("win32", DIRECT_ML, "onnxruntime-directml")],
)
def test_on_each_system_the_missing_package_is_named(monkeypatch, system, provider, package):
    monkeypatch.setattr(sys, "platform", system)
    assert onnxruntime.PROVIDERS[system] is provider
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineError, match=f"not usable here.*run: .*pip install .*{package}$"):
        open_onnx_provider(DEFAULT, SIZE)


def test_an_onnx_runtime_without_the_provider_is_told(monkeypatch):
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EngineError, match=rf"{ort.__version__} is here without DirectML; run: "):
        open_onnx_provider(DEFAULT, SIZE)


def test_on_a_system_without_such_a_unit_it_is_said(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(EngineError, match=r"macOS.*Windows"):
        open_onnx_provider(DEFAULT, SIZE)


def test_what_exports_the_graph_is_named_when_it_is_missing(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    weights = NETWORKS["mobilestylegan"].weights()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / weights.name).symlink_to(weights)
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(EngineError, match=r"needs onnxscript; run: .*pip install .*onnxscript$"):
        OnnxEngine(DEFAULT, SIZE, PROCESSOR)
