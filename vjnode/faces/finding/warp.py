"""A face that moved, brought back to where it was: what is left is a change of its surface.

Landmarks of the picture at rest and of the moved one say where each place of the face went. So a
head can be turned, and glasses, beard and light held.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from vjnode.faces.finding.regions import EYES, OVAL, area

GRID_PX = 128
"""Size at which surfaces are compared, px."""

_NEIGHBOURS = 6
_GLASSES = 2.2, 3.0
"""Size of the regions that glasses lie in, in widths of an eye, and their weight."""


@dataclass(frozen=True)
class Surface:
    """A face at rest as a grid of places, each tied to the landmarks around it.

    places: [N], of a GRID_PX grid. colours: [3, N], 0…1. weight: [N]; where glasses are, more.
    near: [N, k] landmarks, and shares: [N, k] of each; shift: [N, 2] from where they say to the
    place itself, in picture widths.
    """

    colours: Tensor = field(repr=False)
    weight: Tensor = field(repr=False)
    near: Tensor = field(repr=False)
    shares: Tensor = field(repr=False)
    shift: Tensor = field(repr=False)


def surface(picture: Tensor, points: NDArray[np.float32]) -> Surface:
    """Return the surface of a face. picture: [1, 3, px, px]. points: (468, 3), picture widths."""
    mask = area(points, OVAL, GRID_PX)
    weight = np.ones(mask.shape, np.float32)
    for eye in EYES:
        weight[area(points, eye, GRID_PX, _GLASSES[0])] = _GLASSES[1]
    bridge = [168, 6, 133, 362, 55, 285]
    weight[area(points, bridge, GRID_PX, 1.1)] = _GLASSES[1]
    ys, xs = np.nonzero(mask)
    at = torch.from_numpy((np.stack((xs, ys), 1) + 0.5) / GRID_PX).float()
    marks = torch.from_numpy(points[:, :2]).float()
    far, near = torch.cdist(at, marks).topk(_NEIGHBOURS, largest=False)
    shares = 1 / (far.square() + 1e-5)
    shares = shares / shares.sum(1, keepdim=True)
    shift = at - (marks[near] * shares[..., None]).sum(1)
    return Surface(_at(picture, at), torch.from_numpy(weight[mask]), near, shares, shift)


def changed(rest: Surface, picture: Tensor, points: Tensor) -> Tensor:
    """Return how far a moved face's surface differs from the one at rest, []: mean square.

    picture: [1, 3, px, px], 0…1. points: its landmarks; no gradient flows through them.
    """
    at = (points[:, :2][rest.near] * rest.shares[..., None]).sum(1) + rest.shift
    difference = (_at(picture, at) - rest.colours).square().mean(0)
    return (difference * rest.weight).sum() / rest.weight.sum()


def _at(picture: Tensor, places: Tensor) -> Tensor:
    """Return the colours, [3, N], at places [N, 2], in picture widths."""
    small = F.avg_pool2d(picture, max(1, picture.shape[3] // GRID_PX))
    return F.grid_sample(small, 2 * places[None, None] - 1, align_corners=False)[0, :, 0]
