"""The networks that engines are built from, in one table.

An entry says what a network is called, where its weights are, and how it becomes a torch module
with named inputs and outputs. Everything else (export, build, manifest, command line) is the
same for all. torch is imported only when a module is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from vjnode.engine.base import SIZES
from vjnode.errors import InputError
from vjnode.face import fetch
from vjnode.face.channels import CHANNELS
from vjnode.face.layout import DIM, SLOTS
from vjnode.storage import shipped

if TYPE_CHECKING:
    from torch import nn

Precision = Literal["fp16", "fp32"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

Shapes = dict[str, tuple[int, ...]]
"""Name of an input or output → its shape."""


@dataclass(frozen=True)
class Network:
    """One network.

    graph: grows when the same weights are turned into another graph.
    sizes: of its pictures, px; (0,) where it makes none.
    weights: path of its weights, fetched if need be.
    module: from weights, size and precision to the module; inputs and outputs are float32,
        whatever it computes in, pictures uint8.
    inputs, outputs: from size to their names and shapes, in the module's order.
    """

    name: str
    about: str
    graph: int
    sizes: tuple[int, ...]
    weights: Callable[[], Path]
    module: Callable[[Path, int, Precision], "nn.Module"]
    inputs: Callable[[int], Shapes]
    outputs: Callable[[int], Shapes]

    def shapes(self, size: int) -> Shapes:
        """Return all inputs, then all outputs."""
        return self.inputs(size) | self.outputs(size)


def find_network(name: str) -> Network:
    """Return one of ``NETWORKS``.

    Raises:
        InputError: there is none of this name.
    """
    if name not in NETWORKS:
        raise InputError(f"there is no network {name!r}; choose one of {', '.join(NETWORKS)}")
    return NETWORKS[name]


def _mobilestylegan(weights: Path, size: int, precision: Precision) -> "nn.Module":
    import torch  # noqa: PLC0415 - takes seconds

    from vjnode.face.fold import FoldedSynthesis  # noqa: PLC0415 - imports torch
    from vjnode.face.mobilestylegan import load  # noqa: PLC0415
    from vjnode.face.tick import Tick  # noqa: PLC0415

    # Its features stay 27 times below the largest fp16 number, so fp16 can be used throughout.
    _, synthesis = load(weights)
    dtype = torch.float16 if precision == "fp16" else torch.float32
    return Tick(FoldedSynthesis(synthesis, size), dtype)


def _tick_inputs(size: int) -> Shapes:
    """Return what ``vjnode.face.tick.Tick`` takes."""
    del size
    return {
        "face": (1, SLOTS, DIM),
        "directions": (CHANNELS, SLOTS, DIM),
        "weights": (CHANNELS,),
        "texture": (1,),
    }


def _picture(size: int) -> Shapes:
    return {"picture": (1, size, size, 4)}


def _encoder(weights: Path, size: int, precision: Precision) -> "nn.Module":
    del size
    from vjnode.drive.export import streaming  # noqa: PLC0415 - imports torch
    from vjnode.drive.trained import load_trained  # noqa: PLC0415
