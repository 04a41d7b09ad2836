"""A generator as engines, faces and a show need to know it; each family has a row of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.generators.latent import DIRECTIONS, Latent, Subject
from vjnode.generators.parts import PartsForm

if TYPE_CHECKING:
    from torch import Tensor, nn

Precision = Literal["fp16", "fp32"]
"""Arithmetic of an exported graph."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

NOISE_STRENGTH = 1.0
"""Strength of a generator's frozen noise: as it was trained."""


@dataclass(frozen=True)
class GeneratorSpec:
    """One generator.

    name, about: for people and files.
    slots, dim: style codes that a picture is drawn from, and the length of each.
    dead_slots: those that no layer reads.
    detail_slots: those that draw from 128 px up, skin and hair rather than shapes: the last 8 of
        the 18 of a StyleGAN for 1024 px, and what does the same work in others.
    styles: factors of its affine maps that a subject's offsets are added to, in the order of its
        layers; 0 where it takes no offsets.
    root_slots, root_styles: the first so many codes, and factors, alone decide what its first
        layers draw, which pictures of one pose share; 0 where it has no such part.
    sizes: of its pictures, px.
    graph: grows when the same weights are turned into another graph.
    weights: returns the path of its weights, fetched if need be.
    mapping: opens the network from noise [N, dim] and truncation to style codes [N, dim].
    mean_latent: returns the mean of its style codes, (dim,) float32; a picture of all slots
        with it is plain and clean.
    frame_graph: from weights, size and precision to the module that
        ``vjnode.generators.frame_graph`` describes.
    parts: how a processor draws it; None where none does.
    copy_of: the generator that it draws the same codes as, if it is a copy of one.
    """

    name: str
    about: str
    slots: int
    dim: int
    sizes: tuple[int, ...]
    graph: int
    weights: Callable[[], Path]
    mapping: Callable[[], "Callable[[Tensor, float], Tensor]"]
    mean_latent: Callable[[], NDArray[np.float32]]
    frame_graph: Callable[[Path, int, Precision], "nn.Module"]
    parts: PartsForm | None = None
    dead_slots: frozenset[int] = field(default_factory=frozenset)
    detail_slots: tuple[int, ...] = ()
    styles: int = 0
    root_slots: int = 0
    root_styles: int = 0
    copy_of: str = ""

    @property
    def codes_of(self) -> str:
        """Name of the generator whose faces and expressions it draws: mostly its own."""
        return self.copy_of or self.name

    @property
    def codes_shape(self) -> tuple[int, int]:
        """Shape of the style codes of one picture."""
        return self.slots, self.dim

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Names and shapes of what the frame graph takes, float32, in its order."""
        moved = {"offsets": (DIRECTIONS, self.styles)} if self.styles else {}
        return {
            "face": (1, self.slots, self.dim),
            "directions": (DIRECTIONS, self.slots, self.dim),
            "amounts": (DIRECTIONS,),
            "noise_strength": (1,),
            **moved,
        }

    def subject_inputs(self, subject: Subject) -> dict[str, NDArray[np.float32]]:
        """Return what the frame graph is given once a look: face, directions and offsets."""
        given = {"face": subject.codes[None], "directions": subject.directions}
        if self.styles:
            given["offsets"] = subject.offsets
        filled = {name: np.zeros(self.inputs[name], np.float32) for name in given}
        for name, values in given.items():
            if values.size:
                filled[name][: len(values)] = values
        return filled

    def check_latent(self, latent: Latent) -> None:
        """Refuse a latent of another generator, or one that moves too much at once.

        Raises:
            ValueError: a shape is not what this generator takes.
        """
        subject, count = latent.subject, len(latent.amounts)
        if subject.codes.shape != self.codes_shape:
            raise ValueError(f"codes have shape {subject.codes.shape}, not {self.codes_shape}")
        if subject.directions.shape != (count, *self.codes_shape):
            raise ValueError(
                f"directions have shape {subject.directions.shape}, "
                f"not {(count, *self.codes_shape)}"
            )
        if subject.offsets.shape not in ((count, 0), (count, self.styles)):
            raise ValueError(
                f"offsets have shape {subject.offsets.shape}, not {(count, self.styles)}"
            )
        if count > DIRECTIONS:
            raise ValueError(f"{count} directions at once; a picture takes {DIRECTIONS}")

    def check_size(self, size: int) -> None:
        """Refuse a size that it has no pictures of.

        Raises:
            InputError: ``size`` is not one of ``sizes``.
        """
        if size not in self.sizes:
            raise InputError(f"size {size} px cannot be drawn; choose one of {self.sizes}")
