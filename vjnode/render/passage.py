"""Passage: pictures of a fast, small engine, drawn beside a tick that never waits for them.

Key frames of a mix of looks cannot be prepared: every picture of it is another one, and is seen
once. So while a look passes into another, a thread draws as many as it can, and the tick shows what
lies between two of them, one or two of their intervals late.
"""

import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.generators.latent import Latent
from vjnode.render.base import Drawn, Picture
from vjnode.render.enlarging import enlarged
from vjnode.render.halves import HalfFaces
from vjnode.render.playout import Playout
from vjnode.runtime import monotonic_s
from vjnode.system.priority import lower_priority

_log = logging.getLogger(__name__)

_DRAWING = 5
"""Niceness: after the show's clock, and before key frames, which nobody sees yet."""

_KEPT = 16
"""Pictures that are kept at most. Some are waiting where a slow one has made it late."""

SHARES = 64
"""Parts of the way between two pictures that are told apart, so that half-way is met exactly: of
levels that differ by an odd number a share just below it rounds all down, and the next all up."""

EVEN = 0.9
"""Two pictures that are under way at once are begun this part of their interval apart, at least."""


@dataclass(frozen=True)
class Shown:
    """A picture of a passage. at_s: the moment for which it was asked."""

    picture: Picture
    at_s: float


class Passing(Protocol):
    """Pictures of any latents, now."""

    @property
    def ready(self) -> bool:
        """Return whether it can draw."""
        ...

    @property
    def given_up(self) -> bool:
        """Return whether it will never draw: too slow here, or broken."""
        ...

    @property
    def px(self) -> int:
        """Return the side of the pictures that it draws, before they are enlarged; 0 until then."""
        ...

    def warm(self) -> None:
        """Get ready, in the background; called as often as one likes."""
        ...

    def show(self, latent: Latent, now_s: float) -> Shown | None:
        """Ask for a picture, and return the one to show; None: there is none yet."""
        ...

    def rest(self) -> None:
        """Draw no more until the next ``show``."""
        ...

    def close(self) -> None:
        """Free the engine; safe to call twice."""
        ...


class Immediate:
    """Draws each picture when it is asked for: without a clock, for renderings.

    open_engine: opens the engine, when the first picture is asked for.
    """

    ready, given_up = True, False

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        self._open_engine = open_engine
        self._engine: Engine | None = None

    @property
    def px(self) -> int:
        """Return the side of its pictures; 0 before the first."""
        return 0 if self._engine is None else self._engine.size

    def warm(self) -> None:
        """Do nothing."""

    def show(self, latent: Latent, now_s: float) -> Shown:
        """Draw and return the picture of ``latent``."""
        self._engine = self._engine or HalfFaces(self._open_engine())
        return Shown(Drawn(self._engine.draw(latent)), now_s)

    def rest(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the engine."""
        if self._engine is not None:
            self._engine.close()


class _Between:
    """Blend of two pictures of one size, RGBA. share: of the second, 0…1."""

    def __init__(self, first: NDArray[np.uint8], second: NDArray[np.uint8], share: float) -> None:
        self._first, self._second, self._share = first, second, share

    def copy_to(self, out: NDArray[np.uint8]) -> None:
        """Blend them into ``out``; see ``Picture.copy_to``."""
        cv2.addWeighted(self._first, 1.0 - self._share, self._second, self._share, 0.0, dst=out)


@dataclass(frozen=True)
class _Asked:
    latent: Latent
    now_s: float


class Passage:
    """Pictures of the newest latent, again and again, and the tick's view of them.

    ``show`` and ``rest`` are called by one thread, and wait for nothing: latents go into a queue
    that never blocks, and pictures are published as a whole.

    open_engine: opens the engine, in the thread that draws, when it is first wanted; None: nothing
        here is fast enough. size: of what is shown, px; the engine's may be smaller.
    """

    def __init__(self, open_engine: Callable[[], Engine | None], size: int) -> None:
        self._open_engine, self._size = open_engine, size
        self._inbox: SimpleQueue[_Asked | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pictures: tuple[tuple[float, NDArray[np.uint8]], ...] = ()
        self._since_s = self._shown_s = math.inf
        self._playout = Playout()
        self._stopping = False
        self.ready = self.given_up = False
        self.px = self.drawn = 0
        """Pictures drawn so far."""

    def warm(self) -> None:
        """Open the engine, in its thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="passage", daemon=True)
            self._thread.start()

    def show(self, latent: Latent, now_s: float) -> Shown | None:
        """Ask for a picture and return the newest; see ``Passing.show``."""
        self.warm()
        if math.isinf(self._since_s):
            self._since_s = self._shown_s = now_s
            self._playout = Playout()
        if not self.given_up:
            self._inbox.put(_Asked(latent, now_s))
        pictures = [one for one in self._pictures if one[0] >= self._since_s]
        if len(pictures) < 2:
            return None
        self._shown_s = at_s = self._playout.at(now_s, pictures[-1][0])
        for (first_s, first), (second_s, second) in itertools.pairwise(pictures):
            if first_s < at_s <= second_s:
                share = round(SHARES * (at_s - first_s) / (second_s - first_s)) / SHARES
                return Shown(_Between(first, second, share), at_s)
        return Shown(Drawn(pictures[0][1]), at_s)

    def rest(self) -> None:
        """Draw no more until the next ``show``."""
        self._since_s, self._pictures = math.inf, ()

    def close(self) -> None:
        """Stop drawing and close the engine; returns when that is done, soon."""
        self._stopping = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        lower_priority(_DRAWING)
        engine: Engine | None = None
        try:
            engine = self._open_engine()
            if engine is not None:
                self.px, self.ready = engine.size, True
                self._draw(HalfFaces(engine))
        except Exception as error:  # noqa: BLE001 - top of a thread: a show goes on without it
            _log.warning("looks do not pass into one another live any more: %s", error)
        finally:
            self.given_up, self.ready = True, False
            if engine is not None:
                engine.close()

    def _draw(self, engine: Engine) -> None:
        """Draw the newest latent, until the end."""
        under_way: deque[tuple[float, float, Future[NDArray[np.uint8]]]] = deque()
        takes_s = began_s = 0.0
        while not self._stopping:
            if engine.at_once > 1:  # two that are begun together are also there together
                time.sleep(max(began_s + EVEN * takes_s / engine.at_once - monotonic_s(), 0.0))
            if (asked := self._newest(wait=not under_way)) is not None:
                began_s = monotonic_s()
                under_way.append((asked.now_s, began_s, engine.begin(asked.latent)))
                if len(under_way) < engine.at_once:
                    continue
            if under_way:
                now_s, first_s, future = under_way.popleft()
                picture = enlarged(future.result(), self._size)
                takes_s = monotonic_s() - first_s
                self._publish(now_s, picture)

    def _publish(self, now_s: float, picture: NDArray[np.uint8]) -> None:
        """Let the tick have a picture, and those that it may still show before it."""
        over = [one[0] for one in self._pictures if one[0] < self._shown_s]
        left = [one for one in self._pictures if not over or one[0] >= over[-1]]
        self._pictures = (*left, (now_s, picture))[-_KEPT:]
        self.drawn += 1

    def _newest(self, *, wait: bool) -> _Asked | None:
        """Return what was asked for last; None: nothing new, or all is over."""
        asked = self._inbox.get() if wait else None
        while not self._inbox.empty():
            asked = self._inbox.get()
        return asked
