"""The studio: faces of a generator, drawn and measured so that gradients flow through all of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from vjnode.faces.finding.eyes import iris
from vjnode.faces.finding.measures import measure, mouth_light
from vjnode.faces.finding.mesh import Box, FaceMesh
from vjnode.faces.finding.regions import movable
from vjnode.faces.finding.warp import Surface, surface

SLACK = 0.05
"""Levels beyond black and white, of 1, that are kept: a gradient flows through them."""


class Identity(Protocol):
    """A network that tells persons apart."""

    def __call__(self, picture: Tensor, points: Tensor) -> Tensor:
        """Return the embedding, [E], of the face in a picture, [1, 3, H, W], 0…1.

        points: its landmarks, (468, 3), in picture widths.
        """
        ...


@dataclass(frozen=True)
class Styles:
    """Part of a generator that a finder may move.

    offsets: indices among the generator's factors that offsets may be added to, [n].
    spread: standard deviation of these factors over random faces, [n].
    rows: slots whose codes may be moved as well. pose_rows: slots that turn the head.
    root: [dim, dim], the square root of the codes' covariance, times the usual truncation: a
        step of length 1 through it is as likely in every direction.
    """

    offsets: Tensor
    spread: Tensor
    rows: tuple[int, ...]
    pose_rows: tuple[int, ...]
    root: Tensor


@dataclass(frozen=True)
class Sitter:
    """A face at rest, with all that its movements are compared with.

    codes: [1, slots, dim]. picture: [1, 3, px, px], 0…1. measures: [len(MEASURES)].
    embedding: [E]; empty without a network that tells persons apart. masks: by region, [px, px].
    points: landmarks, (468, 3), in picture widths. surface: of the face, for heads that turn.
    """

    codes: Tensor
    picture: Tensor
    box: Box
    measures: Tensor
    embedding: Tensor
    masks: dict[str, Tensor] = field(repr=False)
    points: Tensor = field(repr=False)
    surface: Surface = field(repr=False)


@dataclass(frozen=True)
class Seen:
    """Measures of a picture, with their gradients.

    points: landmarks, (468, 3), in picture widths, without gradient. measures: [len(MEASURES)].
    embedding: [E]. mouth_light: of ``mouth_light``, [].
    """

    points: Tensor
    measures: Tensor
    embedding: Tensor
    mouth_light: Tensor


class Studio:
    """Draws and measures.

    levels: from codes [1, slots, dim], noise strength [1] and offsets [1, styles] to the picture,
        [1, 4, px, px], 0…255, as the folded generators do.
    count: of the generator's factors. identity: None: persons are not told apart.
    """

    def __init__(
        self,
        levels: Callable[[Tensor, Tensor, Tensor], Tensor],
        styles: Styles,
        count: int,
        identity: Identity | None,
    ) -> None:
        self.styles, self.identity, self.mesh = styles, identity, FaceMesh()
        self._levels, self._count = levels, count

    def draw(self, codes: Tensor, offsets: Tensor) -> Tensor:
        """Return the picture, [1, 3, px, px], 0…1, of codes with whitened offsets, [n]."""
        whole = torch.zeros(self._count).index_add(
            0, self.styles.offsets, offsets * self.styles.spread
        )
        levels = self._levels(codes, torch.ones(1), whole[None])[:, :3] / 255
        return levels.clamp(-SLACK, 1 + SLACK)

    def seat(self, code: Tensor, slots: int) -> Sitter:
        """Return the face of a style code [dim], at rest."""
        codes = code.expand(1, slots, -1)
        with torch.no_grad():
            picture = self.draw(codes, torch.zeros(len(self.styles.offsets)))
            box = self.mesh.box(picture)
            points = self.mesh.points(picture, box)
            masks = movable(points.numpy(), picture.shape[-1])
            return Sitter(
                codes,
                picture,
                box,
                torch.cat((measure(points), iris(picture, points))),
                self.embed(picture, points),
                {name: torch.from_numpy(mask) for name, mask in masks.items()},
                points,
                surface(picture, points.numpy()),
            )

    def look(self, picture: Tensor, box: Box | None) -> "Seen":
        """Return what is seen in a picture. box: of the face; None: find it."""
        box = self.mesh.box(picture.detach()) if box is None else box
        points = self.mesh.points(picture, box)
        found = points.detach()
        return Seen(
            found,
            torch.cat((measure(points), iris(picture, found))),
            self.embed(picture, found),
            mouth_light(picture, found),
        )

    def embed(self, picture: Tensor, points: Tensor) -> Tensor:
        """Return the embedding of the face in a picture; empty where none is computed."""
        return torch.zeros(0) if self.identity is None else self.identity(picture, points)
