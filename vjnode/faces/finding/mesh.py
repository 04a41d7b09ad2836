"""The face mesh in torch, so that gradients flow from landmarks to the picture.

The network is the one of ``vjnode.faces.landmarks``; its graph, as OpenVINO reads it, is run
operation by operation.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.sampling import sampled
from vjnode.faces.landmarks import FIRST_CENTRE, FIRST_WIDTH, INPUT_PX, MARGIN
from vjnode.generators.mobilestylegan.download import landmark_model
from vjnode.runtime import load_openvino

if TYPE_CHECKING:
    import openvino

Box = tuple[float, float, float]
"""Middle and width of a square, in picture widths."""

_Step = tuple[str, str, list[str], dict[str, Any]]


class FaceMesh:
    """The face mesh network; its weights get no gradient."""

    def __init__(self) -> None:
        model = load_openvino().Core().read_model(landmark_model())
        self._constants: dict[str, Tensor] = {}
        self._steps: list[_Step] = []
        self._input = ""
        for node in model.get_ordered_ops():
            self._add(node)
        self._outputs = [
            node.input(0).get_source_output().get_node().get_friendly_name()
            for node in model.get_results()
        ]

    def box(self, picture: Tensor) -> Box:
        """Return where the face is in a picture, [1, 3, H, W], 0…1."""
        with torch.no_grad():
            points = self._look(picture, (*FIRST_CENTRE, FIRST_WIDTH))
        low, high = points[:, :2].amin(0), points[:, :2].amax(0)
        x, y = (0.5 * (low + high)).tolist()
        return x, y, MARGIN * float((high - low).max())

    def points(self, picture: Tensor, box: Box | None = None) -> Tensor:
        """Return the landmarks of a picture, [1, 3, H, W], 0…1: (468, 3), in picture widths."""
        return self._look(picture, self.box(picture) if box is None else box)

    def _look(self, picture: Tensor, box: Box) -> Tensor:
        x, y, width = box
        px = picture.shape[3]
        step, corner = width * px / INPUT_PX, np.array((x - width / 2, y - width / 2), np.float32)
        right, down = corner * np.float32(px)
        matrix = torch.as_tensor(np.array(((step, 0, right), (0, step, down)), np.float32))
        found = self._run(sampled(picture, matrix, INPUT_PX).permute(0, 2, 3, 1))
        mesh = max(found, key=torch.numel).reshape(468, 3) / INPUT_PX * width
        return mesh + torch.as_tensor(np.append(corner, np.float32(0)))

    def _run(self, picture: Tensor) -> list[Tensor]:
        values = {**self._constants, self._input: picture}
        for kind, name, inputs, attributes in self._steps:
            values[name] = _computed(kind, attributes, [values[one] for one in inputs])
        return [values[name] for name in self._outputs]

    def _add(self, node: "openvino.Node") -> None:
        kind, name = node.get_type_name(), node.get_friendly_name()
        if kind == "Constant":
            data = np.array(node.data)
            real = data.dtype in (np.float16, np.float32)
            # Shapes and axes stay on the processor, which reads them.
            self._constants[name] = (
                torch.as_tensor(data.astype("f4")) if real else torch.from_numpy(data.astype("i8"))
            )
        elif kind == "Parameter":
            self._input = name
        elif kind != "Result":
            inputs = [
                node.input(i).get_source_output().get_node().get_friendly_name()
                for i in range(node.get_input_size())
            ]
            if all(one in self._constants for one in inputs):
                values = [self._constants[one] for one in inputs]
                self._constants[name] = _computed(kind, node.get_attributes(), values)
            else:
                self._steps.append((kind, name, inputs, node.get_attributes()))


def _computed(kind: str, attributes: dict[str, Any], given: Sequence[Tensor]) -> Tensor:
    """Return the result of one of OpenVINO's operations.

    Raises:
        ValueError: the mesh has none of this kind.
    """
    if kind not in _OPERATIONS:
        raise ValueError(f"the face mesh has an operation that is not known: {kind}")
    return _OPERATIONS[kind](attributes, *given)


def _unsqueeze(attributes: dict[str, Any], x: Tensor, axes: Tensor) -> Tensor:
    del attributes
    for axis in sorted(axes.flatten().tolist()):
        x = x.unsqueeze(axis)
    return x


def _reshape(attributes: dict[str, Any], x: Tensor, shape: Tensor) -> Tensor:
    del attributes
    return x.reshape([length or x.shape[i] for i, length in enumerate(shape.tolist())])


def _prelu(attributes: dict[str, Any], x: Tensor, slope: Tensor) -> Tensor:
    del attributes
    return torch.where(x > 0, x, x * (slope if slope.ndim == x.ndim else slope[:, None, None]))


def _pad(attributes: dict[str, Any], x: Tensor, begin: Tensor, end: Tensor, *_: Tensor) -> Tensor:
    del attributes
    pairs = reversed(list(zip(begin.tolist(), end.tolist(), strict=True)))
    return F.pad(x, [side for pair in pairs for side in pair])


def _convolve(attributes: dict[str, Any], x: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(_padded(x, kernel.shape, attributes), kernel, stride=attributes["strides"])


def _convolve_groups(attributes: dict[str, Any], x: Tensor, kernels: Tensor) -> Tensor:
    kernel = kernels.flatten(0, 1)
    x = _padded(x, kernel.shape, attributes)
    return F.conv2d(x, kernel, stride=attributes["strides"], groups=len(kernels))


def _max_pool(attributes: dict[str, Any], x: Tensor) -> Tensor:
    size = attributes["kernel"]
    x = _padded(x, size, attributes, fill=_LOWEST)
    return F.max_pool2d(x, size, attributes["strides"])


_LOWEST = -1e30

_OPERATIONS: dict[str, Callable[..., Tensor]] = {
    "Convert": lambda _, x: x,
    "Add": lambda _, x, y: x + y,
    "Transpose": lambda _, x, order: x.permute(*order.tolist()),
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "PRelu": _prelu,
    "Pad": _pad,
    "Convolution": _convolve,
    "GroupConvolution": _convolve_groups,
    "MaxPool": _max_pool,
}


def _padded(
    x: Tensor, kernel: Sequence[int], attributes: dict[str, Any], *, fill: float = 0.0
) -> Tensor:
    """Return x with the padding that an operation of OpenVINO's would give it."""
    sides = list[int]()
    for axis in (1, 0):  # torch begins with the last one
        low, high = attributes["pads_begin"][axis], attributes["pads_end"][axis]
        if (how := attributes["auto_pad"].lower()).startswith("same"):
            length, stride = x.shape[2 + axis], attributes["strides"][axis]
            total = max((-(-length // stride) - 1) * stride + kernel[axis - 2] - length, 0)
            low, high = total // 2, total - total // 2
            if how == "same_lower":
                low, high = high, low
        sides += [low, high]
    return F.pad(x, sides, value=fill)
