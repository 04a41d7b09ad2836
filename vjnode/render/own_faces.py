"""Faces with weights of their own where every frame is drawn anew."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack

from vjnode.engines.base import Engine, OpensTuned, TunedEngine
from vjnode.engines.crash_guard import attempt
from vjnode.engines.own_weights import WithTuned
from vjnode.engines.registry import Choice
from vjnode.engines.timing import looks_like_one, measured_ms, probe
from vjnode.errors import EngineError, VjnodeError
from vjnode.generators.latent import Weights
from vjnode.generators.spec import GeneratorSpec
from vjnode.render.base import MIXED, Look
from vjnode.render.looks import faces_with_own_weights, own_weights_of
from vjnode.system.priority import lower_priority

_log = logging.getLogger(__name__)

_NICENESS = 10


class OwnFaces:
    """Loads the weights of faces that come next, in a thread of its own, while frames go out.

    engine: draws with them. weights_of: from a look to the weights of its face's own. All but
    ``wait`` is called by the show's clock and waits for nothing.
    """

    def __init__(self, engine: WithTuned, weights_of: Callable[[Look], Weights | None]) -> None:
        self._engine, self._weights_of = engine, weights_of
        self._changed = threading.Condition()
        self._next: list[Weights] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="own faces", daemon=True)
        self._thread.start()

    def weights(self, look: Look) -> Weights | None:
        """Return the weights of a look's face's own that draw it; None: the generator's do."""
        return self._engine.draws(self._weights_of(look))

    def ready(self, look: Look) -> bool:
        """Return whether a look can be drawn; if not, load what it takes before all else."""
        weights = self.weights(look)
        if weights is None or self._engine.loaded(weights):
            return True
        with self._changed:
            if self._next[:1] != [weights]:
                self._next = [weights, *(one for one in self._next if one != weights)]
                self._changed.notify_all()
        return False

    def wait(self, look: Look, timeout_s: float) -> bool:
        """Wait until a look can be drawn; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.ready(look), timeout_s)

    def expect(self, looks: Iterable[Look]) -> None:
        """Load what these take too, when there is nothing else to do.

        So many as stay loaded beside those that may be shown together.
        """
        found = dict.fromkeys(filter(None, map(self.weights, looks)))
        with self._changed:
            self._next = list(found)[: max(self._engine.keeps - MIXED, 0)]
            self._changed.notify_all()

    def close(self) -> None:
        """Stop loading; returns when the face that is being loaded is."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        lower_priority(_NICENESS)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._next or self._closing)
                if self._closing:
                    return
                weights = self._next[0]
            if self._engine.draws(weights) and not self._engine.loaded(weights):
                self._engine.load(weights)
            with self._changed:
                self._next = [one for one in self._next if one != weights]
                self._changed.notify_all()


def with_own_faces(
    engine: Engine, tuned: Mapping[int, TunedEngine], spec: GeneratorSpec
) -> tuple[Engine, OwnFaces | None]:
    """Return an engine that also draws faces with weights of their own, and what loads these.

    tuned: as for ``WithTuned``; where there is none, it is the same engine, and nothing is loaded.
    """
    if not tuned:
        return engine, None
    both = WithTuned(engine, tuned)
    return both, OwnFaces(both, own_weights_of(spec))


def open_tuned_engines(
    choice: Choice, spec: GeneratorSpec, *, within_ms: float | None = None
) -> dict[int, TunedEngine] | None:
    """Open what draws faces with weights of their own live beside the engine that was chosen.

    within_ms: longest time of a picture that is of use; None: any.

    Returns: an engine for each size that faces are tuned for; none where no face is. None: such
        faces cannot be drawn live here, and the log says why.
    """
    faces, engine = faces_with_own_weights(spec), choice.engine
    sizes = sorted({weights.size for weights in faces.values()})
    found: dict[int, TunedEngine] = {}
    if sizes and not isinstance(engine, OpensTuned):
        _no_live(faces, f"{engine.name} cannot swap weights")
        return None
    try:
        with ExitStack() as unless_opened:
            for size in sizes:
                assert isinstance(engine, OpensTuned)  # noqa: S101 - or there is no size
                with attempt(choice.taken.name):
                    found[size] = one = engine.open_tuned(size)
                    unless_opened.callback(one.close)
                    _prove(one, spec, within_ms)
            unless_opened.pop_all()
    except (VjnodeError, RuntimeError, OSError) as error:
        _no_live(faces, str(error))
        return None
    return found


def _prove(engine: TunedEngine, spec: GeneratorSpec, within_ms: float | None) -> None:
    """Refuse an engine that draws nothing like a face, or too slowly.

    Raises:
        EngineError: it does.
    """
    if not looks_like_one(engine.draw(probe(spec)), engine.size):
        raise EngineError(f"{engine.name} draws nothing that could be a face")
    if within_ms is None:
        return
    ms = measured_ms(engine, spec=spec)
    if ms > within_ms:
        raise EngineError(
            f"{engine.name} takes {ms:.3g} ms a picture, and may take {within_ms:.3g}"
        )


def _no_live(faces: Iterable[str], why: str) -> None:
    names = ", ".join(faces)
    _log.warning("faces that are not drawn live with weights of their own: %s; %s", names, why)
