"""Draws every frame anew: any face and expression is there at once, and no key frame is needed.

Only a face with weights of its own is waited for, the second that it takes to load these.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.generators.latent import Latent, Weights
from vjnode.render.base import Drawn, Latents, Look, Picture, Progress
from vjnode.render.halves import HalfFaces
from vjnode.render.own_faces import OwnFaces

_THERE, _COMING = Progress(1, 1), Progress(0, 1)


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
    longer than a frame lasts, and come later. own: loads weights of faces' own for the engine;
    None: it draws no face by such.
    """

    way = "live"
    draws_beside_the_clock = False

    def __init__(
        self,
        engine: Engine,
        latents: Latents,
        *,
        at_once: int | None = None,
        own: OwnFaces | None = None,
    ) -> None:
        self._engine, self._latents, self._own = HalfFaces(engine), latents, own
        self.engine_name = engine.name
        self.at_once = min(at_once or engine.at_once, engine.at_once)

    def own_weights(self, look: Look) -> Weights | None:
        """Return the weights of a look's face's own that draw it; None: the generator's do."""
        return None if self._own is None else self._own.weights(look)

    def ready(self, look: Look) -> Progress:
        """Return whether its face's own weights are loaded; nothing else is to be prepared."""
        return _THERE if self._own is None or self._own.ready(look) else _COMING

    def prepare(self, look: Look, *, keys: int, timeout_s: float) -> bool:
        """Wait until ``look`` is ready; see ``Renderer.prepare``."""
        del keys
        return self._own is None or self._own.wait(look, timeout_s)

    def prefetch(self, looks: Iterable[Look], *, first: Sequence[Look] = ()) -> None:
        """Load the weights of their faces' own; see ``Renderer.prefetch``."""
        if self._own is not None:
            self._own.expect((*first, *looks))

    def begin(self, look: Look, weights: Sequence[float]) -> Future[Picture]:
        """Begin the picture of ``look``, all its channels; see ``Renderer.begin``."""
        return self.begin_latent(self._latents(look, weights))

    def begin_latent(self, latent: Latent) -> Future[Picture]:
        """Begin the picture of a latent of the engine's generator; return where it will be."""
        return _Begun(self._engine.begin(latent))

    def close(self) -> None:
        """Close the engine."""
        if self._own is not None:
            self._own.close()
        self._engine.close()
