"""Latents of looks on their way into one another."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from vjnode.faces.catalogue import load_face
from vjnode.faces.expression import (
    Expression,
    Face,
    Movement,
    amounts_of,
    directions_of,
    moved_sides,
    movements_of,
    weights_on,
)
from vjnode.generators.latent import Latent, Side, Subject, Weights, fused
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import MIXED, Look
from vjnode.render.looks import expressions_of, weights_of
from vjnode.render.morph import Leg, Part

_LEGS = 2
"""Legs whose subjects are kept: at a hand-over, one may still be shown."""

OwnWeights = Callable[[Look], Weights | None]
"""From a look to the weights of its face's own that draw it; None: the generator's do."""

_Parts = tuple[Face, tuple[Expression | None, ...]]


class Mixtures:
    """Latents along a ``Leg``: style codes and amounts of movements pass over in proportion.

    A leg has one subject: the codes of its start, the direction to those of its target, and the
    movements of all its looks. So an engine is told it once, and then amounts alone. Where there
    are more movements than a picture takes, the last ones become one, anew with every picture.

    A movement's limits hold along the way because they hold for each of the looks. Poses that are
    held for key frames move here as they are asked to.

    own: codes of faces with weights of their own only mix with those of the same weights; where it
    is not given, all faces are drawn by the generator's.
    """

    def __init__(self, spec: GeneratorSpec, own: OwnWeights = lambda _: None) -> None:
        self._spec, self._own = spec, own
        self._kept = lru_cache(maxsize=_LEGS * MIXED)(self._subject)
        self._parted = lru_cache(maxsize=_LEGS)(self._parts_of)

    def latents(
        self, leg: Leg, share: float, weights: Sequence[float]
    ) -> list[tuple[Latent, float]]:
        """Return the latents that are dissolved after ``share`` (0…1) of a leg, with their shares.

        One for each set of weights that draws some of its looks, ``MIXED`` at most; their order
        is the same all along the leg.
        """
        parted = self._parted(leg)
        if len(parted) == 1:
            return [(self.latent(leg, share, weights), 1.0)]
        parts = [(part.leg, *part.at(share)) for part in parted]
        seen = sorted((one for one in parts if one[1] > 0.0), key=lambda one: one[1])[-MIXED:]
        return [
            (self.latent(part, at, weights), whole)
            for part, whole, at in parts
            if (part, whole, at) in seen
        ]

    def latent(self, leg: Leg, share: float, weights: Sequence[float]) -> Latent:
        """Return the latent after ``share`` (0…1) of a leg, with its channels' weights (0…1)."""
        subject, movements = self._kept(leg)
        mix = [
            (part, self._parts(look)[1], weights_of(look.let_go(), weights))
            for look, part in leg.mix(share).items()
        ]

        def mixed(side: Side | None) -> Latent:
            summed = dict.fromkeys(movements, 0.0)
            for part, expressions, given in mix:
                amounts = amounts_of(expressions, weights_on(side, expressions, given))
                for movement, amount in zip(movements_of(expressions), amounts, strict=True):
                    summed[movement] += part * float(amount)
            return Latent(subject, np.array([share, *summed.values()], np.float32))

        moved = (moved_sides(expressions, given) for _, expressions, given in mix)
        halves = tuple((side, mixed(side)) for side in dict.fromkeys(chain.from_iterable(moved)))
        return fused(replace(mixed(None), halves=halves))

    def _parts_of(self, leg: Leg) -> tuple[Part, ...]:
        return leg.parted(self._own)

    def _parts(self, look: Look) -> _Parts:
        return load_face(look.face, self._spec), expressions_of(look, self._spec)

    def _subject(self, leg: Leg) -> tuple[Subject, tuple[Movement, ...]]:
        codes: NDArray[np.float32] = np.zeros(self._spec.codes_shape, np.float32)
        for look, part in leg.start.items():
            codes += np.float32(part) * self._parts(look)[0].codes
        looks = (*leg.start, leg.target)
        movements = movements_of([one for look in looks for one in self._parts(look)[1]])
        directions, offsets = directions_of(movements, codes)
        way = self._parts(leg.target)[0].codes - codes
        unmoved = np.zeros((1, offsets.shape[1]), np.float32)
        subject = Subject(
            codes,
            np.concatenate([way[None], directions]),
            np.concatenate([unmoved, offsets]),
            self._own(leg.target),
        )
        return subject, movements
