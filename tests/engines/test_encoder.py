"""The engine that hears: a card's where it hears what OpenVINO hears, and OpenVINO after any fault.

The card and its TensorRT are not there; the encoder that they run is the real one.
"""

import logging
import os
import re
import subprocess
import sys
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import numpy as np
import pytest

from tests.audio.sounds import blocks, pink_noise
from tests.engines.cuda.fake_card import Encoding, FakeDriver, fake_tensorrt
from tests.modulation.encoder.encoders import demo_mfcc
from vjnode.engines import encoder as module
from vjnode.engines.build.manifest import Manifest
from vjnode.engines.build.store import engine_path, store, this_machine, wanted
from vjnode.engines.build.tensorrt_variants import RTX
from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.encoder import LATE_S, SLOW_S, TOLERANCE, open_encoder, survey_encoder
from vjnode.engines.networks import NETWORKS
from vjnode.errors import InputError
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import load_trained
from vjnode.modulation.listener import Listener
from vjnode.paths import cache_dir

TRAINED = load_trained()
CARDS = (
    "vjnode.engines.encoder",
    "vjnode.engines.build.store",
    "vjnode.engines.build.tensorrt_variants",
    "vjnode.engines.cuda.tensorrt_runtime",
)
"""Modules that ask which card is here."""


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A cache and a folder of engines of one's own."""
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VJNODE_ENGINES", str(tmp_path / "engines"))
    monkeypatch.delenv("VJNODE_ENGINE", raising=False)


class Card:
    """An RTX card with TensorRT for RTX. spoil: changes what an engine puts out."""

    def __init__(self, monkeypatch, folder):
        self.driver, self.folder, self.spoil = FakeDriver(), folder, lambda outputs: None
        trt = fake_tensorrt(self.driver, runs=Encoding(TRAINED, self._put_out))
        trt.__spec__ = ModuleSpec(RTX.module, None)
        monkeypatch.setitem(sys.modules, RTX.module, trt)
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        monkeypatch.setattr("vjnode.engines.cuda.driver.load_driver", lambda: self.driver)
        for name in CARDS:
            monkeypatch.setattr(f"{name}.gpu_here", lambda: "sm89")

    def _put_out(self, outputs):
        self.spoil(outputs)

    def build(self, precision="fp16"):
        """Put an engine into the folder, as a build does; return its path."""
        network, machine = NETWORKS["encoder"], this_machine(RTX)
        path = engine_path(self.folder, network, 0, precision, machine)
        fields = {"onnx_sha256": "0" * 64} | wanted(network, 0, precision, machine)
        store(path, b"an engine", Manifest(**fields, engine_bytes=0, engine_sha256=""))
        return path


@pytest.fixture
def card(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "LATE_S", 1e6)  # however busy this machine is
    return Card(monkeypatch, tmp_path / "engines")


@pytest.fixture
def said(caplog):
    """Everything that is logged, as level and text."""
    caplog.set_level(logging.INFO)
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def heard(encoder, frames=slice(800, 860)):
    return np.array([encoder.step(mfcc) for mfcc in demo_mfcc()[frames]])


def is_openvino(choice):
    return isinstance(choice.encoder, LiveEncoder) and choice.taken.name == "openvino"


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_a_built_engine_hears_on_the_card(card, said, precision):
    card.build(precision)
    choice = open_encoder()
    name = f"tensorrt_rtx {precision} on Test Card"
    assert choice.report() == {"runtime": "tensorrt_rtx", "encoder": name, "skipped": {}}
    assert choice.encoder.name == name
    assert said() == [("INFO", f"hearing with {name}")]
    np.testing.assert_allclose(heard(choice.encoder), heard(LiveEncoder(TRAINED)), atol=1e-4)
    choice.close()
    assert not card.driver.held


