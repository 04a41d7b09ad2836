"""Faces, expressions, and their combination by a weight."""

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

    direction: shape (DIM,), float32; a movement of length 1 is just visible.
    slots: the style codes that it changes; the others keep the person's.
    amounts: length of the movement at each of the expression's weights.
    """

    name: str
    direction: NDArray[np.float32]
    slots: tuple[int, ...]
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class Expression:
    """Change of a face with growing weight: movements, each with its own curve.

    weights: rising from 0 to 1; the amounts of every part belong to these weights, are 0 at the
        first, and are interpolated linearly.
    """

    name: str
    about: str
    weights: tuple[float, ...]
    parts: tuple[Part, ...]


def fuse(face: Face, expression: Expression, weight: float) -> NDArray[np.float32]:
    """Return the style codes, (SLOTS, DIM) float32, of ``face`` at ``weight`` (clipped to 0…1).

    Weight 0 gives the face's own codes exactly.
    """
    codes = face.codes.copy()
    for part in expression.parts:
        amount = np.float32(np.interp(weight, expression.weights, part.amounts))
        codes[list(part.slots)] += amount * part.direction
    return codes
