"""A StyleGAN2 as a checkpoint's reader finds it, in vjnode's own layout."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.generators.stylegan2.layout import SIZES

Numbers = NDArray[np.float32]

SLOPE, GAIN = 0.2, 2**0.5
"""Slope below zero of the leaky ReLU, and the gain after it, as all of the family have them."""

MEAN_DRAWS, MEAN_SEED = 8192, 0
"""Style codes whose mean stands in for one that a checkpoint lacks, and the seed of their noise."""

NUMBERS_HIGH = 256 * 2**20
"""Most numbers of a network; configuration F at 1024 px has 30 million."""

SIZES_TAKEN = tuple(size for size in SIZES if size >= 64)
"""Sizes of the pictures of networks that are taken, px."""


@dataclass
class Found:
    """A network that was found in a file.

    layout: whose files it was in. tensors: by their names in ``stylegan2.checkpoint``, float32.
    clamp: largest size of a convolution's result; None: no limit.
    network: of a StyleGAN3, its shape as ``stylegan3.shape`` writes it.
    notes: for people, of what is not as usual.
    """

    layout: str
    tensors: dict[str, Numbers] = field(default_factory=dict)
    clamp: float | None = None
    network: str = ""
    notes: list[str] = field(default_factory=list)

    def put(self, name: str, value: Numbers, shape: tuple[int, ...]) -> None:
        """Keep a tensor, reshaped; shape: with -1 where any number will do, once at most.

        Raises:
            InputError: it has another number of values, or one is not finite, or all are too many.
        """
        if sum(one.size for one in self.tensors.values()) + value.size > NUMBERS_HIGH:
            raise InputError(f"it has more than {NUMBERS_HIGH} numbers, too many for a generator")
        try:
            whole = np.ascontiguousarray(value, np.float32).reshape(shape)
        except ValueError as error:
            raise InputError(
                f"it is no StyleGAN as this reader knows it: {name} has shape "
                f"{[*value.shape]}, and {[*shape]} is expected"
            ) from error
        if not whole.size:
            raise InputError(f"{name} is a tensor without numbers; the file is damaged")
        if not np.isfinite(whole).all():
            raise InputError(f"{name} is not finite everywhere: the training had failed by then")
        self.tensors[name] = whole

    def depth(self) -> int:
        """Return the number of layers of the mapping network."""
        return sum(name.startswith("mapping.layers.") for name in self.tensors) // 2

    def width(self) -> int:
        """Return the length of a style code."""
        return int(self.tensors["mapping.layers.0.weight"].shape[1])

    def fill_mean(self) -> None:
        """Put in the mean style code, if the file had none, from many draws."""
        if "mapping.mean" in self.tensors:
            return
        draws = np.random.default_rng(MEAN_SEED)
        codes = draws.standard_normal((MEAN_DRAWS, self.width()), np.float32)
        codes /= np.sqrt(np.mean(codes * codes, axis=1, keepdims=True) + 1e-8)
        for layer in range(self.depth()):
            name = f"mapping.layers.{layer}"
            codes = codes @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
            codes = np.float32(GAIN) * np.where(codes > 0, codes, np.float32(SLOPE) * codes)
        self.put("mapping.mean", codes.mean(0), (-1,))
        self.notes.append("it had no mean style code; one was made from random ones")


def size_of(blocks: int) -> int:
    """Return the size of a network's picture, px, from the number of its doublings.

    Raises:
        InputError: vjnode plays no network of that size.
    """
    size = 4 << max(0, min(blocks, 20))
    if size not in SIZES_TAKEN:
        raise InputError(
            f"it draws pictures of {size} px; a generator has {SIZES_TAKEN[0]} to "
            f"{SIZES_TAKEN[-1]} px"
        )
    return size


def check_filter(taps: Numbers | None) -> None:
    """Refuse a network whose doublings are smoothed by another filter than [1, 3, 3, 1].

    taps: of one axis, or of both, at whatever scale.

    Raises:
        InputError: it is another filter.
    """
    if taps is None:
        return
    axis = np.array([1, 3, 3, 1], np.float32)
    wanted = np.outer(axis, axis) if taps.ndim == 2 else axis
    total = float(taps.sum())
    if taps.shape != wanted.shape or not math.isfinite(total) or abs(total) < 1e-6:
        raise InputError("its doublings have a filter that is not [1, 3, 3, 1]")
    if np.abs(taps / total - wanted / wanted.sum()).max() > 1e-4:
        raise InputError("its doublings have a filter that is not [1, 3, 3, 1]")
