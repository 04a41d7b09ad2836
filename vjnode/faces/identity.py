"""dlib's face recognition network in torch, so that a gradient flows through it.

Its weights are read from dlib's own file, out of the package ``face_recognition_models``: a network
of 29 convolutions that was trained so that embeddings of one person lie within 0.6. The network and
its file are dlib's (Davis King), in the public domain.
"""

import importlib.util
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.faces.finding.sampling import sampled
from vjnode.remedies import install_extra

NETWORK = "dlib_face_recognition_resnet_model_v1.dat"

ANOTHER_PERSON = 0.6
"""Distance of embeddings from which on two pictures count as of two persons."""

CHIP_PX = 150
"""Size of the aligned picture of a face that the network sees."""

_MEAN = (122.782, 117.001, 104.298)
_REFERENCE = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""Corners of the eyes and the base of the nose in an aligned face, as dlib's chips have them."""

_ALIGNED_BY = (263, 362, 33, 133, 2)
"""Landmarks of the face mesh that are the same points."""

_PADDING = 0.25
_HALVES = (0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1)
"""Of the residual blocks, those with 1 halve the picture."""

_LAYERS = 1 + 2 * len(_HALVES)
_FULL, _EMBEDDING = 256, 128


_TAPS = (3, 7, 10)
"""Numbers of residual blocks after which features are taken: at a 4th, 8th and 16th of the size."""


def dlib_file(folder: Path | None) -> Path:
    """Return the path of dlib's recognition network.

    folder: that holds it; None for that of the installed package.

    Raises:
        InputError: it is not there.
    """
    if folder is None:
        package = importlib.util.find_spec("face_recognition_models")
        found = package.submodule_search_locations if package is not None else None
        folder = Path(found[0]) / "models" if found else Path()
    path = folder / NETWORK
    if not path.is_file():
        raise InputError(
            f"{path} is not there; run: {install_extra('persons')}, or name the folder of the "
            "networks of face_recognition_models with --dlib"
        )
    return path


class DlibIdentity:
    """The network.

    path: of ``dlib_face_recognition_resnet_model_v1.dat``.

    Raises:
        ValueError: the file holds another network.
    """

    def __init__(self, path: Path) -> None:
        self._layers, self._last = _layers(path.read_bytes())
        target = (np.array(_REFERENCE) + _PADDING) / (1 + 2 * _PADDING) * CHIP_PX
        self._target = target - target.mean(0)
        self._centre = target.mean(0)

    def __call__(self, picture: Tensor, points: Tensor) -> Tensor:
        """Return the embedding, [128], of the face in a picture, [1, 3, H, W], 0…1.

        points: its landmarks, (468, 3), in picture widths; no gradient flows through them.
        """
        return self.embed(self.chip(picture, points))

    def chip(self, picture: Tensor, points: Tensor) -> Tensor:
        """Return the aligned face, [1, 3, CHIP_PX, CHIP_PX], 0…1."""
        found = points.numpy(force=True)[list(_ALIGNED_BY), :2].astype(float)
        found = found * picture.shape[3] - 0.5
        centred = found - found.mean(0)
        # The rotation and scale that take dlib's points to these, as one complex number.
        to, of = centred @ (1, 1j), self._target @ (1, 1j)
        turn = (to * of.conj()).sum() / (np.abs(of) ** 2).sum()
        matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        shift = found.mean(0) - matrix @ self._centre
        matrix = np.c_[matrix, shift].astype(np.float32)
        return sampled(picture, torch.as_tensor(matrix), CHIP_PX)

    def embed(self, chip: Tensor) -> Tensor:
        """Return the embedding, [128], of an aligned face."""
        layers = iter(self._layers)
        x = F.max_pool2d(_begun(chip, next(layers)), 3, 2)
        for down in _HALVES:
            x = _residual(x, next(layers), next(layers), down=bool(down))
        return x.mean((2, 3))[0] @ self._last

    def features(self, picture: Tensor) -> list[Tensor]:
        """Return features of a picture of any size, [1, 3, H, W], 0…1, from fine to coarse.

        They tell most where a face is as large as in an aligned one.
        """
        layers = iter(self._layers)
        x = _begun(picture, next(layers))
        found, x = [x], F.max_pool2d(x, 3, 2)
        for i, down in enumerate(_HALVES[: _TAPS[-1]], 1):
            x = _residual(x, next(layers), next(layers), down=bool(down))
            if i in _TAPS:
                found.append(x)
        return found


