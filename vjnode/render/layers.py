"""Layers of a look: the channel that key frames hold, and those that are added to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations

from vjnode.faces.expression import Expression
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import Look
from vjnode.render.looks import expressions_of
from vjnode.render.overlay import GRID
from vjnode.render.poses import PosesOf

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

    keys: the leading channel, and those that are bound. added: all channels that can be shown;
        None where these are all. left_out: the others. alike: pairs of channels that are added and
        move the same part of a face, the earlier one first.
    """

    keys: Look
    added: Look | None
    left_out: tuple[LeftOut, ...] = ()
    alike: tuple[tuple[int, int], ...] = ()


LayersOf = Callable[[Look], Layers]


def poses_of(spec: GeneratorSpec, layers: LayersOf) -> PosesOf:
    """Return what gives the channels of a look that turn the head beside others."""

    @lru_cache(maxsize=256)
    def found(look: Look) -> tuple[int, ...]:
        if not layers(look).left_out:
            return ()
        channels = enumerate(expressions_of(look, spec)[: len(look.expressions)])
        return tuple(index for index, one in channels if one is not None and POSE in _regions(one))

    return found


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
    kept, left_out = list(look.expressions), list[LeftOut]()
    regions = dict[int, set[str]]()
    moved = [expressions[one] for one in (look.leading, *look.joint)]
    for channel, expression in enumerate(expressions[:channels]):
        if expression is None or channel == look.leading or look.bound(channel):
            continue
        if why := _obstacle([expression, *filter(None, moved)], len(regions)):
            left_out.append(LeftOut(channel, expression.name, why))
            kept[channel] = ""
        else:
            regions[channel] = _regions(expression)
    added = replace(look, expressions=tuple(kept), idle=idle) if regions or idle else None
    alike = (pair for pair in combinations(regions, 2) if regions[pair[0]] & regions[pair[1]])
    return Layers(look.in_one_channel(), added, tuple(left_out), tuple(alike))


def _obstacle(moving: Sequence[Expression], others: int) -> str:
    """Return the reason why an expression cannot be added to key frames; "" where there is none.

    moving: the expression, and those that key frames hold. others: number of those added before.
    """
    for one in moving:
        if POSE in _regions(one):
            return f"{one.name} turns the head"
        if "" in _regions(one):
            return f"{one.name} does not tell which part of a face it moves"
    if others == len(GRID):
        return f"key frames take {len(GRID)} channels beside the first"
    return ""


def _regions(expression: Expression) -> set[str]:
    return {part.movement.region for part in expression.parts}
