"""An overlay: what further channels add to the picture of the first, as differences of pictures.

Key frames hold one channel. A second moves another part of the face, so the difference that it
makes there is added to them: frame(w₁, w₂) ≈ frame(w₁, 0) + D₂(w₁, w₂), and a third adds
D₃(w₁, w₂, w₃). The differences are drawn on a grid of weights and interpolated between. They depend
on the channels before as well, for lids that a laugh narrows close otherwise than wide ones: added
up regardless of each other, a laugh and raised brows come to 30 dB of the true picture of a face,
and on this grid to 38 to 43.

A difference is kept of the box alone in which its channel changes anything, halved and about 128,
as uint8: it fades to nothing at the box's edges.
"""

import bisect
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vjnode.render.differences import (
    Box,
    CoarseSum,
    Difference,
    box_of,
    coarse,
    coarse_side,
    difference,
    margin_of,
    sides_of,
)

_HALVES, _THIRDS = (0.0, 1 / 2, 1.0), (0.0, 1 / 3, 2 / 3, 1.0)
_EARLY, _EARLY_AND_LATE, _AROUND = (0.0, 0.4, 1.0), (0.0, 0.4, 2 / 3, 1.0), (0.0, 0.4, 0.6, 1.0)

GRID = (
    (_EARLY_AND_LATE, _AROUND),
    (_THIRDS, _EARLY, _EARLY),
    (_HALVES, _EARLY, (0.0, 1.0), (0.0, 1.0)),
)
"""Points over the weights of the first, second and third channel that is added: over its own, and
over that of each channel before it. A difference is one to a picture at the same weights of those,
so most points over them are also their own: that spares pictures. Chosen on some faces for laughs
with raised brows and shut lids, and for two sets of four; ``tools/check/overlays.py`` measures it.
"""

ALIKE = _THIRDS
"""Points over the weight of a channel before that moves the same part of the face."""

IDLE = _HALVES
"""Points over the weight of what a face does by itself."""

_LEAST = 1 / 256  # a smaller share changes nothing that is seen

Node = tuple[float, ...]
"""Weights of all channels, at which a picture is drawn."""


@dataclass
class _Added:
    """One channel that is added.

    channel: its index. before: indices of the channels that its differences depend on.
    own, others: points over its weight, and over each of theirs. differences: by node, without
    those where its weight is 0. whole: whether every node is there, and not only those at which
    the others rest.
    """

    channel: int
    before: tuple[int, ...]
    own: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]
    box: Box | None = None
    margin: NDArray[np.float32] | None = None
    differences: dict[Node, Difference] = field(default_factory=dict)
    ready: bool = False
    whole: bool = False


