"""An engine turns style codes into pictures."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent, Weights

LEAST_LIVE_FPS = 20.0
"""Fewer pictures a second, measured alone, are no movement: a size that no smaller network draws
is not drawn live then."""


class Named(Protocol):
    """Facts about an engine that hold whether it is open or not."""

    @property
    def name(self) -> str:
        """Return runtime, precision and device for people, such as ``openvino f32``."""
        ...

    @property
    def identity(self) -> str:
        """Return a hash over weights, graph, precision and size: equal ones, equal pictures."""
        ...

    @property
    def size(self) -> int:
        """Return the side of its pictures, px."""
        ...


class Engine(Named, Protocol):
    """One generator on one device, ready to draw."""

    at_once: int
    """Pictures that may be under way at the same time, 1 or more."""

    parallel: int
    """Those that are really drawn at the same time, each with its part of the device."""

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin a picture, as for ``draw``, and return where it will be.

        An engine for which ``at_once`` is 1 draws it before it returns. Of others, pictures are
        to be asked for in the order in which they were begun.
        """
        ...

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture.

        What a subject is made of is taken in when it is another one than the last; of a latent
        with the same subject, only the amounts are read.

        Returns: shape (size, size, 4), uint8 RGBA, opaque, top row first; a fresh array.
        """
        ...

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture, or return None soon after ``given_up`` says so.

        given_up: asked every few milliseconds.
        """
        ...

    def close(self) -> None:
        """Free the device; safe to call twice."""
        ...


class TunedEngine(Engine, Protocol):
    """An engine whose weights are swapped: each face is drawn by those that its latent names.

    A latent that names none is drawn by those that are there. Naming some that are not loaded
    loads them first, and so may raise what ``load`` does.
    """

    keeps: int
    """Faces whose weights stay loaded; of more, those that were drawn longest ago do not."""

    def load(self, weights: Weights) -> None:
        """Load weights of a face's own, which takes a second; any thread may do so.

        Raises:
            VjnodeError: their file cannot be read, or is of another generator.
            RuntimeError: the device refuses, or has too little memory.
        """
        ...

    def loaded(self, weights: Weights) -> bool:
        """Return whether a picture with these weights waits for nothing."""
        ...


@runtime_checkable
class OpensTuned(Protocol):
    """The capability of an engine to have faces with weights of their own drawn live beside it."""

    def open_tuned(self, tuned_for: int) -> TunedEngine:
        """Open, on the same device, what draws faces that are tuned for ``tuned_for`` px.

        Its pictures are as large as this engine's. It may take minutes for the first time.

        Raises:
            VjnodeError, RuntimeError: it cannot be opened.
        """
        ...


class OneByOne(ABC):
    """An engine whose pictures are drawn one by one, each before the next is begun."""

    at_once = parallel = 1

    @abstractmethod
    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Draw a picture and return it; see ``Engine.begin``."""
        future: Future[NDArray[np.uint8]] = Future()
        future.set_result(self.draw(latent))
        return future