def test_a_listener_with_it_gives_the_drives_of_openvino(card):
    card.build()
    choice = open_encoder()
    sound = blocks(pink_noise(1.0, dbfs=-20.0))
    one, other = Listener(choice.trained, choice.encoder, onsets=3), Listener(onsets=3)
    for block in sound:
        found, wanted_ = one.hear(block), other.hear(block)
        assert found.weight == pytest.approx(wanted_.weight, abs=1e-4)
        assert found.onsets == wanted_.onsets
        assert (found.low, found.weight_s) == (wanted_.low, wanted_.weight_s)
    assert found.weight > 0.2
    assert choice.encoder.name.startswith("tensorrt_rtx")


@pytest.mark.skipif(gpu_here() is not None, reason="there is a CUDA card here")
def test_where_no_card_is_openvino_hears_and_nobody_is_warned(said):
    choice = open_encoder()
    assert is_openvino(choice)
    ((level, text),) = said()
    assert level == "INFO"
    assert text.startswith("hearing with openvino f32 (not tensorrt_rtx, tensorrt: ")
    assert "no CUDA card" in text
    np.testing.assert_array_equal(heard(choice.encoder), heard(LiveEncoder(TRAINED)))


def add(value):
    return lambda outputs: outputs["values"].__iadd__(value)


def forget(outputs):
    for name in outputs.keys() - {"values"}:
        outputs[name][...] = 0.0


FAULTS = {
    "wrong": (add(2.0 * TOLERANCE["fp16"]), "hears .* where openvino f32 hears"),
    "not a number": (add(np.nan), "not finite"),
    "without a past": (forget, "hears .* where openvino f32 hears"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_engine_that_hears_something_else_is_not_taken(card, said, fault):
    card.build()
    card.spoil, why = FAULTS[fault]
    choice = open_encoder()
    assert is_openvino(choice)
    ((level, text),) = said()
    assert level == "WARNING"
    assert choice.verdicts[0].reason in text
    assert text.startswith("hearing with openvino f32 (not tensorrt_rtx: ")
    assert re.search(why, text)
    assert not card.driver.held
    np.testing.assert_array_equal(heard(choice.encoder), heard(LiveEncoder(TRAINED)))


def test_a_difference_that_nobody_sees_is_none(card):
    card.build()
    card.spoil = add(0.5 * TOLERANCE["fp16"])
    assert not is_openvino(open_encoder())


def test_where_nothing_is_built_openvino_hears_and_the_log_says_how_to_build(card, said):
    assert is_openvino(open_encoder())
    ((level, text),) = said()
    assert level == "WARNING"
    assert "no engine of the sound encoder for sm89 (RTX 40, L4, L40)" in text
    assert "vjnode engines build --model encoder --flavour tensorrt_rtx" in text


def test_a_damaged_engine_is_never_given_to_tensorrt(card, said):
    path = card.build()
    path.write_bytes(b"an engina")
    assert is_openvino(open_encoder())
    assert "damaged" in said()[0][1]
    assert sys.modules[RTX.module].log == []


@pytest.mark.parametrize("failing", [{"cuMemAlloc_v2": 2}, {"cuGraphLaunch": 700}, {"cuInit": 100}])
def test_a_card_that_fails_at_the_start_is_passed_over(card, said, failing):
    card.build()
    card.driver.failing |= failing
    assert is_openvino(open_encoder())
    assert f"{next(iter(failing))} says" in said()[0][1]
    assert not card.driver.held


@pytest.mark.parametrize("steps", [5, 45])
def test_a_card_that_fails_in_mid_show_is_replaced_within_the_step(card, said, steps):
    card.build()
    choice = open_encoder()
    encoder, told = choice.encoder, []
    choice.tell_changes(lambda: told.append(choice.report()))
    before = heard(encoder, slice(800, 800 + steps))
    assert choice.report()["runtime"] == "tensorrt_rtx"
    card.driver.failing["cuGraphLaunch"] = 700
    after = heard(encoder, slice(800 + steps, 880))
    wanted_ = heard(LiveEncoder(TRAINED), slice(800, 880))
    np.testing.assert_allclose(before, wanted_[:steps], atol=1e-4)
    np.testing.assert_array_equal(after, wanted_[steps:])  # as if OpenVINO had heard it all
    assert encoder.name == "openvino f32"
    (_, (level, text)) = said()  # once
    assert level == "WARNING"
    assert text.endswith("; hearing goes on with openvino f32")
    (report,) = told
    assert (report["runtime"], report["encoder"]) == ("openvino", "openvino f32")
    assert "illegal address" in report["skipped"]["tensorrt_rtx"]
    assert "illegal address" in text
    assert not card.driver.held


def test_values_that_are_not_finite_in_mid_show_drive_no_face(card):
    card.build()
    encoder = open_encoder().encoder
    heard(encoder)
    card.spoil = add(np.nan)
    assert np.isfinite(heard(encoder)).all()
    assert encoder.name == "openvino f32"


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [((0.9,), 1), ((0.1,), 3), ((1.5 * SLOW_S,), 69), ((0.0, 1.5 * SLOW_S), None)],
)
def test_a_card_that_has_no_time_to_hear_is_given_up(card, said, monkeypatch, pattern, steps):
    """Lateness is what counts: one slow step in two is only a busy moment."""
    card.build()
    encoder = open_encoder().encoder
    now_s, calls = 0.0, 0

    def perf_counter():
        nonlocal now_s, calls
        calls += 1
        now_s += pattern[calls // 2 % len(pattern)] if calls % 2 == 0 else 0.0
        return now_s

    monkeypatch.setattr(module, "LATE_S", LATE_S)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=perf_counter))
    frame = demo_mfcc()[800]
    for step in range(1, 200):
        encoder.step(frame)
        assert (encoder.name == "openvino f32") == (steps is not None and step >= steps), step
    assert ("take more than 5.8 ms" in said()[-1][1]) is (steps is not None)


