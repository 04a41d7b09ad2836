"""Expressions that a look is drawn with, and their weights."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from vjnode.faces.catalogue import expression_names, face_names, load_expression, load_face
from vjnode.faces.expression import Expression
from vjnode.generators.latent import Weights
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


def weights_of(look: Look, weights: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of the expressions of a look, 0…1, in the order of ``expressions_of``.

    weights: of its channels, then of its idle actions, whose full weight is a part of an action.
        Of channels that are bound they are not looked at.
    """
    channels = len(look.expressions)
    own = dict(enumerate(weights[:channels]))
    own |= {channel: own.get(0, 0.0) for channel in look.joint} | dict(look.held)
    reaches = (REACH[name] for name in look.idle)
    idle = (weight * reach for weight, reach in zip(weights[channels:], reaches, strict=False))
    return *(own.get(channel, 0.0) for channel in range(channels)), *idle


def own_weights_of(spec: GeneratorSpec) -> Callable[[Look], Weights | None]:
    """Return what gives the weights of a look's face's own; None: it has none.

    A show asks it at every frame.
    """
    return lru_cache(maxsize=64)(lambda look: load_face(look.face, spec).weights)


def has_own_weights(spec: GeneratorSpec) -> Callable[[Look], bool]:
    """Return what tells whether a look's face has weights of its own."""
    weights = own_weights_of(spec)
    return lambda look: weights(look) is not None


def faces_with_own_weights(spec: GeneratorSpec) -> dict[str, Weights]:
    """Return the weights of the faces that have some of their own, by the faces' names."""
    found = {name: load_face(name, spec).weights for name in face_names(spec)}
    return {name: weights for name, weights in found.items() if weights is not None}
