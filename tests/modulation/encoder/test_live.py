import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator

from tests.modulation.encoder.encoders import demo_mfcc, shipped_like, untrained
from vjnode.errors import InputError
from vjnode.modulation.encoder.export import load_encoder
from vjnode.modulation.encoder.input import FRAMES, picture
from vjnode.modulation.encoder.layout import histories
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import load_trained
from vjnode.runtime import cores


def offline(trained, mfcc):
    """Return the torch network's output for whole windows, shape (n − 31, 512)."""
    pictures = picture(mfcc, trained.mfcc_low, trained.mfcc_high)
    with torch.inference_mode():
        return load_encoder(trained.weights)(torch.from_numpy(pictures)[None])[0].numpy()


@pytest.mark.parametrize("make", [shipped_like, load_trained], ids=["untrained", "shipped"])
def test_live_and_offline_agree_on_a_song(make):
    trained, mfcc = make(), demo_mfcc()
    live = LiveEncoder(trained)
    found = np.array([live.step(frame) for frame in mfcc])[FRAMES - 1 :]
    wanted = offline(trained, mfcc)
    assert found.shape == wanted.shape
    assert wanted.mean(axis=1).std() > 1e-3
    np.testing.assert_allclose(found, wanted, atol=1e-4, rtol=1e-4)  # values may be far above 1
    np.testing.assert_allclose(found.mean(axis=1), wanted.mean(axis=1), atol=1e-4, rtol=0)
    weights = [[trained.weight(row.mean()) for row in rows] for rows in (found, wanted)]
    np.testing.assert_allclose(*weights, atol=1e-4, rtol=0)


def test_the_graph_runs_in_another_runtime_and_holds_no_batch_normalisation():
    trained, mfcc = shipped_like(), demo_mfcc()[1000:1040]
    graph = onnx.load_from_string(trained.onnx)
    onnx.checker.check_model(graph)
    operators = {node.op_type for node in graph.graph.node}
    assert {"Conv", "Relu"} <= operators
    assert "BatchNormalization" not in operators
    inputs = ["column", *(f"history{i}" for i in range(len(histories())))]
    assert [one.name for one in graph.graph.input] == inputs
    runtime, live = ReferenceEvaluator(graph), LiveEncoder(trained)
    kept = [np.zeros(shape, np.float32) for shape in histories()]
    for frame in mfcc:
        column = picture(frame[None], trained.mfcc_low, trained.mfcc_high)[None]
        values, *kept = runtime.run(None, dict(zip(inputs, [column, *kept], strict=True)))
        np.testing.assert_allclose(values[0], live.step(frame), atol=1e-5)


def test_two_encoders_keep_their_own_past_and_give_the_same_bits():
    mfcc = demo_mfcc()[:120]
    one, other = LiveEncoder(shipped_like()), LiveEncoder(shipped_like())
    first = [one.step(frame) for frame in mfcc]
    second = [other.step(frame) for frame in mfcc]
    np.testing.assert_array_equal(first, second)
    assert len({values.tobytes() for values in first}) == len(mfcc)  # each is a copy of its own


def test_an_encoder_that_has_forgotten_the_past_gives_the_bits_of_a_new_one():
    mfcc = demo_mfcc()[:60]
    one, other = LiveEncoder(shipped_like()), LiveEncoder(shipped_like())
    for frame in mfcc[:40]:
        one.step(frame + 1.0)
    one.reset()
    first, second = ([encoder.step(frame) for frame in mfcc] for encoder in (one, other))
    np.testing.assert_array_equal(first, second)


def test_a_show_listens_without_torch():
    code = (
        "import sys; from vjnode.modulation.listener import Listener; Listener(); "
        "assert 'openvino' in sys.modules; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_weights_come_back_as_the_network_they_were():
    encoder, song = untrained(3), torch.rand(1, 3, 40, 32)
    with torch.inference_mode():
        torch.testing.assert_close(load_encoder(shipped_like(3).weights)(song), encoder(song))


def test_weights_of_another_network_are_refused():
    weights = dict(shipped_like().weights)
    name, value = next(iter(weights.items()))
    lacking = {key: one for key, one in weights.items() if key != name}
    for odd in (lacking, weights | {name: value[:1]}, weights | {"more": value}):
        with pytest.raises(InputError, match=r"does not fit.*tools\.train\.encoder"):
            load_encoder(odd)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="told by Linux's /proc alone")
@pytest.mark.skipif(cores() < 2, reason="this processor has one core alone")
def test_the_scheduler_may_choose_the_core():
    """An encoder that is pinned to one core waits whenever a drawing or another show is there."""
    encoder = LiveEncoder(load_trained())
    frame = np.zeros(13, np.float32)
    over = threading.Event()

    def step():
        while not over.is_set():
            encoder.step(frame)

    stepping = threading.Thread(target=step)
    stepping.start()
    try:
        status = Path(f"/proc/self/task/{stepping.native_id}/status")
        allowed = {_cores_allowed(status.read_text()) for _ in range(1000)}
    finally:
        over.set()
        stepping.join()
    assert allowed == {_cores_allowed(Path("/proc/self/status").read_text())}


def _cores_allowed(status):
    return re.search(r"Cpus_allowed_list:\s*(\S+)", status).group(1)