def test_the_user_can_name_the_only_engine_to_consider(card, said, monkeypatch):
    card.build()
    for name in ("openvino", "torch"):
        monkeypatch.setenv("VJNODE_ENGINE", name)
        assert is_openvino(open_encoder())
    assert said() == 2 * [("INFO", "hearing with openvino f32")]
    monkeypatch.setenv("VJNODE_ENGINE", "tensorrt_rtx")
    assert open_encoder().taken.name == "tensorrt_rtx"
    monkeypatch.setenv("VJNODE_ENGINE", "tensorrt")
    choice = open_encoder()
    assert is_openvino(choice)
    assert list(choice.report()["skipped"]) == ["tensorrt"]
    monkeypatch.setenv("VJNODE_ENGINE", "third")
    with pytest.raises(InputError, match="'third'"):
        open_encoder()


def test_a_process_that_is_started_again_leaves_the_card_alone(card, said):
    card.build()
    assert is_openvino(open_encoder(on_card=False))
    ((level, text),) = said()
    assert level == "WARNING"
    assert text.startswith(
        "hearing with openvino f32 (not tensorrt_rtx, tensorrt: the audio process"
    )
    assert card.driver.calls == []


def test_other_weights_are_not_those_of_the_engine(card):
    card.build()
    assert is_openvino(open_encoder(TRAINED))


def test_an_engine_that_took_a_process_down_is_left_out_until_it_is_listed(card):
    card.build()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (cache_dir("engines") / "opening-encoder-tensorrt_rtx").write_text(str(gone.pid))
    choice = open_encoder()
    assert is_openvino(choice)
    assert "took the process down" in choice.verdicts[0].reason
    assert survey_encoder().taken.name == "tensorrt_rtx"
    assert not card.driver.held
    assert open_encoder().taken.name == "tensorrt_rtx"


@pytest.mark.skipif(gpu_here() is not None, reason="there is a CUDA card here")
def test_without_a_card_nothing_of_cuda_is_imported_and_never_torch():
    script = (
        "import sys\n"
        "from vjnode.engines.encoder import open_encoder\n"
        "open_encoder()\n"
        "heavy = ('torch', 'tensorrt', 'tensorrt_rtx', 'vjnode.engines.cuda.tensorrt_runtime')\n"
        "sys.exit(str([one for one in heavy if one in sys.modules]) if any(\n"
        "    one in sys.modules for one in heavy) else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
