"""Perceptual features of pictures: what must agree for two pictures to look alike."""

from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.errors import InputError
from vjnode.faces.identity import DlibIdentity

_EPSILON = 1e-6


class Features(Protocol):
    """A network whose features tell pictures apart as people do.

    name: for provenance. px: size at which whole faces are compared.
    """

    name: str
    px: int

    def __call__(self, picture: Tensor) -> list[Tensor]:
        """Return the features of a picture, [1, 3, H, W], 0…1: each [1, C, h, w]."""
        ...


class PersonFeatures:
    """Features of the network that tells persons apart, on any part of a picture."""

    name, px = "dlib", 192

    def __init__(self, identity: DlibIdentity) -> None:
        self._identity = identity

    def __call__(self, picture: Tensor) -> list[Tensor]:
        """Return the features of a picture; see ``Features``."""
        return self._identity.features(picture)


_WIDTHS = ((64, 2), (128, 2), (256, 3), (512, 3))
"""Channels of VGG16's stages, and their convolutions; the fifth stage is not needed."""

_NUMBERS = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21)
"""Numbers of these convolutions in torchvision's checkpoint."""

_TAPS = (1, 3, 6, 9)
"""Convolutions whose features are taken: the last one of each stage."""

_REMEDY = "; take vgg16-397923af.pth, or fetch it: --vgg fetch"

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


Vgg = Callable[[], Path]
"""A file of VGG16, see ``VggFeatures``, that is fetched or asked for only once it is needed."""


class VggFeatures:
    """Features of VGG16 (Simonyan and Zisserman, arXiv 1409.1556), as the source document has it.

    path: of torchvision's checkpoint, such as ``vgg16-397923af.pth``, or the same tensors as
    safetensors.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """

    name, px = "vgg16", 128

    def __init__(self, path: Path) -> None:
        tensors = _tensors(path)
        self._layers = [
            (
                torch.as_tensor(tensors[f"features.{n}.weight"]),
                torch.as_tensor(tensors[f"features.{n}.bias"]),
            )
            for n in _NUMBERS
        ]
        self._mean, self._spread = (torch.tensor(one)[:, None, None] for one in (_MEAN, _SPREAD))

    def __call__(self, picture: Tensor) -> list[Tensor]:
        """Return the features of a picture; see ``Features``."""
        x, found = (picture - self._mean) / self._spread, []
        for i, (kernel, bias) in enumerate(self._layers):
            x = F.relu(F.conv2d(x, kernel, bias, padding=1))
            if i in _TAPS:
                found.append(x)
                x = F.max_pool2d(x, 2)
        return found


def vgg_layers(path: Path) -> bytes:
    """Return the layers of VGG16 that are used, as the content of a .safetensors file.

    Raises:
        InputError: see ``VggFeatures``.
    """
    return save(_tensors(path))


def _tensors(path: Path) -> dict[str, Tensor]:
    """Return kernels and biases of the layers that are used, by torchvision's names.

    Raises:
        InputError: see ``VggFeatures``.
    """
    try:
        if path.suffix == ".safetensors":
            whole = load_file(path)
        else:
            whole = torch.load(path, map_location="cpu", weights_only=True)
        names = [f"features.{n}.{part}" for n in _NUMBERS for part in ("weight", "bias")]
        tensors = {name: whole[name].float().contiguous() for name in names}
        outputs = [len(tensors[f"features.{n}.bias"]) for n in _NUMBERS]
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error
    except (
        *(SafetensorError, UnpicklingError, RuntimeError, EOFError),
        *(KeyError, TypeError, AttributeError, ValueError),
    ) as error:
        # The reader's own text tells how to have a file's programs run.
        raise InputError(
            f"{path} is no VGG16 of torchvision's, or not all of it{_REMEDY}"
        ) from error
    if outputs != [width for width, count in _WIDTHS for _ in range(count)]:
        raise InputError(f"{path} is no VGG16 of torchvision's: {outputs} channels{_REMEDY}")
    return tensors


def distance(one: Sequence[Tensor], other: Sequence[Tensor], mask: Tensor | None = None) -> Tensor:
    """Return the perceptual distance of two pictures by their features, [].

    Features are normalised at each place, and their squared differences averaged: LPIPS (Zhang et
    al., arXiv 1801.03924) without learned weights. mask: [1, 1, H, W], weight of each place.
    """
    total = torch.zeros(())
    for a, b in zip(one, other, strict=True):
        apart = (_unit(a) - _unit(b)).square().sum(1, keepdim=True)
        if mask is None:
            total = total + apart.mean()
        else:
            weight = F.interpolate(mask, apart.shape[-2:], mode="area")
            total = total + (apart * weight).sum() / weight.sum()
    return total / len(one)


def _unit(features: Tensor) -> Tensor:
    return features * torch.rsqrt(features.square().sum(1, keepdim=True) + _EPSILON)
