"""Two pictures at once on the processor, each on half of its cores.

Cores that draw one picture together wait for each other after each of its layers, and so for
whatever else has taken one of them meanwhile: on two cores with a show beside it, a picture takes
half as long again as it does alone. Pictures that are drawn apart wait for nobody. So there are
more of them, but each takes longer.
"""

import queue
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.generators.latent import Latent

AT_ONCE = 2


def pair_name(name: str) -> str:
    """Return the name of two engines of that name, side by side."""
    return f"{name}, two at once"


class SideBySide:
    """An engine made of two that draw the same.

    Args:
        open_engine: opens one, with its share of the cores.

    """

    at_once = parallel = AT_ONCE

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        with ExitStack() as unless_opened:
            self._engines: list[Engine] = []
            for _ in range(AT_ONCE):
                self._engines.append(open_engine())
                unless_opened.callback(self._engines[-1].close)
            unless_opened.pop_all()
        self._idle: queue.SimpleQueue[Engine] = queue.SimpleQueue()
        for engine in self._engines:
            self._idle.put(engine)
        self._pool = ThreadPoolExecutor(AT_ONCE, "side by side")
        self.name = pair_name(self._engines[0].name)
        self.identity = self._engines[0].identity
        self.size = self._engines[0].size

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin a picture and return where it will be; see ``Engine.begin``.

        More than two wait for their turn.
        """
        return self._pool.submit(self._draw, latent)

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture, after those that were begun; see ``Engine.draw``."""
        return self.begin(latent).result()

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        return self._pool.submit(self._draw_unless, given_up, latent).result()

    def close(self) -> None:
        """Free the networks' memory, once what was begun is drawn; safe to call twice."""
        self._pool.shutdown()
        for engine in self._engines:
            engine.close()

    def _draw(self, latent: Latent) -> NDArray[np.uint8]:
        with self._one() as engine:
            return engine.draw(latent)

    def _draw_unless(
        self, given_up: Callable[[], bool], latent: Latent
    ) -> NDArray[np.uint8] | None:
        with self._one() as engine:
            return engine.draw_unless(given_up, latent)

    @contextmanager
    def _one(self) -> Iterator[Engine]:
        """Within it, one of the engines is the caller's; there is one for each thread."""
        engine = self._idle.get()
        try:
            yield engine
        finally:
            self._idle.put(engine)