class Overlay:
    """Differences that channels make, filled by some threads while another adds them to pictures.

    Args:
        channels: of each channel, whether it shows anything of its own.
        size: of pictures, px.
        leading: the channel of the key frames.
        alike: pairs of added channels that move the same part of a face, the earlier one first.
        idle: number of weights behind those of the channels whose differences depend on no other.
    """

    def __init__(
        self,
        channels: Sequence[bool],
        size: int,
        *,
        leading: int = 0,
        alike: Collection[tuple[int, int]] = (),
        idle: int = 0,
    ) -> None:
        self.size = size
        shown = [index for index, shows in enumerate(channels) if shows and index != leading]
        first = (leading,) if channels[leading] else ()
        self._count = len(channels) + idle
        self._added: list[_Added] = []
        for number, (index, (own, *others)) in enumerate(zip(shown, GRID, strict=False)):
            before = (*first, *shown[:number])
            points = tuple(
                ALIKE if (one, index) in alike else these
                for one, these in zip(before, others[len(others) - len(before) :], strict=True)
            )
            self._added.append(_Added(index, before, own, points))
        for index in range(len(channels), self._count):
            self._added.append(_Added(index, (), IDLE, ()))
        self._nodes = self._in_order()
        self.keys = len(self._nodes)
        """Number of pictures that it is made from."""
        self._keys = {node: key for key, node in enumerate(self._nodes)}
        self._there: frozenset[int] = frozenset()
        self._pictures: dict[int, NDArray[np.uint8]] = {}
        """Whole at first, and their part within all boxes once these are known."""
        self._coarse: dict[int, NDArray[np.float32]] = {}
        self._sum = CoarseSum(size)
        self._cropped: frozenset[int] = frozenset()
        self._around: Box | None = None
        self._filling = threading.Lock()

    @property
    def ready(self) -> int:
        """Return the number of pictures that have been taken in."""
        return len(self._there)

    @property
    def nbytes(self) -> int:
        """Memory once it is complete, bytes; an estimate until the boxes are known."""
        if self._around is None:
            return self.keys * self.size**2
        around = 6 * coarse_side(self.size) ** 2
        sides = [(one, sides_of(one.box)) for one in self._added if one.box is not None]
        return sum(
            (4 * high * wide + around) * len(self._nodes_of(one)) for one, (high, wide) in sides
        )

    def weights_of(self, key: int) -> Node:
        """Return the channels' weights at which a picture is to be drawn."""
        return self._nodes[key]

    def missing(self, in_hand: Collection[int] = ()) -> int | None:
        """Return the picture to prepare next, or None when there is none left."""
        settled = self._there.union(in_hand)
        return next((key for key in range(self.keys) if key not in settled), None)

    def put(self, key: int, picture: NDArray[np.uint8]) -> None:
        """Add a picture: shape (size, size, 4), uint8 RGBA, not to be changed afterwards."""
        self.note(key, self.take_in(key, picture))

    def take_in(self, key: int, picture: NDArray[np.uint8]) -> frozenset[int]:
        """Take in a picture, which counts once it is noted. Returns: keys that it spares, none."""
        if key not in self._there:  # else it is cropped, or let go
            self._coarse[key] = coarse(picture)
            self._pictures[key] = picture
        return frozenset()

    def note(self, key: int, spared: frozenset[int] = frozenset()) -> None:
        """Make what can be made of a picture that was taken in; whoever adds waits for nothing."""
        with self._filling:
            if key in self._there:
                return
            self._there |= {key} | spared
            if self._around is None:
                first = {0, *(self._alone(one) for one in self._added)}
                if not first <= self._there:
                    return
                self._find_boxes()
            self._crop()
            for one in self._added:
                self._fill(one)
            if self.ready == self.keys:
                self._pictures.clear()
                self._coarse.clear()

    def add_to(self, out: NDArray[np.uint8], weights: Sequence[float]) -> None:
        """Add what the further channels do to ``out``, (size, size, 4) uint8 RGBA, in place.

        weights: 0…1, of all channels; those that are missing are 0, and more than it has are not
            looked at. ``out`` shows the first.
        """
        filled = (*weights[: self._count], *(0.0,) * (self._count - len(weights)))
        acting = [
            one
            for one in self._added
            if one.ready and one.box is not None and filled[one.channel] > _LEAST
        ]
        if acting:
            self._sum.add_to(out, (each for one in acting for each in _at(one, filled)))

    def _in_order(self) -> list[Node]:
        """Return all nodes: what each channel does alone first, then with the others."""
        rest = (0.0,) * self._count
        extremes = [_with(rest, {one.channel: 1.0}) for one in self._added]
        alone = [_with(rest, {one.channel: w}) for one in self._added for w in one.own]
        together = [
            _with(rest, dict(zip((*one.before, one.channel), weights, strict=True)))
            for one in self._added
            for weights in product(*one.others, one.own)
        ]
        return list(dict.fromkeys([rest, *extremes, *alone, *together]))

    def _alone(self, one: _Added) -> int:
        return self._keys[_with(self._nodes[0], {one.channel: 1.0})]

    def _find_boxes(self) -> None:
        rest = self._pictures[0]
        for one in self._added:
            one.box = box_of(rest, self._pictures[self._alone(one)])
            if one.box is not None:
                one.margin = margin_of(one.box, self.size)
        boxes = [one.box for one in self._added if one.box is not None]
        self._around = (
            (
                slice(min(rows.start for rows, _ in boxes), max(rows.stop for rows, _ in boxes)),
                slice(min(cols.start for _, cols in boxes), max(cols.stop for _, cols in boxes)),
            )
            if boxes
            else (slice(0, 1), slice(0, 1))
        )

    def _crop(self) -> None:
        """Keep of whole pictures what lies within all boxes."""
        assert self._around is not None  # noqa: S101 - they have been found
        for key in self._there - self._cropped:
            self._pictures[key] = self._pictures[key][self._around].copy()
        self._cropped = self._there

    def _fill(self, one: _Added) -> None:
        """Make the differences of a channel that have become possible."""
        if one.whole or one.box is None or one.margin is None or self._around is None:
            return
        (rows, cols), (top, left) = one.box, (self._around[0].start, self._around[1].start)
        within = (
            slice(rows.start - top, rows.stop - top),
            slice(cols.start - left, cols.stop - left),
        )
        wanted = self._nodes_of(one)
        for node in wanted:
            base = self._keys[_with(node, {one.channel: 0.0})]
            key = self._keys[node]
            if node not in one.differences and {key, base} <= self._there:
                one.differences[node] = difference(
                    one.box,
                    one.margin,
                    self._pictures[base][within],
                    self._pictures[key][within],
                    self._coarse[key] - self._coarse[base],
                )
        alone = [node for node in wanted if not any(node[index] for index in one.before)]
        one.ready = all(node in one.differences for node in alone)
        one.whole = len(one.differences) == len(wanted)

    def _nodes_of(self, one: _Added) -> list[Node]:
        """Return the nodes at which a channel acts, with what it depends on and nothing else."""
        points = dict(zip(one.before, one.others, strict=True)) | {one.channel: one.own}
        return [
            node
            for node in self._nodes
            if node[one.channel]
            and all(weight in points.get(index, (0.0,)) for index, weight in enumerate(node))
        ]


def _with(node: Node, weights: dict[int, float]) -> Node:
    return tuple(weights.get(index, weight) for index, weight in enumerate(node))


def _at(one: _Added, weights: Sequence[float]) -> list[tuple[Difference, float]]:
    """Return what a channel adds at these weights: differences at the nodes around, and shares."""
    corners: list[tuple[Node, float]] = [((0.0,) * len(weights), 1.0)]
    known = list(zip(one.before, one.others, strict=True)) if one.whole else []
    for index, points in [*known, (one.channel, one.own)]:
        low, high, share = _between(points, weights[index])
        corners = [
            (_with(node, {index: point}), before * part)
            for node, before in corners
            for point, part in ((low, 1.0 - share), (high, share))
            if before * part >= _LEAST
        ]
    # Nothing is added where the channel itself is at rest.
    return [(one.differences[node], share) for node, share in corners if node[one.channel]]


def _between(points: Sequence[float], weight: float) -> tuple[float, float, float]:
    """Return the points below and above a weight (0…1), and its part of the way between them."""
    above = min(max(bisect.bisect_right(points, weight), 1), len(points) - 1)
    low, high = points[above - 1], points[above]
    return low, high, min(max((weight - low) / (high - low), 0.0), 1.0)
