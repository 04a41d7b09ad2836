"""The encoder as OpenVINO runs it: exported once from the torch definition, then cached."""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from vjnode.drive.trained import Trained
from vjnode.drive.window import CHANNELS, FRAMES
from vjnode.errors import InputError, VjnodeError
from vjnode.runtime import load_openvino
from vjnode.storage import cache_dir, replace_file

Encode = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Maps one picture, shape (3, 32, 32), 0…1, to its 512 values; a fresh array."""

_log = logging.getLogger(__name__)

_FORMAT = 1
"""Raised when the network's definition changes, so that old cached graphs are not taken."""

_SETTINGS = {
    # f32 on every processor and one thread: the same bits every time, and the other
    # cores stay with the pictures.
    "INFERENCE_PRECISION_HINT": "f32",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "PERFORMANCE_HINT": "LATENCY",
}


def compile_encoder(trained: Trained) -> Encode:
    """Make the encoder ready to run. The first time it needs torch and takes some seconds.

    Where the cache cannot be written, the graph is exported anew at each start.
    """
    openvino = load_openvino()
    core = openvino.Core()
    stored = _stored_graph(trained)
    model = core.read_model(stored["xml"].tobytes(), stored["bin"].tobytes())
    request = core.compile_model(model, "CPU", _SETTINGS).create_infer_request()

    def encode(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        request.infer([picture[None]])
        values: NDArray[np.float32] = request.get_output_tensor(0).data[0]
        return values.copy()

    return encode


def _stored_graph(trained: Trained) -> dict[str, NDArray[np.uint8]]:
    """Return the two parts of the graph as bytes, from the cache if it is there.

    One file holds both, so that they cannot be of different age.
    """
    path = _cache_path(trained)
    if path is not None:
        try:
            return load(path.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, SafetensorError) as error:
            _log.warning("cached encoder graph %s is unusable (%s); exporting it anew", path, error)
    graph = _export(trained)
    if path is not None:
        try:
            replace_file(path, save(graph))
        except OSError as error:
            _log.warning("the encoder graph cannot be kept in %s (%s)", path.parent, error)
    return graph


def _cache_path(trained: Trained) -> Path | None:
    version = load_openvino().__version__.split("-")[0]
    try:
        folder = cache_dir("models")
    except VjnodeError as error:
        _log.warning("the encoder graph cannot be kept: %s", error)
        return None
    return folder / f"encoder-{trained.identity[:16]}-{_FORMAT}-ov{version}.safetensors"


def _export(trained: Trained) -> dict[str, NDArray[np.uint8]]:
    """Convert the torch network; OpenVINO folds the batch normalisations as it compiles."""
    import torch  # noqa: PLC0415 - only ever needed here, once

    from vjnode.drive.encoder import Encoder  # noqa: PLC0415

    encoder = Encoder().eval()
    state = {name: torch.from_numpy(value) for name, value in trained.weights.items()}
    try:
        # num_batches_tracked counts training steps and is not kept.
        odd = encoder.load_state_dict(state, strict=False)
        unfit = odd.unexpected_keys + [k for k in odd.missing_keys if "num_batches" not in k]
    except RuntimeError as error:
        unfit = [str(error)]
    if unfit:
        raise InputError(
            f"the trained sound encoder does not fit this version's network ({unfit[0]}); "
            "make a new one with tools/train_encoder.py"
        )
    shape = (1, CHANNELS, FRAMES, FRAMES)
    openvino = load_openvino()
    model = openvino.convert_model(encoder, example_input=torch.zeros(shape), input=[shape])
    with tempfile.TemporaryDirectory(prefix="vjnode-") as folder:
        path = Path(folder, "encoder.xml")
        openvino.save_model(model, path, compress_to_fp16=False)
        parts = {"xml": path, "bin": path.with_suffix(".bin")}
        return {k: np.frombuffer(v.read_bytes(), np.uint8) for k, v in parts.items()}
