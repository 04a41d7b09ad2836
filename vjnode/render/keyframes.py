"""A sweep: key frames of one face and one expression over the weight.

For a chosen face and expression the picture depends on one number. Drawing it takes a
tenth of a second on a processor; blending two neighbouring key frames takes about a
millisecond. So the keys are prepared in the background, coarse to fine, and each tick of
the show blends the two nearest that are there.

Where the picture moves little, neighbouring keys blend so well into the one between them that
finer ones would not show; those are spared.
"""

import bisect
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.render.overlay import Overlay

KEYS = 64
"""Key frames of a look, where there is memory for so many."""

SMOOTH_DB = 32.5
"""From this quality on, of the worst part, a gap between keys is fine enough once it has been
halved. Halving makes blends some 8 dB better, to 40 dB; whole pictures then keep 43 dB."""

COARSEST = 8
"""Gaps of more than one part in this many are always halved: a movement may turn within them."""

_SIGHT_PX, _PART_PX = 256, 8
"""Blends are judged at this size, by the worst of their parts: ghosts show in a mouth first."""


def keys_within(memory_bytes: int, *, size: int, keys: int = KEYS) -> int:
    """Return how many keys of ``size`` px fit into ``memory_bytes``: 2 to ``keys``."""
    return max(2, min(keys, memory_bytes // (size * size * 4)))


def coarse_to_fine(keys: int) -> Iterator[int]:
    """Yield 0…keys−1 so that any beginning of it covers the range as evenly as it can.

    The ends come first (rest, so that a face is there at once; then the extreme), then
    the middles of what lies between, level by level.
    """
    yield 0
    if keys > 1:
        yield keys - 1
    yield from (middle for _, middle, _ in halvings(keys))


def halvings(keys: int) -> Iterator[tuple[int, int, int]]:
    """Yield low end, middle and high end of each gap that ``coarse_to_fine`` halves."""
    gaps = [(0, keys - 1)]
    while gaps:
        finer = []
        for low, high in gaps:
            middle = (low + high) // 2
            if middle > low:
                yield low, middle, high
                finer += [(low, middle), (middle, high)]
        gaps = finer


@cache  # a tick makes a sweep when a face is asked for that was not shown before
def _small_gaps(keys: int) -> Mapping[int, tuple[tuple[int, int, int], ...]]:
    """Return for each key the small gaps of which it is an end or the middle.

    Small ones alone are judged; each is its low end, its middle and its high end.
    """
    small = [gap for gap in halvings(keys) if 2 < gap[2] - gap[0] <= keys / COARSEST]
    return {key: tuple(gap for gap in small if key in gap) for key in range(keys)}


def likeness_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio, dB, of the part in which two pictures differ most.

    a, b: shape (size, size, 4), uint8.
    """
    sight = min(_SIGHT_PX, len(a))
    first, second = (
        cv2.resize(one, (sight, sight), interpolation=cv2.INTER_AREA) for one in (a, b)
    )
    error = np.square(cv2.absdiff(first, second)[..., :3], dtype=np.float32).mean(-1)
    parts = (max(sight // _PART_PX, 1),) * 2
    worst = float(cv2.resize(error, parts, interpolation=cv2.INTER_AREA).max())
    return float(10 * np.log10(255**2 / max(worst, 1e-6)))


class KeySet(Protocol):
    """Pictures of a look that are prepared one by one; see ``Sweep``."""

    keys: int

    @property
    def ready(self) -> int:
        """Return the number of keys that are there, or spared for good."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory once it is complete, bytes, as far as is known."""
        ...

    def weights_of(self, key: int) -> tuple[float, ...]:
        """Return the channels' weights at which a key is to be drawn."""
        ...

    def missing(self, in_hand: Collection[int] = ()) -> int | None:
        """Return the key to prepare next, or None when there is none left."""
        ...

    def put(self, key: int, picture: NDArray[np.uint8]) -> None:
        """Add a key: shape (size, size, 4), uint8 RGBA, not to be changed afterwards."""
        ...

    def take_in(self, key: int, picture: NDArray[np.uint8]) -> frozenset[int]:
        """Take in a key, which is there once it is noted. Returns: the keys that it spares."""
        ...

    def note(self, key: int, spared: frozenset[int]) -> None:
        """Have a key be there that was taken in; not from a thread that gives way to everything."""
        ...


class Sweep:
    """Key frames over the weight, from 0 at the first to 1 at the last.

    Filled by some threads while another blends: what is there is always consistent, and nobody
    who blends or takes a picture in ever waits.
    """

    def __init__(self, *, keys: int, size: int) -> None:
        """Make an empty sweep of ``keys`` ≥ 2 pictures of ``size`` × ``size`` px."""
        self.keys = keys
        self.size = size
        self._pictures: list[NDArray[np.uint8] | None] = [None] * keys
        self._there: tuple[int, ...] = ()
        self._spared: frozenset[int] = frozenset()
        self._filling = threading.Lock()
        self._small = _small_gaps(keys)

    def weights_of(self, key: int) -> tuple[float, ...]:
        """Return the weight, of one channel, at which a key is to be drawn."""
        return (key / (self.keys - 1),)

    @property
    def ready(self) -> int:
        """Return the number of keys that are there, or spared for good."""
        return len({*self._there, *self._spared})

    @property
    def drawn(self) -> int:
        """Return the number of keys that are there as pictures."""
        return len(self._there)

    @property
    def nbytes(self) -> int:
        """Memory of the complete sweep, bytes, as far as is known."""
        pictures = self.keys - len(self._spared.difference(self._there))
        return pictures * self.size * self.size * 4

    def missing(self, in_hand: Collection[int] = ()) -> int | None:
        """Return the key to prepare next, or None when there is none left.

        in_hand: keys that are being prepared already. What they may spare is left until then.
        """
        settled = {*self._there, *self._spared, *in_hand}
        for judged in in_hand:
            for low, _, high in self._small[judged]:
                settled |= {*range(low + 1, high)}
        return next((key for key in coarse_to_fine(self.keys) if key not in settled), None)

    def put(self, key: int, picture: NDArray[np.uint8]) -> None:
        """Add a key: shape (size, size, 4), uint8 RGBA, not to be changed afterwards."""
        self.note(key, self.take_in(key, picture))

    def take_in(self, key: int, picture: NDArray[np.uint8]) -> frozenset[int]:
        """Take in a picture, as for ``put``, which is there once it is noted.

        Returns: the keys that it spares. Where a small gap has both ends and its middle now, and
        blends well, those are the ones within it. That depends on these three pictures alone, and
        not on who came first.
        """
        self._pictures[key] = picture
        # Of several that come at once, the last sees all of them.
        well = [gap for gap in self._small[key] if self._blends_well(*gap)]
        return frozenset(each for low, _, high in well for each in range(low + 1, high))

    def note(self, key: int, spared: frozenset[int]) -> None:
        """Have a key be there that was taken in; not from a thread that gives way to everything.

        Others in a greater hurry wait for whoever is here, so it is for as short as can be.
        """
        with self._filling:
            self._there = tuple(sorted({*self._there, key}))
            self._spared |= spared.difference(self._there)

    def _blends_well(self, low: int, middle: int, high: int) -> bool:
        """Return whether three keys are there, and blending the outer ones gives the middle."""
        first, picture, second = (self._pictures[key] for key in (low, middle, high))
        if first is None or picture is None or second is None:
            return False
        share = (middle - low) / (high - low)
        blend = np.empty_like(picture)
        cv2.addWeighted(first, 1.0 - share, second, share, 0.0, dst=blend)
        return likeness_db(blend, picture) >= SMOOTH_DB

    def blend(self, weight: float, out: NDArray[np.uint8]) -> None:
        """Write the picture for ``weight`` (0…1) into ``out``, (size, size, 4) uint8 RGBA.

        Raises:
            ValueError: no key is there yet.
        """
        there = self._there
        if not there:
            raise ValueError("an empty sweep cannot be blended")
        position = min(max(weight, 0.0), 1.0) * (self.keys - 1)
        above = bisect.bisect_right(there, position)
        low, high = there[max(above - 1, 0)], there[min(above, len(there) - 1)]
        share = (position - low) / (high - low) if low < position < high else 0.0
        first, second = self._pictures[low], self._pictures[high]
        assert first is not None  # noqa: S101 - both are in self._there
        assert second is not None  # noqa: S101
        if share == 0.0:
            np.copyto(out, first)
        else:
            cv2.addWeighted(first, 1.0 - share, second, share, 0.0, dst=out)


class Blend:
    """A picture from key frames at given weights, made when it is copied.

    overlay: what other channels add, if there is one. leading: weight of the sweep, 0…1. weights:
    of all channels.
    """

    def __init__(
        self, sweep: Sweep, overlay: Overlay | None, leading: float, weights: Sequence[float]
    ) -> None:
        self._sweep, self._overlay = sweep, overlay
        self._leading, self._weights = leading, weights

    def copy_to(self, out: NDArray[np.uint8]) -> None:
        """Blend it into ``out``; see ``Picture.copy_to``."""
        self._sweep.blend(self._leading, out)
        if self._overlay is not None:
            self._overlay.add_to(out, self._weights)
