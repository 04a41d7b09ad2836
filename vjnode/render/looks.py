"""Expressions that a look is drawn with, and the amounts of their movements."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vjnode.faces.catalogue import expression_names, load_expression
from vjnode.faces.expression import Expression, amounts_of
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import Look
from vjnode.render.idle_motion import REACH


def expressions_of(look: Look, spec: GeneratorSpec) -> tuple[Expression | None, ...]:
    """Return the expressions of a look's channels, and its idle actions, as far as there are any.

    Raises:
        InputError: there is no such expression.
    """
    known = expression_names(spec)
    channels = (load_expression(name, spec) if name else None for name in look.expressions)
    idle = (load_expression(name, spec) if name in known else None for name in look.idle)
    return (*channels, *idle)


def amounts_in(
    look: Look, expressions: Sequence[Expression | None], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return the amount of each movement of a look; see ``amounts_of``.

    expressions: ``expressions_of(look)``. weights: of its channels, then of its idle actions, 0…1.
    """
    channels = len(look.expressions)
    reaches = (REACH[name] for name in look.idle)
    idle = (weight * reach for weight, reach in zip(weights[channels:], reaches, strict=False))
    return amounts_of(expressions, (*weights[:channels], *idle))
