"""Two pictures under way at once: while one is copied back, the next is drawn.

What engines on a graphics card share. Each picture takes one of two places in turn, which has
all the memory that it needs, so that neither ever waits for the other's.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent
from vjnode.generators.spec import GeneratorSpec

PLACES = 2

_PATIENCE_S = 0.0005
"""Interval, s, of asking whether a drawing is still wanted; one takes about a millisecond."""


class _UnderWay(Future[NDArray[np.uint8]]):
    """A picture that a card draws; the thread that asks for it takes it from the card."""

    def __init__(self, engine: "DoubleBuffered", place: int) -> None:
        super().__init__()
        self._engine, self.place = engine, place

    def done(self) -> bool:
        return super().done() or self._engine.is_there(self.place)

    def result(self, timeout: float | None = None) -> NDArray[np.uint8]:
        self._engine.take(self)
        return super().result(timeout)


class DoubleBuffered(ABC):
    """An engine that can be given the next picture before it is asked for the last one.

    A subclass says how a picture is begun at a place, whether it is there, and how it is taken.

    spec: of the generator that draws.
    """

    at_once, parallel = PLACES, 1

    def __init__(self, spec: GeneratorSpec) -> None:
        self._spec = spec
        self._under_way: deque[_UnderWay] = deque()
        self._next = 0

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin to draw; see ``Engine.begin``. Where all places are taken, wait for the first.

        Raises:
            ValueError: the latent is another generator's.
        """
        self._spec.check_latent(latent)
        if len(self._under_way) == PLACES:
            self._take_first()
        begun = _UnderWay(self, self._next)
        self._begin(self._next, latent)
        self._under_way.append(begun)
        self._next = (self._next + 1) % PLACES
        return begun

    def take(self, picture: _UnderWay) -> None:
        """Take ``picture`` from the card, after those that were begun before it."""
        while picture in self._under_way:
            self._take_first()

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        return self.begin(latent).result()

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``.

        What a card has begun it finishes; that takes no longer than a picture does.
        """
        picture = self.begin(latent)
        while not picture.done():
            if given_up():
                self._take_all()
                return None
            time.sleep(_PATIENCE_S)
        return picture.result()

    def _take_first(self) -> None:
        first = self._under_way.popleft()
        try:
            first.set_result(self._end(first.place))
        except Exception as error:
            first.set_exception(error)
            raise

    def _take_all(self) -> None:
        """Wait for what is under way; whoever has its future may still ask for it."""
        while self._under_way:
            self._take_first()

    @abstractmethod
    def _begin(self, place: int, latent: Latent) -> None:
        """Begin a picture at a place whose last one has been had."""

    @abstractmethod
    def is_there(self, place: int) -> bool:
        """Return whether the picture at a place is complete."""

    @abstractmethod
    def _end(self, place: int) -> NDArray[np.uint8]:
        """Wait for the picture at a place and return it, a fresh array."""
