"""From a torch network to an OpenVINO graph, on this machine and nobody else's business."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino
    import torch


def openvino_graph(
    network: "torch.nn.Module",
    example: "tuple[torch.Tensor, ...]",
    shapes: Sequence[Sequence[int]],
) -> "openvino.Model":
    """Trace ``network`` with ``example`` and convert it, with fixed input shapes.

    What ``openvino.convert_model`` does, but that one reports each use to its maker's
    analytics server without asking; here only the front end inside it is called.
    """
    from openvino.frontend import FrontEndManager  # noqa: PLC0415 - heavy, needed once
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

    front_end = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(network.eval(), example_input=example)
    model = front_end.convert(front_end.load(decoder))
    model.reshape({model.input(i): list(shape) for i, shape in enumerate(shapes)})
    return model
