"""Figures of a finished face: how like the photo it is, and how well it moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vjnode.faces.expression import Expression, Face
from vjnode.faces.finding.regions import area
from vjnode.faces.identity import DlibIdentity
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.faces.photo.poses import pose
from vjnode.faces.photo.target import PX, as_picture, at_px
from vjnode.faces.photo.tuning import Tuned, draw
from vjnode.generators.mobilestylegan.layout import STYLES

GOOD, FAIR = (0.30, 0.45), (0.45, 0.58)
"""Largest distances of embeddings at rest, and of the worst expression; 0.6 is another person."""

LAUGH = "laugh"

_FAR_PX = 30
"""Distance from the face from which on pixels are around it, px of PX."""


@dataclass(frozen=True)
class Figures:
    """Distances of embeddings to the photo: at rest, and by expression at full.

    second: of the face at rest to another photo of the person; None: there is none. mouth: opening
    when it laughs, in distances of the eyes. around: change around the face meanwhile, levels;
    both None where it was not made to laugh.
    """

    rest: float
    moved: Mapping[str, float]
    second: float | None
    mouth: float | None
    around: float | None

    @property
    def worst(self) -> tuple[str, float]:
        """The expression that is least like the photo, and its distance; ("", 0) without any."""
        return max(self.moved.items(), key=lambda item: item[1], default=("", 0.0))

    @property
    def mean(self) -> float:
        """Mean distance of the expressions; 0 without any."""
        return float(np.mean(list(self.moved.values()))) if self.moved else 0.0

    @property
    def verdict(self) -> str:
        """``good``, ``fair`` or ``poor``."""
        reached = self.rest, self.worst[1]
        for name, limits in (("good", GOOD), ("fair", FAIR)):
            if all(one <= limit for one, limit in zip(reached, limits, strict=True)):
                return name
        return "poor"


def figures_of(
    tuned: Tuned,
    embedding: Tensor,
    expressions: Sequence[Expression],
    identity: DlibIdentity,
    second: Tensor | None,
) -> Figures:
    """Measure a face. embedding: of the photo. second: of another photo of the person."""
    meter = LandmarkMeter()
    codes = tuned.rest.codes
    face = Face("", "", codes[0].numpy(force=True))

    def seen(expression: Expression | None) -> tuple[Tensor, Tensor, float]:
        """Return picture at PX, embedding and opening of the mouth."""
        moved = pose(face, expression, 1.0, STYLES)
        with torch.no_grad():
            picture = at_px(draw(tuned.network, moved, codes)).clamp(0, 1)
            marks = meter.measure(as_picture(picture))
            return picture, identity(picture, torch.from_numpy(marks.points)), marks.mouth_open

    rest, at_rest, _ = seen(None)
    distances, mouth, around = dict[str, float](), None, None
    for expression in expressions:
        picture, found, opening = seen(expression)
        distances[expression.name] = float((found - embedding).norm())
        if expression.name == LAUGH:
            points = meter.measure(as_picture(rest)).points
            hull = area(points, tuple(range(len(points))), PX).astype(np.uint8)
            near = cv2.dilate(hull, np.ones((2 * _FAR_PX + 1,) * 2, np.uint8))
            change = (picture - rest).abs().mean(1)[0].numpy(force=True) * 255
            mouth, around = opening, float(change[near == 0].mean())
    return Figures(
        float((at_rest - embedding).norm()),
        distances,
        None if second is None else float((at_rest - second).norm()),
        mouth,
        around,
    )


def advice(figures: Figures, side: float) -> str:
    """Return what to do about a face. side: of its frame in the photo, px."""
    if figures.verdict == "good":
        return "nothing needs doing"
    if side < 512:
        return f"take a larger photo: the head has {side:.0f} px, 512 are good"
    if figures.rest > GOOD[0]:
        return "take a photo from the front, lips closed, in even light; or give it more --rounds"
    return f"look at {figures.worst[0]} before you show it; or give it more --rounds"
