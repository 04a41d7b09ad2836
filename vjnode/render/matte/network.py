"""Network that tells people from background: MediaPipe's selfie segmentation, on OpenVINO."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.generators.mobilestylegan.download import matte_model
from vjnode.runtime import load_openvino

INPUT_PX = 256

_CUSTOM = "Convolution2DTransposeBias"
"""The only operation of the network that is MediaPipe's own: a transposed convolution with step 2,
and a bias."""


class Segmenter:
    """The network, ready to look at pictures.

    threads: number of processor threads; None: as many as there are cores.
    """

    def __init__(self, threads: int | None = None) -> None:
        """Load the network; it is fetched on first use.

        Raises:
            FetchError: it is not there and cannot be fetched.
        """
        core = load_openvino().Core()
        options: dict[str, object] = {"INFERENCE_PRECISION_HINT": "f32"}
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        self._request = core.compile_model(_graph(), "CPU", options).create_infer_request()

    def look(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the certainty that a place belongs to a person, (256, 256), 0…1.

        picture: shape (size, size, 3 or 4), uint8, RGB or RGBA.
        """
        side = (INPUT_PX, INPUT_PX)
        small = cv2.resize(picture[..., :3], side, interpolation=cv2.INTER_AREA)
        self._request.infer([small[None].astype(np.float32) / 255])
        found: NDArray[np.float32] = self._request.output_tensors[0].data.reshape(side).copy()
        return found


def _graph() -> Any:  # noqa: ANN401 - OpenVINO has no types
    """Return the network as OpenVINO's, with standard operations alone."""
    load_openvino()
    # They need what the line above has set up.
    from openvino import opset13 as ops  # noqa: PLC0415
    from openvino.frontend import ConversionExtension, FrontEndManager  # noqa: PLC0415

    def converted(node: Any) -> list[Any]:  # noqa: ANN401
        # Channels come last in the file, and the kernel's outputs first; OpenVINO's convolutions
        # want channels behind the batch, and the kernel's inputs first.
        picture, kernel, bias = (node.get_input(index) for index in range(3))
        moved = ops.convolution_backprop_data(
            ops.transpose(picture, np.array([0, 3, 1, 2])),
            ops.transpose(kernel, np.array([3, 0, 1, 2])),
            strides=[2, 2],
            pads_begin=[0, 0],
            pads_end=[0, 0],
            dilations=[1, 1],
        )
        return [ops.add(ops.transpose(moved, np.array([0, 2, 3, 1])), bias).output(0)]

    reader = FrontEndManager().load_by_framework("tflite")
    reader.add_extension(ConversionExtension(_CUSTOM, converted))
    return reader.convert(reader.load(str(matte_model())))
