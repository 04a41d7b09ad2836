"""From torch to ONNX: the same steps for every network. Needs torch and onnx; a show does not.

The precision is in the graph's own types, because TensorRT 11 builds what the graph says and
has no precision switches.
"""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from vjnode.engines.networks import Network, Precision, kept_graph
from vjnode.errors import EngineError
from vjnode.onnx_files import plain_bytes
from vjnode.paths import replace_file, sha256_of
from vjnode.remedies import install

_log = logging.getLogger(__name__)

OPSET = 18


def export(network: Network, size: int, precision: Precision) -> bytes:
    """Return the ONNX graph of ``network``, kept in the cache after the first time.

    size: one of ``network.sizes``.

    Raises:
        EngineError: the packages that this needs are not installed.
        FetchError: the weights are neither in the cache nor to be had.
    """
    weights = network.weights()
    path = kept_graph(network, size, precision, sha256_of(weights))
    if not path.is_file():
        about = f"{network.about}{f', {size} px' if size else ''}, {precision}"
        _log.info("exporting the %s, once", about)
        module = network.module(weights, size, precision)
        try:
            replace_file(path, to_onnx(module, network, size))
        except OSError as error:
            raise EngineError(
                f"{path} cannot be written ({error.strerror}); make room, or set VJNODE_CACHE "
                "to another folder"
            ) from error
    return path.read_bytes()


def to_onnx(module: nn.Module, network: Network, size: int) -> bytes:
    """Return ``module``, made of ``network``, as ONNX with its weights inside.

    Raises:
        EngineError: the packages that this needs are not installed.
    """
    try:
        import onnx  # noqa: F401, PLC0415 - needed for building only
        import onnxscript  # noqa: F401, PLC0415 - torch.onnx needs it
    except ModuleNotFoundError as error:
        raise EngineError(
            f"building engines needs the package {error.name}; run: {install('onnx', 'onnxscript')}"
        ) from error
    inputs = network.inputs()
    examples = tuple(map(torch.zeros, inputs.values()))
    with tempfile.TemporaryDirectory(prefix="vjnode-") as folder, _quietly():
        path = Path(folder, "graph.onnx")
        torch.onnx.export(
            module.eval(),
            examples,
            path,
            input_names=list(inputs),
            output_names=list(network.outputs(size)),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return plain_bytes(path)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep back what the exporter says to its developers."""
    logs = [logging.getLogger(name) for name in ("torch.onnx", "onnx_ir", "onnxscript")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
