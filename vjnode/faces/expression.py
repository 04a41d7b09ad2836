"""Faces, expressions, and their combination by weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent, Side, Subject, Weights

WIDEST = 1.5
"""Widest opening of a mouth, in jaws: from twice a jaw on, there are two mouths."""


@dataclass(frozen=True)
class Face:
    """A person at rest.

    codes: shape (slots, dim), float32, read-only: one style code for each slot of its generator.
    weights: that its generator was tuned to for it; None: the generator's own.
    """

    name: str
    about: str
    codes: NDArray[np.float32]
    weights: Weights | None = None


@dataclass(frozen=True, eq=False)
class Movement:
    """A way to move a face; those of one generator may be added up.

    region: part of the face that it moves, such as ``mouth``; "" where that is not known.
    slots: style codes that it changes; the others keep the person's.
    rows: shape (len(slots), dim), float32: change of each of these at amount 1.
    offsets: shape (styles,), float32: what it adds to the factors of the generator's affine maps
        at amount 1; (0,): nothing.
    multiplies: whether each of the face's codes is multiplied by 1 + amount · row, and not the row
        added to it; a face's own small numbers then stay small.
    limit: largest amount, whoever adds to it. opens_mouth: how far it opens the mouth at amount 1,
        1 for a jaw; all together they open it by ``WIDEST`` at most.
    """

    name: str
    region: str
    slots: tuple[int, ...]
    rows: NDArray[np.float32]
    offsets: NDArray[np.float32]
    limit: float = math.inf
    opens_mouth: float = 0.0
    multiplies: bool = False


@dataclass(frozen=True)
class Part:
    """A movement within an expression. amounts: of it at each of the expression's weights."""

    movement: Movement
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class Expression:
    """Change of a face with growing weight: movements, each with its own curve.

    weights: rising from 0 to 1; the amounts of every part belong to these weights, are 0 at the
        first, and are interpolated linearly.
    side: half of the face that it moves; None: all of it.
    """

    name: str
    about: str
    weights: tuple[float, ...]
    parts: tuple[Part, ...]
    side: Side | None = None


def movements_of(expressions: Sequence[Expression | None]) -> tuple[Movement, ...]:
    """Return the movements of ``expressions``, each once; None stands for no expression."""
    parts = (part for one in expressions if one is not None for part in one.parts)
    return tuple(dict.fromkeys(part.movement for part in parts))


def subject_of(face: Face, expressions: Sequence[Expression | None]) -> Subject:
    """Return ``face`` with a direction for each of ``movements_of(expressions)``."""
    moves = directions_of(movements_of(expressions), face.codes)
    return Subject(face.codes, *moves, face.weights)


def directions_of(
    movements: Sequence[Movement], codes: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return directions and offsets of ``movements``, as a ``Subject`` has them.

    codes: (slots, dim), of the face: what multiplies does so with these.
    """
    directions = np.zeros((len(movements), *codes.shape), np.float32)
    styles = max((len(one.offsets) for one in movements), default=0)
    offsets = np.zeros((len(movements), styles), np.float32)
    for direction, offset, movement in zip(directions, offsets, movements, strict=True):
        slots = list(movement.slots)
        rows = movement.rows
        direction[slots] = codes[slots] * rows if movement.multiplies else rows
        offset[: len(movement.offsets)] = movement.offsets
    return directions, offsets


def amounts_of(
    expressions: Sequence[Expression | None], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return the amount of each movement when the expressions have these weights (clipped to 0…1).

    What several expressions ask of one movement is added up, as far as its limit goes; and where
    all that open the mouth would open it too far, they are drawn back in proportion.

    weights: of the expressions, in their order; those that are missing are 0.
    Returns: shape (n,), float32, in the order of ``movements_of(expressions)``.
    """
    amounts = dict.fromkeys(movements_of(expressions), 0.0)
    for one, weight in zip(expressions, weights, strict=False):
        if one is not None:
            for part in one.parts:
                amounts[part.movement] += float(np.interp(weight, one.weights, part.amounts))
    held = {one: min(amount, one.limit) for one, amount in amounts.items()}
    opened = sum(one.opens_mouth * amount for one, amount in held.items())
    if opened > WIDEST:
        held = {
            one: amount * (WIDEST / opened if one.opens_mouth else 1.0)
            for one, amount in held.items()
        }
    return np.array(list(held.values()), np.float32)


def latent_of(face: Face, expression: Expression, weight: float) -> Latent:
    """Return what is drawn of ``face`` with an expression at ``weight`` (clipped to 0…1).

    Weight 0 gives the face's own codes exactly.
    """
    return latent_in(subject_of(face, [expression]), [expression], [weight])


def latent_in(
    subject: Subject, expressions: Sequence[Expression | None], weights: Sequence[float]
) -> Latent:
    """Return what is drawn of a subject with expressions; see ``amounts_of``.

    subject: ``subject_of(face, expressions)``.
    """
    halves = tuple(
        (side, Latent(subject, amounts_of(expressions, weights_on(side, expressions, weights))))
        for side in moved_sides(expressions, weights)
    )
    whole = amounts_of(expressions, weights_on(None, expressions, weights))
    return Latent(subject, whole, halves)


def moved_sides(
    expressions: Sequence[Expression | None], weights: Sequence[float]
) -> tuple[Side, ...]:
    """Return the halves of the face that expressions move on their own at these weights."""
    found = (
        one.side
        for one, weight in zip(expressions, weights, strict=False)
        if one is not None and one.side is not None and weight > 0
    )
    return tuple(dict.fromkeys(found))


def weights_on(
    side: Side | None, expressions: Sequence[Expression | None], weights: Sequence[float]
) -> list[float]:
    """Return the weights with which half of a face is drawn. side: None: what moves all of it."""
    return [
        0.0 if one is not None and one.side not in (None, side) else weight
        for one, weight in zip(expressions, weights, strict=False)
    ]
