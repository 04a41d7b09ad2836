"""Export of the trained encoder as a torch network, and as an ONNX graph. Needs torch.

Batch normalisation is folded into the convolutions. The graph takes one MFCC frame and the
columns that each block keeps, and returns the values and the columns for the next frame. A show
does not import this module, and does without torch.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vjnode.errors import InputError
from vjnode.modulation.encoder.layout import histories
from vjnode.modulation.encoder.network import Encoder, Streaming
from vjnode.onnx_files import plain_bytes


class InHalf(nn.Module):
    """A network that computes in fp16, with inputs and outputs in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network.half()

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the network's outputs as float32; ``inputs`` are float32 too."""
        return tuple(out.float() for out in self.network(*(tensor.half() for tensor in inputs)))


class Lasting(nn.Module):
    """The streaming encoder without the histories of 0 columns, for the runtimes of cards.

    A compiler drops an input that is empty, and there is no memory to give to one.
    """

    def __init__(self, streaming: Streaming) -> None:
        super().__init__()
        self.streaming = streaming

    def forward(self, column: Tensor, *history: Tensor) -> tuple[Tensor, ...]:
        """Return the same as ``Streaming``; ``history`` and the new one lack what is empty."""
        lasting = iter(history)
        full = [next(lasting) if all(one) else column.new_zeros(one) for one in histories()]
        values, *kept = self.streaming(column, *full)
        return values, *(one for one in kept if all(one.shape))


def load_encoder(weights: Mapping[str, NDArray[np.float32]]) -> Encoder:
    """Return the network with trained weights (see ``Trained.weights``), ready to evaluate.

    Raises:
        InputError: the weights do not fit it.
    """
    encoder = Encoder().eval()
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    try:
        # num_batches_tracked counts training steps and is not kept.
        odd = encoder.load_state_dict(state, strict=False)
        unfit = odd.unexpected_keys + [k for k in odd.missing_keys if "num_batches" not in k]
    except RuntimeError as error:
        unfit = [str(error).splitlines()[-1].strip()]  # one of the tensors that do not fit
    if unfit:
        raise InputError(
            f"the trained sound encoder does not fit this version's network ({unfit[0]}); "
            "make a new one with python -m tools.train.encoder"
        )
    return encoder


def export_onnx(encoder: Encoder) -> bytes:
    """Return the streaming graph of ``encoder`` as ONNX, float32, opset 18, weights inside.

    Inputs: ``column``, shape (1, 3, 1, 32), 0…1, and ``history0``…, of the shapes that
    ``histories()`` returns, all 0 at the start. Outputs: ``values``, shape (1, 512), and
    ``kept0``…, the histories for the next frame.
    """
    streaming = Streaming(folded(encoder)).eval()
    before = tuple(map(torch.zeros, histories()))
    with tempfile.TemporaryDirectory(prefix="vjnode-") as folder:
        path = Path(folder, "encoder.onnx")
        torch.onnx.export(
            streaming,
            (torch.zeros(1, 3, 1, 32), *before),
            path,
            input_names=["column", *(f"history{i}" for i in range(len(before)))],
            output_names=["values", *(f"kept{i}" for i in range(len(before)))],
            opset_version=18,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        return plain_bytes(path)


def folded(encoder: Encoder) -> Encoder:
    """Return ``encoder`` with its batch normalisations folded into its convolutions."""
    plain = Encoder().eval()
    for trained, target in (
        (encoder.describing, plain.describing),
        (encoder.intensity, plain.intensity),
    ):
        for i, block in enumerate(trained):
            convolution, normalisation, _ = block.children()
            assert isinstance(convolution, nn.Conv2d)  # noqa: S101 - tells the type checker
            assert isinstance(normalisation, nn.BatchNorm2d)  # noqa: S101
            target[i] = nn.Sequential(fuse_conv_bn_eval(convolution, normalisation), nn.ReLU())
    return plain
