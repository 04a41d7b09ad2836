"""Faces with weights of their own, drawn beside those that the generator draws as it is.

For key frames such faces are drawn by OpenVINO on the processor, whatever draws the others: its
graphs are made in seconds, and kept by the hash of the weights. Live they are drawn where an
engine can swap its weights between pictures (``OpensTuned``), and elsewhere by their codes alone.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine, TunedEngine
from vjnode.errors import VjnodeError
from vjnode.generators.latent import Latent, Weights

_log = logging.getLogger(__name__)

KEPT = 2
"""Engines for weights of faces' own that are open at the same time."""


_unusable: set[Weights] = set()
"""Those that could not be opened since this process began; none of them is tried again."""


def drawing_weights(latent: Latent) -> Weights | None:
    """Return the weights of its face's own that draw a latent.

    None: the generator's own do, for the face has none, or none that can be used.
    """
    return usable(latent.subject.weights)


def usable(weights: Weights | None) -> Weights | None:
    """Return weights of a face's own; None: there are none, or they could not be used before."""
    return None if weights in _unusable else weights


def give_up(weights: Weights, error: Exception) -> None:
    """Have a face drawn by its codes alone from now on, and say so."""
    _unusable.add(weights)
    _log.warning(
        "%s: its weights cannot be used (%s); the face is drawn by its codes alone",
        weights.path.stem,
        error,
    )


def open_tuned(weights: Weights, threads: int | None) -> Engine:
    """Open the engine of weights of a face's own; some 10 s for the first time, then at once.

    Raises:
        VjnodeError: their file cannot be read, or is of another generator.
    """
    # They are imported when a face needs them.
    from vjnode.engines.openvino.engine import OpenVinoEngine  # noqa: PLC0415
    from vjnode.generators.mobilestylegan.tuned import tuned_spec  # noqa: PLC0415

    spec = tuned_spec(weights)
    small = spec.parts is not None and bool(spec.parts.reduced_sizes)
    return OpenVinoEngine(spec, weights.size, threads, "reduced" if small else "full", fast=True)


class WithOwnWeights:
    """An engine that also draws faces with weights of their own, with OpenVINO on the processor.

    A face whose weights cannot be used is drawn by its codes alone: a show goes on.

    engine: draws all others; closed with it. threads: of further engines, None for one on each
    core. open_one: opens one of them.
    """

    def __init__(
        self,
        engine: Engine,
        threads: int | None = None,
        open_one: Callable[[Weights, int | None], Engine] = open_tuned,
    ) -> None:
        self._engine, self._threads, self._open_one = engine, threads, open_one
        self._own: OrderedDict[Weights, Engine] = OrderedDict()
        self.at_once, self.parallel = engine.at_once, engine.parallel
        self.name, self.identity, self.size = engine.name, engine.identity, engine.size

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin a picture; see ``Engine.begin``. A face's own weights draw it before it returns."""
        if drawing_weights(latent) is None:
            return self._engine.begin(latent)
        future: Future[NDArray[np.uint8]] = Future()
        future.set_result(self.draw(latent))
        return future

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        return self._sized(self._of(latent).draw(latent))

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        picture = self._of(latent).draw_unless(given_up, latent)
        return None if picture is None else self._sized(picture)

    def close(self) -> None:
        """Close all engines."""
        for engine in (self._engine, *self._own.values()):
            engine.close()
        self._own.clear()

    def _of(self, latent: Latent) -> Engine:
        weights = drawing_weights(latent)
        if weights is None:
            return self._engine
        if weights not in self._own:
            while len(self._own) >= KEPT:
                self._own.popitem(last=False)[1].close()
            try:
                self._own[weights] = self._open_one(weights, self._threads)
            except (VjnodeError, RuntimeError, OSError) as error:
                give_up(weights, error)
                return self._engine
        self._own.move_to_end(weights)
        return self._own[weights]

    def _sized(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if len(picture) == self.size:
            return picture
        how = cv2.INTER_AREA if len(picture) > self.size else cv2.INTER_CUBIC
        side = (self.size, self.size)
        return np.asarray(cv2.resize(picture, side, interpolation=how), np.uint8)


class WithTuned:
    """An engine that also draws faces with weights of their own, with engines that swap weights.

    A face whose weights cannot be used, or whose size no such engine is open for, is drawn by its
    codes alone: a show goes on.

    engine: draws all others. tuned: those that swap, by the size in px that faces are tuned for;
    their pictures are as large as the engine's. All are closed with it.
    """

    def __init__(self, engine: Engine, tuned: Mapping[int, TunedEngine]) -> None:
        self._engine, self._tuned = engine, tuned
        self.at_once, self.parallel = engine.at_once, engine.parallel
        self.name, self.size = f"{engine.name}, with faces' own weights", engine.size
        self.identity = engine.identity
        self.keeps = min(one.keeps for one in tuned.values())

    def draws(self, weights: Weights | None) -> Weights | None:
        """Return weights of a face's own if they draw it; None: the generator's do."""
        weights = usable(weights)
        return None if weights is None or weights.size not in self._tuned else weights

    def load(self, weights: Weights) -> None:
        """Load weights that draw a face; those that cannot be loaded are given up.

        It takes a second, and any thread may do so.
        """
        try:
            self._tuned[weights.size].load(weights)
        except Exception as error:  # noqa: BLE001 - whatever a file holds, the show goes on
            give_up(weights, error)

    def loaded(self, weights: Weights) -> bool:
        """Return whether a picture with these weights waits for nothing."""
        return self._tuned[weights.size].loaded(weights)

    def begin(self, latent: Latent) -> Future[NDArray[np.uint8]]:
        """Begin a picture; see ``Engine.begin``. Weights that are not loaded are loaded first."""
        return self._of(latent).begin(latent)

    def draw(self, latent: Latent) -> NDArray[np.uint8]:
        """Draw one picture; see ``Engine.draw``."""
        return self._of(latent).draw(latent)

    def draw_unless(self, given_up: Callable[[], bool], latent: Latent) -> NDArray[np.uint8] | None:
        """Draw one picture unless that is given up; see ``Engine.draw_unless``."""
        return self._of(latent).draw_unless(given_up, latent)

    def close(self) -> None:
        """Close all engines."""
        for engine in (self._engine, *self._tuned.values()):
            engine.close()

    def _of(self, latent: Latent) -> Engine:
        weights = self.draws(latent.subject.weights)
        if weights is not None and not self.loaded(weights):
            self.load(weights)
            weights = self.draws(weights)
        return self._engine if weights is None else self._tuned[weights.size]