_Layer = tuple[Tensor, Tensor, Tensor, Tensor]
"""Kernel and bias of a convolution, and the factors and offsets after it."""


def _applied(x: Tensor, layer: _Layer, *, stride: int = 1, padding: int = 1) -> Tensor:
    kernel, bias, factor, offset = layer
    x = F.conv2d(x, kernel, bias, stride=stride, padding=padding)
    return x * factor[:, None, None] + offset[:, None, None]


def _begun(picture: Tensor, layer: _Layer) -> Tensor:
    x = (picture * 255 - torch.tensor(_MEAN)[:, None, None]) / 256
    return F.relu(_applied(x, layer, stride=2, padding=0))


def _residual(x: Tensor, first: _Layer, second: _Layer, *, down: bool) -> Tensor:
    stride, padding = (2, 0) if down else (1, 1)
    y = _applied(F.relu(_applied(x, first, stride=stride, padding=padding)), second)
    if down:
        x = F.avg_pool2d(x, 2, 2)
        x = F.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        y = F.pad(y, (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))
    return F.relu(x + y)


def _layers(data: bytes) -> tuple[list[_Layer], Tensor]:
    """Return the network's layers, and its last matrix, [256, 128]."""
    tensors = _tensors(data)
    if len(tensors) != 2 * _LAYERS + 1 or len(tensors[-1]) != _FULL * _EMBEDDING:
        raise ValueError(f"the file holds no network of dlib's for faces: {len(tensors)} tensors")
    *body, last = tensors
    layers, inputs = list[_Layer](), 3
    for weights, affine in zip(body[::2], body[1::2], strict=True):
        outputs = len(affine) // 2
        side = round(((len(weights) - outputs) / (inputs * outputs)) ** 0.5)
        if len(weights) != outputs * (inputs * side * side + 1):
            raise ValueError(f"the file holds no network of dlib's for faces: layer {len(layers)}")
        kernel = weights[: -outputs or None].reshape(outputs, inputs, side, side)
        layers.append(
            tuple(map(torch.as_tensor, (kernel, weights[-outputs:], *affine.reshape(2, -1))))  # type: ignore[arg-type]
        )
        inputs = outputs
    return layers, torch.as_tensor(last.reshape(_FULL, _EMBEDDING))


def _tensors(data: bytes) -> list[NDArray[np.float32]]:
    """Return the tensors in a file of dlib's, in their order.

    dlib writes a tensor as a version, 2, four sizes, and its numbers; a whole number as a byte that
    counts its bytes, and these, the lowest first.
    """
    found, at = list[NDArray[np.float32]](), 0
    while (at := data.find(b"\x01\x02", at)) >= 0:
        sizes, begin = _integers(data, at + 2, 4)
        count = int(np.prod(sizes)) if len(sizes) == 4 else 0
        if count >= 8 and begin + 4 * count <= len(data):
            values = np.frombuffer(data, "<f4", count, begin)
            if np.isfinite(values).all() and 1e-6 < np.abs(values).max() < 1e4:
                found.append(values.copy())
                at = begin + 4 * count
                continue
        at += 1
    return found


def _integers(data: bytes, at: int, count: int) -> tuple[list[int], int]:
    """Return whole numbers as dlib writes them, and where the next begins; fewer if there are."""
    found = list[int]()
    while len(found) < count and at < len(data) and 1 <= data[at] <= 8:
        length = data[at]
        found.append(int.from_bytes(data[at + 1 : at + 1 + length], "little"))
        at += 1 + length
    return found, at
