"""The sound encoder on a card that is not there: how the card is used, and that it hears the same.

The engine's work is done by OpenVINO (see ``fake_card.Encoding``), so what is tested is everything
around it: what stays on the card between two frames, above all.
"""

from pathlib import Path

import numpy as np
import pytest

from tests.engines.cuda.cards import card
from tests.engines.cuda.fake_card import Encoding, FakeDriver, fake_tensorrt
from tests.modulation.encoder.encoders import demo_mfcc
from vjnode.engines.build.tensorrt import build
from vjnode.engines.build.tensorrt_variants import FULL, RTX, flavour_for
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.cuda.driver import Cuda
from vjnode.engines.cuda.tensorrt_encoder import TensorRtEncoder, open_tensorrt_encoder
from vjnode.engines.cuda.tensorrt_runtime import Built
from vjnode.engines.encoder import TOLERANCE
from vjnode.engines.networks import NETWORKS
from vjnode.errors import EngineError
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import load_trained

TRAINED = load_trained()
FRAMES = slice(800, 860)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    return FakeDriver()


def opened(driver, flavour=FULL, spoil=None, **trt):
    shapes = NETWORKS["encoder"].shapes(0)
    built = Built(Path("encoder-fp16-sm89.trt"), b"an engine", 0, "fp16", shapes, "encoder")
    module = fake_tensorrt(driver, runs=Encoding(TRAINED, spoil), **trt)
    driver.contexts = module.contexts
    return TensorRtEncoder(TRAINED, flavour, module, built, Cuda(driver)), module


def heard(encoder, frames=FRAMES):
    return np.array([encoder.step(mfcc) for mfcc in demo_mfcc()[frames]])


def test_it_hears_what_openvino_hears(driver):
    encoder, _ = opened(driver)
    found, wanted = heard(encoder), heard(LiveEncoder(TRAINED))
    assert (found.shape, found.dtype) == ((60, 512), np.float32)
    assert np.ptp(wanted.mean(axis=1)) > 0.5
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    assert encoder.name == "tensorrt fp16 on Test Card"


def test_the_past_stays_on_the_card_until_it_is_to_be_forgotten(driver):
    encoder, _ = opened(driver)
    first = heard(encoder)
    assert np.abs(heard(encoder)[0] - first[0]).max() > 0.1  # the same sound after another past
    heard(encoder, slice(800, 801))  # an odd number of steps
    encoder.reset()
    np.testing.assert_array_equal(heard(encoder), first)


def test_a_step_is_one_launch_and_one_wait_that_sleeps(driver):
    encoder, _ = opened(driver)
    memory = len(driver.memory), len(driver.pinned)
    for mfcc in demo_mfcc()[FRAMES][:3]:
        driver.calls.clear()
        encoder.step(mfcc)
        assert driver.calls == [
            "cuCtxSetCurrent",
            "cuGraphLaunch",
            "cuEventRecord",
            "cuEventSynchronize",
        ]
    assert (len(driver.memory), len(driver.pinned)) == memory
    assert len(driver.launchable) == 2  # in turn


def test_values_stay_when_others_are_encoded(driver):
    encoder, _ = opened(driver)
    first = encoder.step(demo_mfcc()[800])
    before = first.copy()
    encoder.step(demo_mfcc()[900])
    np.testing.assert_array_equal(first, before)


def test_closing_frees_everything(driver):
    encoder, _ = opened(driver)
    assert driver.held
    encoder.close()
    encoder.close()
    assert (driver.held, driver.pinned, len(driver.contexts)) == (0, {}, 0)


@pytest.mark.parametrize("what", [{"works": False}, {"draws": False}])
def test_an_engine_that_tensorrt_refuses_is_told_and_leaves_nothing(driver, what):
    told = r"cannot run encoder-fp16-sm89.*vjnode engines build --model encoder$"
    with pytest.raises(EngineError, match=told):
        opened(driver, **what)
    assert (driver.held, driver.pinned) == (0, {})


@pytest.mark.parametrize("call", ["TensorRt.Runtime", "ExecutionContext.set_tensor_address"])
def test_whatever_tensorrt_raises_nothing_is_left(driver, call):
    with pytest.raises(RuntimeError, match=f"{call} has failed"):
        opened(driver, RTX, raises=call)
    assert (driver.held, driver.pinned, len(driver.contexts)) == (0, {}, 0)


def test_an_engine_that_no_graph_can_hold_runs_without_and_says_so(driver, caplog):
    encoder, _ = opened(driver, captures=False)
    assert "encoding without a CUDA graph" in caplog.text
    np.testing.assert_allclose(heard(encoder), heard(LiveEncoder(TRAINED)), atol=1e-4)


def test_kernels_made_on_the_card_are_kept_for_the_next_start(driver):
    opened(driver, RTX)
    _, second = opened(driver, RTX)
    assert "kernels: made on the card" in second.log


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_a_fault(driver, value):
    encoder, _ = opened(driver, spoil=lambda outputs: outputs["values"].fill(value))
    with pytest.raises(EngineError, match="not finite"):
        encoder.step(demo_mfcc()[800])


def test_a_card_that_fails_is_told(driver):
    encoder, _ = opened(driver)
    driver.failing["cuGraphLaunch"] = 700
    with pytest.raises(EngineError, match="illegal address"):
        encoder.step(demo_mfcc()[800])


@card
@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_on_a_card_it_hears_what_openvino_hears(tmp_path, precision):
    flavour = flavour_for(gpu_here())
    if not flavour.installed:
        pytest.skip(f"{flavour.package} is not installed")
    build(NETWORKS["encoder"], 0, precision, gpu_here(), tmp_path, flavour=flavour)
    encoder = open_tensorrt_encoder(TRAINED, flavour, tmp_path)
    whole = slice(600, 1400)
    found, wanted = (heard(one, whole).mean(axis=1) for one in (encoder, LiveEncoder(TRAINED)))
    np.testing.assert_allclose(found, wanted, atol=TOLERANCE[precision], rtol=0)
    encoder.reset()
    np.testing.assert_array_equal(heard(encoder, whole).mean(axis=1), found)
    encoder.close()
