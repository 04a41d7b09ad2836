"""Two pictures under way at once: while one is copied back, the next is drawn.

What engines on a graphics card share. Each picture takes one of two places in turn, which has
all the memory that it needs, so that neither ever waits for the other's.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.mobilestylegan.layout import DIM, SLOTS

PLACES = 2

_PATIENCE_S = 0.0005
"""How often a drawing is asked whether it is still wanted; one takes about a millisecond."""


class Overlapping(ABC):
    """An engine that can be given the next picture before it is asked for the last one.

    A subclass says how a picture is begun at a place, whether it is there, and how it is had.
    """

    _under_way: int = 0
    _next: int = 0

    def submit(self, codes: NDArray[np.float32]) -> None:
        """Begin to draw; as for ``Engine.draw``. At most ``PLACES`` pictures can be under way.

        Raises:
            ValueError: the codes have another shape, or too many pictures are under way.
        """
        if codes.shape != (SLOTS, DIM):
            raise ValueError(f"codes have shape {codes.shape}, not {(SLOTS, DIM)}")
        if self._under_way == PLACES:
            raise ValueError(f"{PLACES} pictures are under way; collect one first")
        self._begin(self._next, codes)
        self._next, self._under_way = (self._next + 1) % PLACES, self._under_way + 1

    def collect(self) -> NDArray[np.uint8]:
        """Return the picture that was submitted first; as ``Engine.draw`` does.

        Raises:
            ValueError: none is under way.
        """
        if not self._under_way:
            raise ValueError("no picture is under way; submit one first")
        place = (self._next - self._under_way) % PLACES
        self._under_way -= 1
        return self._end(place)

    def draw(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        self._drop()
        self.submit(codes)
        return self.collect()

    def draw_unless(
        self, given_up: Callable[[], bool], codes: NDArray[np.float32]
    ) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``.

        What a card has begun it finishes; that takes no longer than a picture does.
        """
        self._drop()
        self.submit(codes)
        place = (self._next - 1) % PLACES
        while not self._is_there(place):
            if given_up():
                self._drop()
                return None
            time.sleep(_PATIENCE_S)
        return self.collect()

    def _drop(self) -> None:
        """Wait for what is under way and forget it."""
        while self._under_way:
            self.collect()

    @abstractmethod
    def _begin(self, place: int, codes: NDArray[np.float32]) -> None:
        """Begin a picture at a place whose last one has been had."""

    @abstractmethod
    def _is_there(self, place: int) -> bool:
        """Whether the picture at a place is complete."""

    @abstractmethod
    def _end(self, place: int) -> NDArray[np.uint8]:
        """Wait for the picture at a place and return it, a fresh array."""
