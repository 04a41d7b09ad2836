"""Widening of a tuned face's laugh, where its mouth opens too little.

Tuning takes away some of what the untuned generator opens, of some faces much. But the tuned
generator opens a mouth further when it is asked for more, with this person's lips and teeth, where
the untuned one breaks them. So it becomes its own teacher: in a few last rounds, of laughs alone,
it learns to show at an amount what it has shown at a larger one.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import cycle, islice

import torch
from torch import Tensor

from vjnode.faces.expression import Expression, Face
from vjnode.faces.finding.measures import MEASURES, measure
from vjnode.faces.photo.opening import FACTORS, LAUGH
from vjnode.faces.photo.poses import Pose, pose, with_rest
from vjnode.faces.photo.settings import Rounds, Settings
from vjnode.faces.photo.stages import Stage, Stages
from vjnode.faces.photo.target import Target
from vjnode.faces.photo.tuning import OUTPUT_COSTS, Tools, Tuned, TuningLoss, draw
from vjnode.generators.mobilestylegan.layout import STYLES
from vjnode.generators.mobilestylegan.tuned import Network, in_trunk, tunable

_WEIGHTS = (1.0, 0.75, 1.0, 0.5)
"""Of the laugh, that are drawn in turn."""

_RATE, _HELD = 0.7, 0.3
"""Factor of the rate of tuning, and part of the rounds after which it falls."""

_LEAST = 0.01
"""By what a factor opens the mouth further at least, eye distances; else nothing is learned."""


def widen(
    tuned: Tuned,
    target: Target,
    expressions: Sequence[Expression],
    *,
    size: int,
    rounds: Rounds,
    settings: Settings,
    tools: Tools,
    stages: Stages,
) -> Tuned:
    """Return a tuned face whose laugh opens the mouth as far as is enough, or nearly so.

    One that opens it so far already is returned as it is, and one that does not laugh.
    size: of the pictures that are shown, px. expressions: that the face is to have.
    """
    laugh = next((one for one in expressions if one.name == LAUGH), None)
    cost = OUTPUT_COSTS[size]
    factor = 1.0
    if laugh is not None and rounds.laughs:
        factor = _factor_of(tuned, laugh, settings, tools)
    if laugh is None or factor == 1:
        stages.skip(cost * rounds.laughs)
        return tuned
    network: Network = deepcopy(tuned.network)  # the other one is the teacher, and saved as it is
    # What makes shapes alone: so few rounds of all layers left specks around a head that turned.
    moved: dict[str, Tensor] = {
        name: value for name, value in tunable(network).items() if in_trunk(name)
    }
    learning = replace(tuned, network=network, before=tuned.network)
    poses = list(
        zip(
            _poses(tuned, laugh, rounds.laughs, 1.0),
            _poses(tuned, laugh, rounds.laughs, factor),
            strict=True,
        )
    )
    losses = TuningLoss(learning, poses, target, settings, tools, fine=True)
    stages.run(Stage(rounds.laughs, _RATE * settings.rate, _HELD, cost, moved, losses))
    return replace(tuned, network=network, wider_last=factor)


def factor_for(opening: Callable[[float], float], enough: float, wanted: float) -> float:
    """Return the factor of what opens the mouth that a face is to learn; 1: none.

    opening: from a factor to how far the mouth opens, eye distances. enough: opening that is left
    alone. wanted: the first factor is taken that opens the mouth so far, or the one that opens it
    furthest: it may rise by little, and then on.
    """
    first = furthest = opening(FACTORS[0])
    if first >= enough:
        return 1.0
    found = FACTORS[0]
    for factor in FACTORS[1:]:
        reached = opening(factor)
        if reached > furthest and reached >= first + _LEAST:
            found, furthest = factor, reached
        if reached >= wanted:
            break
    return found


def _factor_of(tuned: Tuned, laugh: Expression, settings: Settings, tools: Tools) -> float:
    """Return the factor for a face; it is measured at the shown size, as a show draws it."""

    def opening(factor: float) -> float:
        asked = pose(_face(tuned), laugh, 1.0, STYLES, wider=factor)
        with torch.no_grad():
            points = tools.mesh.points(draw(tuned.network, asked, tuned.rest.codes))
            return float(measure(points)[MEASURES.index("mouth_open")])

    return factor_for(opening, settings.enough, settings.widened)


def _poses(tuned: Tuned, laugh: Expression, rounds: int, wider: float) -> list[Pose]:
    """Return the pose of each round. wider: see ``pose``."""
    face = _face(tuned)
    laughs = [
        pose(face, laugh, weight, STYLES, wider=wider) for weight in islice(cycle(_WEIGHTS), rounds)
    ]
    if tuned.rest.seen is None:
        return laughs
    return with_rest(laughs, pose(face, None, 0.0, STYLES))[:rounds]


def _face(tuned: Tuned) -> Face:
    return Face("", "", tuned.rest.codes[0].numpy(force=True))
