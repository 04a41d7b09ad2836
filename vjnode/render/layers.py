"""Layers of a look: the channel that key frames hold, and those that are added to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from vjnode.faces.expression import Expression
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import Look
from vjnode.render.looks import expressions_of
from vjnode.render.overlay import GRID

POSE = "pose"
"""Region of movements that turn the whole head: their differences cannot be added to anything."""


@dataclass(frozen=True)
class LeftOut:
    """A channel that key frames do not show. why: the reason, for people."""

    channel: int
    expression: str
    why: str


@dataclass(frozen=True)
class Layers:
    """A look, taken apart.

    keys: the first channel alone. added: all channels that can be shown; None where that is the
        first alone. left_out: the others.
    """

    keys: Look
    added: Look | None
    left_out: tuple[LeftOut, ...] = ()


LayersOf = Callable[[Look], Layers]


def layers_of(spec: GeneratorSpec) -> LayersOf:
    """Return what takes a generator's looks apart."""

    @lru_cache(maxsize=256)
    def taken_apart(look: Look) -> Layers:
        return take_apart(look, expressions_of(look, spec))

    return taken_apart


def take_apart(look: Look, expressions: Sequence[Expression | None]) -> Layers:
    """Take a look apart.

    expressions: of its channels, and its idle actions; None where there is none. Idle actions can
    always be added: they act while little else does, and move no more than a few pixels.
    """
    channels = len(look.expressions)
    idle = look.idle if any(expressions[channels:]) else ()
    first = expressions[0]
    kept, left_out = [look.expressions[0]], []
    for channel, expression in enumerate(expressions[1:channels], 1):
        why = (
            ""
            if expression is None
            else _obstacle(first, expression, len([*filter(None, kept[1:])]))
        )
        if expression is not None and why:
            left_out.append(LeftOut(channel, expression.name, why))
        kept.append("" if expression is None or why else expression.name)
    added = Look(look.face, tuple(kept), idle) if any(kept[1:]) or idle else None
    return Layers(look.in_one_channel(), added, tuple(left_out))


def _obstacle(first: Expression | None, added: Expression, others: int) -> str:
    """Return the reason why an expression cannot be added to key frames; "" where there is none."""
    for one in (added, first):
        if one is not None and POSE in _regions(one):
            return f"{one.name} turns the head"
        if one is not None and "" in _regions(one):
            return f"{one.name} does not tell which part of a face it moves"
    if others == len(GRID):
        return f"key frames take {len(GRID)} channels beside the first"
    return ""


def _regions(expression: Expression) -> set[str]:
    return {part.movement.region for part in expression.parts}
