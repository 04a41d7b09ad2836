"""A generator as engines, faces and a show need to know it; each family has a row of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.generators.parts import PartsForm

if TYPE_CHECKING:
    from torch import nn

Precision = Literal["fp16", "fp32"]
"""Arithmetic of an exported graph."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

DIRECTIONS = 16
"""Directions that a frame graph takes: movements that can act at once."""


@dataclass(frozen=True)
class GeneratorSpec:
    """One generator.

    name, about: for people and files.
    slots, dim: style codes that a picture is drawn from, and the length of each.
    dead_slots: those that no layer reads.
    root_slots: the first so many alone decide what its first layers draw, which pictures of one
        pose share; 0 where it has no such part.
    sizes: of its pictures, px.
    graph: grows when the same weights are turned into another graph.
    weights: returns the path of its weights, fetched if need be.
    frame_graph: from weights, size and precision to the module that
        ``vjnode.generators.frame_graph`` describes.
    parts: how a processor draws it; None where none does.
    """

    name: str
    about: str
    slots: int
    dim: int
    sizes: tuple[int, ...]
    graph: int
    weights: Callable[[], Path]
    frame_graph: Callable[[Path, int, Precision], "nn.Module"]
    parts: PartsForm | None = None
    dead_slots: frozenset[int] = field(default_factory=frozenset)
    root_slots: int = 0

    @property
    def codes_shape(self) -> tuple[int, int]:
        """Shape of the style codes of one picture."""
        return self.slots, self.dim

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of what the frame graph takes, float32, in its order."""
        return {
            "face": (1, self.slots, self.dim),
            "directions": (DIRECTIONS, self.slots, self.dim),
            "weights": (DIRECTIONS,),
            "noise_strength": (1,),
        }

    def check_codes(self, codes: NDArray[np.float32]) -> None:
        """Refuse style codes of another shape.

        Raises:
            ValueError: their shape is not ``codes_shape``.
        """
        if codes.shape != self.codes_shape:
            raise ValueError(f"codes have shape {codes.shape}, not {self.codes_shape}")

    def check_size(self, size: int) -> None:
        """Refuse a size that it has no pictures of.

        Raises:
            InputError: ``size`` is not one of ``sizes``.
        """
        if size not in self.sizes:
            raise InputError(f"size {size} px cannot be drawn; choose one of {self.sizes}")
