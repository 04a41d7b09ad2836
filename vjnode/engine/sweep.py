"""A sweep: key frames of one face and one expression over the weight.

For a chosen face and expression the picture depends on one number. Drawing it takes a
tenth of a second on a processor; blending two neighbouring key frames takes about a
millisecond. So the keys are prepared in the background, coarse to fine, and each tick of
the show blends the two nearest that are there.
"""

import bisect
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray


def coarse_to_fine(keys: int) -> Iterator[int]:
    """Yield 0…keys−1 so that any beginning of it covers the range as evenly as it can.

    The ends come first (rest, so that a face is there at once; then the extreme), then
    the middles of what lies between, level by level.
    """
    yield 0
    if keys > 1:
        yield keys - 1
    gaps = [(0, keys - 1)]
    while gaps:
        finer = []
        for low, high in gaps:
            middle = (low + high) // 2
            if middle > low:
                yield middle
                finer += [(low, middle), (middle, high)]
        gaps = finer


class Sweep:
    """Key frames over the weight, from 0 at the first to 1 at the last.

    Filled by one thread while another blends: what is there is always consistent.
    """

    def __init__(self, *, keys: int, size: int) -> None:
        """Make an empty sweep of ``keys`` ≥ 2 pictures of ``size`` × ``size`` px."""
        self.keys = keys
        self.size = size
        self._pictures: list[NDArray[np.uint8] | None] = [None] * keys
        self._there: tuple[int, ...] = ()

    @property
    def ready(self) -> int:
        """How many keys are there."""
        return len(self._there)

    @property
    def nbytes(self) -> int:
        """Memory of the complete sweep, bytes."""
        return self.keys * self.size * self.size * 4

    def missing(self) -> int | None:
        """Return the key to prepare next, or None when the sweep is complete."""
        return next((key for key in coarse_to_fine(self.keys) if key not in self._there), None)

    def put(self, key: int, picture: NDArray[np.uint8]) -> None:
        """Add a key: shape (size, size, 4), uint8 RGBA, not to be changed afterwards."""
        self._pictures[key] = picture
        self._there = tuple(sorted({*self._there, key}))

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
