"""Expressions in the form that engines take: directions, set when the look changes, and weights."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vjnode.faces.latent import Expression, Part
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS
from vjnode.generators.spec import DIRECTIONS


def directions_of(*expressions: Expression) -> NDArray[np.float32]:
    """Return the movements of all parts of ``expressions``, one after the other, then zeros.

    Returns: shape (DIRECTIONS, SLOTS, DIM), float32, in the order of ``weights_of``.

    Raises:
        ValueError: the expressions have more than DIRECTIONS parts.
    """
    found = np.zeros((DIRECTIONS, SLOTS, DIM), np.float32)
    for channel, part in enumerate(_parts(expressions)):
        found[channel, list(part.slots)] = part.direction
    return found


def weights_of(*weighted: tuple[Expression, float]) -> NDArray[np.float32]:
    """Return the amount of each part when its expression has the given weight (0…1).

    Returns: shape (DIRECTIONS,), float32, in the order of ``directions_of``.

    Raises:
        ValueError: the expressions have more than DIRECTIONS parts.
    """
    _parts([expression for expression, _ in weighted])
    amounts = [
        np.interp(weight, expression.weights, part.amounts)
        for expression, weight in weighted
        for part in expression.parts
    ]
    found = np.zeros(DIRECTIONS, np.float32)
    found[: len(amounts)] = amounts
    return found


def _parts(expressions: Iterable[Expression]) -> list[Part]:
    parts = [part for expression in expressions for part in expression.parts]
    if len(parts) > DIRECTIONS:
        names = ", ".join(part.name for part in parts)
        raise ValueError(f"{len(parts)} movements at once ({names}); an engine has {DIRECTIONS}")
    return parts
