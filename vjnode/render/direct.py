"""Drawing every frame anew: any codes, no key frames. Stands where a library of sweeps does."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.engines.openvino.parallel import SideBySide
from vjnode.render.keyframe_cache import Codes, Look


class LiveLook:
    """A look that an engine draws for each frame; there is nothing to wait for.

    begin: begins the picture for a weight (0…1) and returns where it will be; None where each is
    there before the next is begun.
    """

    keys = ready = 1

    def __init__(self, engine: Engine, codes: Codes, look: Look) -> None:
        self._engine, self._codes, self._look = engine, codes, look
        self.begin: Callable[[float], Future[NDArray[np.uint8]]] | None = None
        if isinstance(engine, SideBySide):
            self.begin = lambda weight: engine.begin(codes(look, weight))

    def blend(self, weight: float, out: NDArray[np.uint8]) -> None:
        """Draw the picture for ``weight`` (0…1) into ``out``, (size, size, 4) uint8 RGBA."""
        np.copyto(out, self._engine.draw(self._codes(self._look, weight)))


class LiveLibrary:
    """Hands out looks that are drawn when they are shown.

    engine: is closed with the library. codes: the style codes of a look at a weight.
    """

    keys = 1

    def __init__(self, engine: Engine, codes: Codes) -> None:
        self._engine, self._codes = engine, codes
        self.engine_name = self._engine.name
        self.overlaps = isinstance(engine, SideBySide)
        """Whether the next picture is begun before the last one is there."""

    def sweep(self, look: Look) -> LiveLook:
        """Return what draws ``look``."""
        return LiveLook(self._engine, self._codes, look)

    def prefetch(self, looks: Iterable[Look]) -> None:
        """Do nothing: no look needs preparing."""

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
