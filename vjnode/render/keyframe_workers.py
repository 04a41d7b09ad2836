"""Threads that prepare key frames: from disk, or drawn and then encoded for the disk.

What the show has asked for is drawn at once and on every core, and encoded while the next is drawn.
What presets may ask for later is drawn on one core, and gives way to everything: a switch that may
come must not cost a frame that is due.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.engines.own_weights import drawing_weights
from vjnode.errors import VjnodeError
from vjnode.generators.latent import Weights
from vjnode.render.base import Latents, Look
from vjnode.render.halves import HalfFaces
from vjnode.render.keyframe_cache import KeyframeCache, Task
from vjnode.render.keyframe_files import KeyFiles, folder_name
from vjnode.render.keyframes import KeySet, Sweep
from vjnode.runtime import cores
from vjnode.system.priority import lower_priority

_log = logging.getLogger(__name__)

_DRAWING, _ENCODING = 10, 19
"""Nicenesses: the show's own clock goes first. What is encoded gives way to what is drawn, for a
core that encodes holds up all that draw a picture with it."""

MOST_ENCODERS = 4
"""Threads that encode what was drawn: on a card that takes far longer than drawing."""


class KeyframeWorkers:
    """The threads that fill a cache's sets; one of them owns the cache.

    Args:
        open_engine: opens an engine, in the background thread that will use it, given the
            number of its threads or None for as many as there are cores. Called more than once.
        latents: what the engine draws of a look.
        cache: what is to be prepared. files: where it is kept. size: of pictures, px.
        given_up: whether nobody wants the keys of a set any more.
        prompt: whether the first key of a look is there before it is encoded, and differs a little
            until then; not where pictures must be the same every time.
    """

    def __init__(
        self,
        open_engine: Callable[[int | None], Engine],
        latents: Latents,
        cache: KeyframeCache,
        files: KeyFiles,
        *,
        size: int,
        given_up: Callable[[KeySet], bool],
        prompt: bool,
    ) -> None:
        self._open_engine, self._latents = open_engine, latents
        self._cache, self._files, self._size = cache, files, size
        self._given_up, self._prompt = given_up, prompt
        self._names: dict[tuple[str, Look, Weights | None], str] = {}
        encoders = min(cores(), MOST_ENCODERS)
        lower = partial(lower_priority, _ENCODING)
        self._encoders = ThreadPoolExecutor(encoders, "sweeps encode", initializer=lower)
        self._unencoded = threading.Semaphore(2 * encoders)
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        """Changes to the cache, made by the thread that owns it. No ``put`` waits."""
        self._ahead: SimpleQueue[Task | None] = SimpleQueue()
        self._ahead_is_free = True
        self._stopping = False
        self._failure: BaseException | None = None
        self._identity = ""
        self.engine_name = ""
        """Name of the engine once it is open."""
        self._threads: list[threading.Thread] = []
        self._start(self._draw_wanted, "wanted")
        self._start(self._draw_ahead, "ahead")

    def post(self, change: Callable[[], None]) -> None:
        """Have the owner of the cache change it; never waits."""
        self._inbox.put(change)

    def close(self) -> None:
        """Stop preparing; returns when that has stopped, soon."""
        self._stopping = True
        self._inbox.put(lambda: None)
        self._ahead.put(None)
        for thread in self._threads:
            thread.join()
        self._encoders.shutdown()

    def check(self) -> None:
        """Raise what has failed.

        Raises:
            VjnodeError: the engine has failed; nothing more will be prepared.
        """
        if self._failure is not None:
            raise VjnodeError(f"the engine has failed: {self._failure}") from self._failure

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=f"sweeps {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _draw_wanted(self) -> None:
        """Draw the keys of looks that were asked for, on every core; this thread owns the cache."""
        lower_priority(_DRAWING)
        engine: Engine | None = None
        try:
            while (task := self._next_wanted()) is not None:
                if engine is None:
                    engine = HalfFaces(self._open_engine(None))
                    self.engine_name, self._identity = engine.name, engine.identity
                self._fill(engine, task)
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            self._fail(error)
        finally:
            if engine is not None:
                engine.close()

    def _draw_ahead(self) -> None:
        """Draw what may be wanted later, by this thread alone: nothing of it is in a hurry."""
        lower_priority(None)
        engine: Engine | None = None
        try:
            while (task := self._ahead.get()) is not None and not self._stopping:
                engine = engine or HalfFaces(self._open_engine(1))
                look, keys, key = task
                name = self._name_of(engine.identity, look, keys)
                picture = self._files.read(name, key)
                if picture is None and (drawn := self._draw(engine, task)) is not None:
                    name = self._name_of(engine.identity, look, keys)
                    picture = self._files.keep_drawn(name, key, drawn)
                if picture is not None:
                    # Noted by another: whoever met this thread at a lock would wait for long.
                    self._inbox.put(partial(keys.note, key, keys.take_in(key, picture)))
                self._inbox.put(self._free_ahead)
        except Exception as error:  # noqa: BLE001 - top of a thread
            _log.warning("nothing is prepared ahead of a switch any more: %s", error)
        finally:
            if engine is not None:
                engine.close()

    def _free_ahead(self) -> None:
        self._ahead_is_free = True

    def _next_wanted(self) -> Task | None:
        """Wait for the next key to draw and return it; None once the renderer is  closed.

        While there is none, the other thread gets one to draw ahead.
        """
        while not self._stopping:
            while not self._inbox.empty():
                self._inbox.get()()
            if (task := self._cache.take_wanted()) is not None:
                return task
            if self._ahead_is_free and (ahead := self._cache.next_ahead()) is not None:
                self._ahead_is_free = False
                # Here, for what gives way to everything would keep Python from the tick for long.
                self._name_of(self._identity, *ahead[:2])
                self._ahead.put(ahead)
            self._inbox.get()()
        return None

    def _fill(self, engine: Engine, task: Task) -> None:
        """Put one key into its set, from disk if it is there, else drawn.

        What is drawn is encoded by somebody else, and is in hand until then.
        """
        look, keys, key = task
        name = self._name_of(engine.identity, look, keys)
        encoding = False
        try:
            if (picture := self._files.read(name, key)) is not None:
                keys.put(key, picture)
                return
            if (drawn := self._draw(engine, task)) is None:
                return
            if self._prompt and not keys.ready and isinstance(keys, Sweep):
                keys.put(key, drawn)  # a switch waits for this one; what is kept follows
            name = self._name_of(engine.identity, look, keys)  # as it was really drawn
            self._unencoded.acquire()
            self._encoders.submit(self._encode, name, task, drawn)
            encoding = True
        finally:
            if not encoding:
                self._inbox.put(partial(self._cache.release, task))

    def _draw(self, engine: Engine, task: Task) -> NDArray[np.uint8] | None:
        """Draw a key: shape (size, size, 4), uint8 RGBA; None if that is given up."""
        look, keys, key = task
        latent = self._latents(look, keys.weights_of(key))
        return engine.draw_unless(lambda: self._stopping or self._given_up(keys), latent)

    def _encode(self, name: str, task: Task, drawn: NDArray[np.uint8]) -> None:
        _, keys, key = task
        try:
            keys.put(key, self._files.keep_drawn(name, key, drawn))
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            self._fail(error)
        finally:
            self._unencoded.release()
            self._inbox.put(partial(self._cache.release, task))

    def _name_of(self, identity: str, look: Look, keys: KeySet) -> str:
        """Return the name of a layer's folder: by everything that its pictures depend on."""
        known = identity, look, drawing_weights(self._latents(look, keys.weights_of(0)))
        if known not in self._names:
            latents = (self._latents(look, keys.weights_of(key)) for key in range(keys.keys))
            self._names[known] = folder_name(identity, look, self._size, latents)
        return self._names[known]
