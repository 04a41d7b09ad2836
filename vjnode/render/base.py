"""Renderers draw what looks say; a show knows no other way to a picture."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.generators.latent import Latent

MIXED = 4
"""Looks that may be drawn in turns, one after the other and again."""


@dataclass(frozen=True)
class Look:
    """A face with its channels' expressions, by their names.

    expressions: one for each channel, in their order; "" for none.
    idle: actions by which the face moves by itself. Their weights follow those of the channels.
    joint: channels that are driven as the first one is, and have its weight.
    held: channels that rest, and the weights at which they do.
    """

    face: str
    expressions: tuple[str, ...]
    idle: tuple[str, ...] = ()
    joint: tuple[int, ...] = ()
    held: tuple[tuple[int, float], ...] = ()

    @property
    def expression(self) -> str:
        """Name of the first channel's expression."""
        return self.expressions[0]

    @property
    def leading(self) -> int:
        """Index of the first channel that is not held."""
        held = dict(self.held)
        return next((one for one in range(len(self.expressions)) if one not in held), 0)

    def weights_at(self, weight: float) -> tuple[float, ...]:
        """Return weights of channels: of the leading one this, of all others 0."""
        return (*(0.0,) * self.leading, weight)

    def bound(self, channel: int) -> bool:
        """Return whether a channel has no weight of its own."""
        return channel in self.joint or channel in dict(self.held)

    def in_one_channel(self) -> "Look":
        """Return what one weight moves: the leading channel, and those that are bound."""
        joint = [one for one in self.joint if self.expressions[one]]
        names = [self.expressions[one] for one in (*joint, *dict(self.held))]
        held = enumerate((weight for _, weight in self.held), 1 + len(joint))
        return Look(
            self.face,
            (self.expressions[self.leading], *names),
            joint=tuple(range(1, 1 + len(joint))),
            held=tuple(held),
        )

    def let_go(self) -> "Look":
        """Return the same look with no channel held."""
        return replace(self, held=()) if self.held else self


@dataclass(frozen=True)
class Progress:
    """The part of a look that is prepared, in key frames; with one it can be drawn, if coarsely."""

    ready: int
    wanted: int

    @property
    def complete(self) -> bool:
        """Return whether nothing is left to prepare."""
        return self.ready >= self.wanted


Latents = Callable[[Look, Sequence[float]], Latent]
"""From a look and its channels' weights (0…1) to what a generator draws; weights that are missing
at the end are 0. Of one look, latents have the same subject."""


class Picture(Protocol):
    """A picture that is drawn, or as good as drawn."""

    def copy_to(self, out: NDArray[np.uint8]) -> None:
        """Write the picture into ``out``, (size, size, 4) uint8 RGBA, opaque."""
        ...


class Drawn:
    """A picture that an engine has drawn. pixels: (size, size, 4) uint8 RGBA."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels

    def copy_to(self, out: NDArray[np.uint8]) -> None:
        """Write it into ``out``; see ``Picture.copy_to``."""
        np.copyto(out, self._pixels)


class Renderer(Protocol):
    """One way of drawing. All of it is called by one thread, and none of it but ``prepare`` waits.

    Whatever it needs to know of its engine it finds out when it is made.
    """

    way: str
    """Name of the way of drawing, for the report, such as ``keys``."""

    draws_beside_the_clock: bool
    """True if threads of its own draw while frames go out; they must give way to those."""

    @property
    def engine_name(self) -> str:
        """Name of the engine that draws; "" before it is open."""
        ...

    @property
    def at_once(self) -> int:
        """Pictures that are under way at the same time in a smooth show, 1 or more.

        A frame is shown when so many have been begun: each takes longer than a frame lasts.
        """
        ...

    def ready(self, look: Look) -> Progress:
        """Return how far ``look`` is prepared, and prepare it before any other.

        Raises:
            VjnodeError: the engine has failed; nothing more will be prepared.
        """
        ...

    def prepare(self, look: Look, *, keys: int, timeout_s: float) -> bool:
        """Wait until ``look`` has ``keys`` key frames, or all; False when that took too long.

        Raises:
            VjnodeError: the engine has failed.
        """
        ...

    def prefetch(self, looks: Iterable[Look], *, first: Sequence[Look] = ()) -> None:
        """Prepare these too, when there is nothing else to do and memory for them.

        first: those that are sure to come next: memory is made for them.
        """
        ...

    def begin(self, look: Look, weights: Sequence[float]) -> Future[Picture]:
        """Begin the picture of ``look`` with its channels' weights; return where it will be.

        weights: 0…1; those that are missing at the end are 0.

        look: that of the last ``ready``, or one of those of the last ``MIXED`` calls.

        Raises:
            VjnodeError: the engine has failed, or nothing of the look has been prepared.
        """
        ...

    def close(self) -> None:
        """Stop preparing and free the engine; safe to call twice."""
        ...


def done(picture: Picture) -> Future[Picture]:
    """Return a future that already holds ``picture``."""
    future: Future[Picture] = Future()
    future.set_result(picture)
    return future
