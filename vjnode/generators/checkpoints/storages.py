"""Tensors of a checkpoint, out of the notes of a pickle: checked, and only then read."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.checkpoints.pickles import Name, Outside, Record

NUMBERS_HIGH = 64 * 2**20
"""Most numbers of one tensor; the largest kernel of a StyleGAN has 2.4 million."""

DIMENSIONS_HIGH = 8

TYPES = {
    "torch.FloatStorage": "<f4",
    "torch.HalfStorage": "<f2",
    "torch.DoubleStorage": "<f8",
    "torch.BFloat16Storage": "<u2",
}
"""Types of the numbers in what networks are made of. A bfloat16 is the upper half of a float32."""

BRAIN = "torch.BFloat16Storage"


@dataclass(frozen=True)
class Storage:
    """Numbers in a row. kind: their type, as in ``TYPES``; data: their bytes."""

    kind: str
    data: bytes | memoryview

    def numbers(self) -> NDArray[Any]:
        """Return them all, a view.

        Raises:
            ValueError: their type is not one that networks are made of.
        """
        if self.kind not in TYPES:
            raise ValueError(f"numbers of the type {self.kind} are no weights")
        size = np.dtype(TYPES[self.kind]).itemsize
        return np.frombuffer(self.data, TYPES[self.kind], len(self.data) // size)


Open = Callable[[object], Storage]
"""Function from what stands for a storage (``Outside`` or ``Record``) to the storage."""


def stored(key: object) -> tuple[str, str, int]:
    """Return type, name and length of the storage that an ``Outside`` of torch's speaks of.

    Raises:
        ValueError: it speaks of something else.
    """
    match key:
        case ("storage", Name(kind), str(name), str(), int(count), *_) if count >= 0:
            return kind, name, count
    raise ValueError("something outside the pickle is no storage")


def array_of(value: object, open_storage: Open) -> NDArray[np.float32]:
    """Return the numbers of what stands for a tensor or parameter, float32, a copy.

    Raises:
        ValueError: it stands for something else, is too large, or lies beyond its storage.
    """
    match value:
        case Record(name, (inner, *_)) if name.startswith("torch._utils._rebuild_parameter"):
            value = inner
    match value:
        case Record("torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor", args):
            pass
        case _:
            raise ValueError("something stands where a tensor should")
    where, offset, shape, strides, *_ = args
    shape, strides = _numbers(shape), _numbers(strides)
    if not (isinstance(offset, int) and offset >= 0 and len(shape) == len(strides)):
        raise ValueError("a tensor's place is damaged")
    if math.prod(shape) > NUMBERS_HIGH:
        raise ValueError(f"a tensor has shape {shape}, more than {NUMBERS_HIGH} numbers")
    if not isinstance(where, Outside | Record):
        raise ValueError("a tensor has no storage")
    storage = open_storage(where)
    numbers = storage.numbers()
    last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides, strict=True))
    if not math.prod(shape):
        return np.zeros(shape, np.float32)
    if last >= len(numbers) or math.prod(shape) > len(numbers):
        raise ValueError(f"a tensor of shape {shape} lies beyond its {len(numbers)} numbers")
    width = numbers.itemsize
    view = np.lib.stride_tricks.as_strided(
        numbers[offset:], shape, [stride * width for stride in strides], writeable=False
    )
    if storage.kind == BRAIN:
        widened: NDArray[np.float32] = (view.astype(np.uint32) << 16).view(np.float32)
        return widened
    return view.astype(np.float32)


def _numbers(sides: object) -> tuple[int, ...]:
    """Return the sides of a shape, or its strides: integers from 0.

    Raises:
        ValueError: they are none.
    """
    if isinstance(sides, Record) and sides.name == "torch.Size":
        (sides,) = sides.args
    if isinstance(sides, list):
        sides = tuple(sides)
    if (
        not isinstance(sides, tuple)
        or len(sides) > DIMENSIONS_HIGH
        or not all(type(side) is int and 0 <= side < 2**40 for side in sides)
    ):
        raise ValueError("a tensor's shape is damaged")
    return sides
