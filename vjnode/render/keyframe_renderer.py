"""The sweeps of a show: prepared in the background, kept in memory and on disk.

What the show has asked for is drawn at once and on every core, and encoded for the disk while the
next is drawn. What presets may ask for later is drawn on one core, and gives way to everything: a
switch that may come must not cost a frame that is due.

The tick of a show waits for none of this. It says what it wants into a queue that never blocks, and
reads what is published; one thread does everything to the cache of sweeps. A lock would make the
tick wait for whoever has it, and a thread that gives way to everything may keep it for long.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from vjnode.engines.base import Engine
from vjnode.errors import VjnodeError
from vjnode.render.base import Latents, Look, Picture, Progress, done
from vjnode.render.keyframe_cache import KeyframeCache, Task
from vjnode.render.keyframe_files import KeyFiles, folder_name
from vjnode.render.keyframes import KEYS, Blend, Sweep, keys_within
from vjnode.runtime import cores
from vjnode.system.priority import lower_priority

_log = logging.getLogger(__name__)

_DRAWING, _ENCODING = 10, 19
"""Nicenesses: the show's own clock goes first. What is encoded gives way to what is drawn, for a
core that encodes holds up all that draw a picture with it."""

MOST_ENCODERS = 4
"""Threads that encode what was drawn: on a card that takes far longer than drawing."""

_GLANCE_S = 0.005
"""Interval, s, at which ``KeyframeRenderer.wait`` looks whether the keys are there."""


class KeyframeRenderer:
    """Blends key frames of looks' first channels, prepared in the order of a ``KeyframeCache``.

    Args:
        open_engine: opens an engine, in the background thread that will use it, given the
            number of its threads or None for as many as there are cores. Called more than once.
        latents: what the engine draws of a look.
        size: of pictures, px. memory_bytes: limit for all sweeps together; a single sweep gets
            fewer keys when it alone would be larger.
        folder: where keys are kept between shows; None keeps none.
    """

    way = "keys"
    draws_beside_the_clock = True
    at_once = 1

    def __init__(
        self,
        open_engine: Callable[[int | None], Engine],
        latents: Latents,
        *,
        size: int,
        memory_bytes: int,
        folder: Path | None,
    ) -> None:
        self._open_engine = open_engine
        self._latents = latents
        self._size = size
        self._files = KeyFiles(folder, size)
        self.keys = keys_within(memory_bytes, size=size)
        if self.keys < KEYS:
            room = f"the sweep memory of {memory_bytes >> 20} MiB holds {self.keys} key frames"
            _log.warning("%s of %d: coarser movement; raise --sweep-memory", room, KEYS)
        self._cache = KeyframeCache(keys=self.keys, size=size, memory_bytes=memory_bytes)
        self._newest: tuple[Look, Sweep] | None = None
        self._drawn: tuple[Look, Sweep] | None = None
        """The look that was drawn last, whose sweep the cache may have let go."""
        self._warned = False
        self._asks = 0
        self._unanswered: dict[Look, tuple[int, Sweep]] = {}
        """Sweeps that were asked for and are not published yet, with the number of the last ask.
        For the thread that calls ``sweep`` alone."""
        self._names: dict[tuple[str, Look], str] = {}
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

    def sweep(self, look: Look) -> Sweep:
        """Return the sweep of ``look``, perhaps still empty, and prepare it before any other.

        At once, whatever the background does; for one thread at a time.

        Raises:
            VjnodeError: the engine has failed; nothing more will be prepared.
        """
        self._check()
        if any(look.expressions[1:]) and not self._warned:
            self._warned = True
            _log.warning("key frames draw the first channel of %s only", look)
        look = look.in_one_channel()
        if self._newest is not None and self._newest[0] == look:
            return self._newest[1]
        answered = self._cache.answered  # before what is published, which is then no older
        self._unanswered = {one: it for one, it in self._unanswered.items() if it[0] > answered}
        if look in self._unanswered:
            sweep = self._unanswered[look][1]
        else:
            sweep = self._cache.published.get(look) or Sweep(keys=self.keys, size=self._size)
        self._asks += 1
        self._unanswered[look] = self._asks, sweep
        self._newest = look, sweep
        self._inbox.put(partial(self._cache.ask, look, sweep))
        return sweep

    def ready(self, look: Look) -> Progress:
        """Return how far ``look`` is prepared; see ``Renderer.ready``."""
        sweep = self.sweep(look)
        return Progress(sweep.ready, sweep.keys)

    def prepare(self, look: Look, *, keys: int, timeout_s: float) -> bool:
        """Wait until ``look`` has ``keys`` key frames, or all; see ``Renderer.prepare``."""
        sweep = self.sweep(look)
        return self.wait(sweep, ready=min(keys, sweep.keys), timeout_s=timeout_s)

    def begin(self, look: Look, weights: Sequence[float]) -> Future[Picture]:
        """Return the picture of ``look`` in its first channel; see ``Renderer.begin``."""
        look = look.in_one_channel()
        newest, drawn = self._newest, self._drawn
        if drawn is None or drawn[0] != look:
            drawn = look, self.sweep(look)
        elif newest is not None and newest[0] == look and newest[1].ready:
            drawn = newest  # the one before may have been let go and begun anew
        self._drawn = drawn
        return done(Blend(drawn[1], weights[0]))

    def prefetch(self, looks: Iterable[Look]) -> None:
        """Prepare these too, when there is nothing else to do and memory for them."""
        alone = tuple(dict.fromkeys(look.in_one_channel() for look in looks))
        self._inbox.put(partial(self._cache.prefetch, alone))

    def wait(self, sweep: Sweep, *, ready: int, timeout_s: float) -> bool:
        """Wait until ``sweep`` has ``ready`` keys; False when that took too long.

        Raises:
            VjnodeError: the engine has failed.
        """
        until_s = time.monotonic() + timeout_s
        while True:
            self._check()
            if sweep.ready >= ready:
                return True
            if time.monotonic() >= until_s:
                return False
            time.sleep(_GLANCE_S)

    def close(self) -> None:
        """Stop preparing; returns when that has stopped, soon."""
        self._stopping = True
        self._inbox.put(lambda: None)
        self._ahead.put(None)
        for thread in self._threads:
            thread.join()
        self._encoders.shutdown()

    def _check(self) -> None:
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
                    engine = self._open_engine(None)
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
                engine = engine or self._open_engine(1)
                look, sweep, key = task
                name = self._name_of(engine.identity, look)
                picture = self._files.read(name, key)
                if picture is None and (drawn := self._draw(engine, task)) is not None:
                    picture = self._files.keep_drawn(name, key, drawn)
                if picture is not None:
                    # Noted by another: whoever met this thread at a lock would wait for long.
                    self._inbox.put(partial(sweep.note, key, sweep.take_in(key, picture)))
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
                self._name_of(self._identity, ahead[0])
                self._ahead.put(ahead)
            self._inbox.get()()
        return None

    def _fill(self, engine: Engine, task: Task) -> None:
        """Put one key into its sweep, from disk if it is there, else drawn.

        What is drawn is encoded by somebody else, and is in hand until then.
        """
        look, sweep, key = task
        name = self._name_of(engine.identity, look)
        encoding = False
        try:
            if (picture := self._files.read(name, key)) is not None:
                sweep.put(key, picture)
                return
            if (drawn := self._draw(engine, task)) is None:
                return
            if not sweep.ready:
                sweep.put(key, drawn)  # a switch waits for this one; what is kept follows
            self._unencoded.acquire()
            self._encoders.submit(self._encode, name, task, drawn)
            encoding = True
        finally:
            if not encoding:
                self._inbox.put(partial(self._cache.release, task))

    def _draw(self, engine: Engine, task: Task) -> NDArray[np.uint8] | None:
        """Draw a key: shape (size, size, 4), uint8 RGBA; None if that is given up."""
        look, sweep, key = task
        latent = self._latents(look, (key / (self.keys - 1),))
        return engine.draw_unless(lambda: self._is_given_up(sweep), latent)

    def _encode(self, name: str, task: Task, drawn: NDArray[np.uint8]) -> None:
        _, sweep, key = task
        try:
            sweep.put(key, self._files.keep_drawn(name, key, drawn))
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            self._fail(error)
        finally:
            self._unencoded.release()
            self._inbox.put(partial(self._cache.release, task))

    def _is_given_up(self, sweep: Sweep) -> bool:
        """Return whether all is over, or the show waits for the first key of another sweep."""
        newest = None if self._newest is None else self._newest[1]
        waited_for = newest is not None and newest is not sweep and not newest.ready
        return waited_for or self._stopping

    def _name_of(self, identity: str, look: Look) -> str:
        """Return the name of a look's folder: by everything that its pictures depend on."""
        if (identity, look) not in self._names:
            latents = (self._latents(look, (key / (self.keys - 1),)) for key in range(self.keys))
            self._names[identity, look] = folder_name(identity, look, self._size, latents)
        return self._names[identity, look]
