"""Faces, expressions, and their combination by weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent, Subject


@dataclass(frozen=True)
class Face:
    """A person at rest.

    codes: shape (slots, dim), float32, read-only: one style code for each slot of its generator.
    """

    name: str
    about: str
    codes: NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """One movement within an expression.

    direction: shape (dim,), float32; a movement of length 1 is just visible.
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


def subject_of(face: Face, expressions: Sequence[Expression | None]) -> Subject:
    """Return ``face`` with a direction for each part of ``expressions``, one after the other.

    None stands for no expression, and has no part.
    """
    parts = [part for one in expressions if one is not None for part in one.parts]
    directions = np.zeros((len(parts), *face.codes.shape), np.float32)
    for direction, part in zip(directions, parts, strict=True):
        direction[list(part.slots)] = part.direction
    return Subject(face.codes, directions, np.zeros((len(parts), 0), np.float32))


def amounts_of(
    expressions: Sequence[Expression | None], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return the amount of each part when its expression has its weight (clipped to 0…1).

    weights: of the expressions, in their order; those that are missing are 0.
    Returns: shape (n,), float32, in the order of ``subject_of``.
    """
    each = [*weights, *[0.0] * (len(expressions) - len(weights))]
    amounts = [
        np.interp(weight, one.weights, part.amounts)
        for one, weight in zip(expressions, each, strict=True)
        if one is not None
        for part in one.parts
    ]
    return np.array(amounts, np.float32)


def fuse(face: Face, expression: Expression, weight: float) -> NDArray[np.float32]:
    """Return the style codes, (slots, dim) float32, of ``face`` at ``weight`` (clipped to 0…1).

    Weight 0 gives the face's own codes exactly.
    """
    return Latent(subject_of(face, [expression]), amounts_of([expression], [weight])).codes()
