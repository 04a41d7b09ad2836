"""Poses of a face: its expressions at several weights, as a generator is given them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vjnode.faces.expression import (
    Expression,
    Face,
    Movement,
    latent_in,
    movements_of,
    subject_of,
)
from vjnode.faces.photo.settings import WEIGHTS

BLINK, SHUT = "blink", 0.7
"""Action that shuts the eyes, and its amount from which on they are shut."""


_OPENS = 0.5
"""Share of a jaw's opening from which on a movement counts as one that opens the mouth."""


@dataclass(frozen=True)
class Pose:
    """One expression at one weight. Of one that moves half a face, both halves move.

    codes: [1, slots, dim]. offsets: [1, styles]. turns: whether the head turns. mouth: whether it
    moves. shuts: whether eyes are shut, so that none of their colours is to be seen. opens: whether
    the mouth opens.
    """

    name: str
    weight: float
    codes: Tensor
    offsets: Tensor
    turns: bool
    mouth: bool
    shuts: bool
    opens: bool = False


def pose(
    face: Face, expression: Expression | None, weight: float, styles: int, *, wider: float = 1.0
) -> Pose:
    """Return a face in one pose; without an expression, at rest.

    wider: factor of the amounts that open the mouth, beyond what holds them in a show.
    """
    expressions = [] if expression is None else [expression]
    latent = latent_in(subject_of(face, expressions), expressions, [weight])
    if latent.halves:
        latent = latent.halves[0][1]
    if wider != 1:
        factors = [wider if opens(one) else 1.0 for one in movements_of(expressions)]
        latent = replace(latent, amounts=latent.amounts * np.array(factors, np.float32))
    offsets = np.zeros(styles, np.float32)
    moved = latent.offsets()
    offsets[: len(moved)] = moved
    regions = {part.movement.region for one in expressions for part in one.parts}
    return Pose(
        "" if expression is None else expression.name,
        weight,
        torch.as_tensor(latent.codes())[None],
        torch.as_tensor(offsets)[None],
        turns="pose" in regions,
        mouth="mouth" in regions,
        shuts=any(_blink(one, weight) >= SHUT for one in expressions),
        opens=any(opens(one) for one in movements_of(expressions)),
    )


def opens(movement: Movement) -> bool:
    """Return whether a movement opens the mouth by half as much as a jaw, or more."""
    return movement.opens_mouth >= _OPENS


def _blink(expression: Expression, weight: float) -> float:
    """Return the amount of the blink in an expression at a weight."""
    return sum(
        float(np.interp(weight, expression.weights, part.amounts))
        for part in expression.parts
        if part.movement.name == BLINK
    )


def order(expressions: int, rounds: int, seed: int) -> list[tuple[int, float]]:
    """Return which expression is drawn in each round, and its weight; the same for the same seed.

    All come once before any comes again, in an order that is drawn anew each time, and each comes
    with all weights in turn.
    """
    rng = np.random.default_rng(seed)
    found: list[tuple[int, float]] = []
    shifts = rng.permutation(expressions)
    turn = 0
    while len(found) < rounds and expressions:
        for which in rng.permutation(expressions):
            # From full down, for at full most can break.
            weight = WEIGHTS[::-1][(turn + int(shifts[which])) % len(WEIGHTS)]
            found.append((int(which), weight))
        turn += 1
    return found[:rounds]


REST_EVERY = 4
"""Of a photo that smiles, the face at rest comes in one of so many rounds: it is seen most."""


def with_rest(poses: Sequence[Pose], rest: Pose) -> list[Pose]:
    """Return poses with the face at rest between them. rest: as it is drawn."""
    calm = replace(rest, name="rest", mouth=True)
    found = list[Pose]()
    for i, one in enumerate(poses):
        if i % (REST_EVERY - 1) == 0:
            found.append(calm)
        found.append(one)
    return found


def poses_of(
    face: Face,
    expressions: Sequence[Expression],
    rounds: int,
    seed: int,
    styles: int,
    *,
    wider: float = 1.0,
) -> list[Pose]:
    """Return the pose of each round; see ``order`` and ``pose``."""
    return [
        pose(face, expressions[which], weight, styles, wider=wider)
        for which, weight in order(len(expressions), rounds, seed)
    ]
