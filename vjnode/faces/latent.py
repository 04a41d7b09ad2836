"""A face, an expression, and how a weight joins them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.mobilestylegan.layout import DIM, SLOTS

__all__ = ["DIM", "SLOTS", "Expression", "Face", "Part", "fuse"]


@dataclass(frozen=True)
class Face:
    """A person at rest.

    codes: shape (SLOTS, DIM), float32, read-only: one style code for each slot.
    """

    name: str
    about: str
    codes: NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """One movement within an expression.

    direction: shape (DIM,), float32; by length 1 of it the movement is just visible.
    slots: the style codes that it moves; the others keep the person.
    amounts: how far, for each of the expression's weights.
    """

    name: str
    direction: NDArray[np.float32]
    slots: tuple[int, ...]
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class Expression:
    """What a face does as the weight grows: movements, each with its own curve.

    weights: rising from 0 to 1; the amounts of every part belong to them, 0 at the first,
        and are joined by straight lines.
    """

    name: str
    about: str
    weights: tuple[float, ...]
    parts: tuple[Part, ...]


def fuse(face: Face, expression: Expression, weight: float) -> NDArray[np.float32]:
    """Style codes, (SLOTS, DIM) float32, of ``face`` at ``weight`` (0…1, else clipped).

    Weight 0 gives the face's own codes exactly.
    """
    codes = face.codes.copy()
    for part in expression.parts:
        amount = np.float32(np.interp(weight, expression.weights, part.amounts))
        codes[list(part.slots)] += amount * part.direction
    return codes
