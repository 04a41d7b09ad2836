"""Draws every frame anew: any face and expression is there at once, and no key frame is needed."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.generators.latent import Latent
from vjnode.render.base import Drawn, Latents, Look, Picture, Progress
from vjnode.render.halves import HalfFaces

_THERE = Progress(1, 1)


class _Begun(Future[Picture]):
    """The picture that an engine draws; whoever asks for it waits for the engine itself."""

    def __init__(self, pixels: Future[NDArray[np.uint8]]) -> None:
        super().__init__()
        self._pixels = pixels

    def done(self) -> bool:
        return self._pixels.done()

    def result(self, timeout: float | None = None) -> Picture:
        return Drawn(self._pixels.result(timeout))


class DirectRenderer:
    """Draws a picture for each frame.

    engine: closed with the renderer. latents: what it draws of a look. at_once: of the engine's
    pictures that may be under way, so many are: more are smoother where one takes
    longer than a frame lasts, and come later.
    """

    way = "live"
    draws_beside_the_clock = False

    def __init__(self, engine: Engine, latents: Latents, *, at_once: int | None = None) -> None:
        self._engine, self._latents = HalfFaces(engine), latents
        self.engine_name = engine.name
        self.at_once = min(at_once or engine.at_once, engine.at_once)

    def ready(self, look: Look) -> Progress:
        """Return that nothing is left to prepare."""
        del look
        return _THERE

    def prepare(self, look: Look, *, keys: int, timeout_s: float) -> bool:
        """Return True at once: no look needs preparing."""
        del look, keys, timeout_s
        return True

    def prefetch(self, looks: Iterable[Look], *, first: Sequence[Look] = ()) -> None:
        """Do nothing: no look needs preparing."""

    def begin(self, look: Look, weights: Sequence[float]) -> Future[Picture]:
        """Begin the picture of ``look``, all its channels; see ``Renderer.begin``."""
        return self.begin_latent(self._latents(look, weights))

    def begin_latent(self, latent: Latent) -> Future[Picture]:
        """Begin the picture of a latent of the engine's generator; return where it will be."""
        return _Begun(self._engine.begin(latent))

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
