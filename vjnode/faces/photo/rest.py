"""A face in a photo that smiles, brought to rest: what its mouth does is measured and taken out.

It is measured by the face mesh on what the untuned generator draws, and taken out by the actions
that put it there: amounts below 0 of a smile, bared teeth and a jaw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vjnode.faces.catalogue import load_expression
from vjnode.faces.expression import Movement, directions_of
from vjnode.faces.finding.measures import MEASURES, SPREAD, measure
from vjnode.faces.photo.poses import Pose
from vjnode.generators.mobilestylegan.layout import DIM, SLOTS, STYLES

ACTIONS = ("smile", "teeth", "jaw")
_MOST = np.array((1.5, 0.3, 0.1))
"""Actions that are taken out, and how much of each at most. What shuts lips that a smile has parted
shuts them in a laugh as well: more of it would leave lips together, and a laugh that opens by half.
"""

NEUTRAL = {"mouth_open": 0.02, "mouth_width": 0.85, "corner_lift": 0.045}
"""Measures of a mouth at rest: their means over the faces that ship and keep it shut."""

SMILES = 1.0
"""Standard deviations of random faces by which a mouth differs from that when it counts."""

_RIDGE, _STEPS, _DELTA = 0.25, 4, 0.1


@dataclass(frozen=True)
class Rest:
    """A face at rest. codes: [1, slots, dim]. offsets: [STYLES], of the generator's affine maps.

    amounts: of ``ACTIONS``, that were taken out.
    """

    codes: Tensor
    offsets: Tensor
    amounts: tuple[float, ...]

    @property
    def seen(self) -> Pose | None:
        """The pose of the photo, as seen from this face; None: the photo is at rest itself."""
        if not any(self.amounts):
            return None
        codes = self.codes + _moved(self.amounts)[0]
        return Pose("photo", 1.0, codes, -self.offsets[None], turns=False, mouth=True, shuts=False)


Draw = Callable[[Tensor, Tensor], Tensor]
"""From codes, [1, slots, dim], and offsets, [1, STYLES], to the landmarks, (468, 3)."""


def brought_to_rest(codes: Tensor, look: Draw) -> Rest:
    """Return a face at rest, from the codes of one that may smile, [1, slots, dim]."""
    amounts = np.zeros(len(ACTIONS))

    def apart(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, offsets = _moved(tuple(amounts))
        with torch.no_grad():
            found = measure(look(codes - rows, -offsets[None])).tolist()
        values = dict(zip(MEASURES, found, strict=False))
        return np.array([(values[name] - at) / SPREAD[name] for name, at in NEUTRAL.items()])

    now = apart(amounts)
    if not _smiles(now):
        return as_it_is(codes)
    for _ in range(_STEPS):
        # Gauss and Newton: each action by itself, then the step that suits them all.
        change = np.stack([(apart(amounts + one) - now) / _DELTA for one in _DELTA * np.eye(3)], 1)
        square = change.T @ change + _RIDGE * np.eye(3)
        step = np.linalg.solve(square, change.T @ now + _RIDGE * amounts)
        amounts = np.clip(amounts - step, 0.0, _MOST)
        now = apart(amounts)
    taken = tuple(float(one) for one in amounts)
    rows, offsets = _moved(taken)
    return Rest((codes - rows).contiguous(), -offsets, taken)


def as_it_is(codes: Tensor) -> Rest:
    """Return a face whose rest is what the photo shows. codes: [1, slots, dim]."""
    return Rest(codes, torch.zeros(STYLES), (0.0,) * len(ACTIONS))


def _smiles(apart: NDArray[np.float64]) -> bool:
    opened, wider, lifted = apart
    return bool(opened > SMILES or wider + lifted > 2 * SMILES)


def _moved(amounts: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Return what amounts of actions add to codes, [1, slots, dim], and to offsets, [STYLES]."""
    # They add, and do not multiply: the codes that they move do not matter.
    directions, offsets = directions_of(_movements(), np.zeros((SLOTS, DIM), np.float32))
    shares = np.array(amounts, np.float32)
    rows = np.tensordot(shares, directions, 1)[None]
    return torch.as_tensor(rows), torch.as_tensor(shares @ offsets)


@cache
def _movements() -> tuple[Movement, ...]:
    return tuple(load_expression(name).parts[0].movement for name in ACTIONS)
