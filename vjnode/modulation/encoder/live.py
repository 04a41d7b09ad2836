"""The encoder in a live show: its streaming graph on OpenVINO, which keeps the history."""

import numpy as np
from numpy.typing import NDArray

from vjnode.modulation.encoder.input import FRAMES, PLANES, picture
from vjnode.modulation.encoder.weights import Trained
from vjnode.runtime import load_openvino

_SETTINGS = {
    # f32 on every processor and one thread give the same bits every time, and leave the other
    # cores to the pictures.
    "INFERENCE_PRECISION_HINT": "f32",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # Each process would pin its only thread to the same core, with others' drawing or analysis.
    "ENABLE_CPU_PINNING": False,
    "PERFORMANCE_HINT": "LATENCY",
}


class LiveEncoder:
    """Encodes a stream of MFCC frames; needs no torch."""

    name = "openvino f32"

    def __init__(self, trained: Trained) -> None:
        openvino = load_openvino()
        from openvino import passes  # noqa: PLC0415 - only after its telemetry is off

        core = openvino.Core()
        model = core.read_model(trained.onnx, b"")
        names = [port.get_any_name() for port in model.inputs[1:]]
        manager = passes.Manager()
        manager.register_pass(
            passes.MakeStateful({name: name.replace("history", "kept") for name in names})
        )
        manager.run_passes(model)
        self._trained = trained
        self._request = core.compile_model(model, "CPU", _SETTINGS).create_infer_request()
        # Bound once: passing an array at each step takes as long as a block of the network.
        self._column = np.zeros((1, PLANES, 1, FRAMES), np.float32)
        self._request.set_input_tensor(openvino.Tensor(self._column, shared_memory=True))
        self._values: NDArray[np.float32] = self._request.get_output_tensor(0).data[0]

    def step(self, mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the 512 values after the next frame, shape (13,), not normalised."""
        self._column[0] = picture(mfcc[None], self._trained.mfcc_low, self._trained.mfcc_high)
        self._request.infer()
        return self._values.copy()

    def reset(self) -> None:
        """Forget the past, as if it had just been opened."""
        self._request.reset_state()
