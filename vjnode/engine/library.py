"""The sweeps of a show: prepared in the background, kept in memory and on disk.

What the show has asked for is drawn at once and on every core, and encoded for the disk while the
next is drawn. What presets may ask for later is drawn on one core, and gives way to everything: a
switch that may come must not cost a frame that is due.
"""

import hashlib
import logging
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.engine.base import Engine
from vjnode.engine.key_files import KeyFiles, decode, encode
from vjnode.engine.sweep import Sweep
from vjnode.errors import VjnodeError
from vjnode.runtime import cores

_log = logging.getLogger(__name__)

KEYS = 64
_DRAWING, _DEVELOPING = 10, 19
"""Nicenesses: the show's own clock goes first. What is encoded gives way to what is drawn, for a
core that encodes holds up all that draw a picture with it."""

MOST_DEVELOPERS = 4
"""Threads that encode what was drawn: on a card that takes far longer than drawing."""


@dataclass(frozen=True)
class Look:
    """What a sweep is made for: a face with an expression."""

    face: str
    expression: str


Task = tuple[Look, Sweep, int]
"""A key to prepare."""

Codes = Callable[[Look, float], NDArray[np.float32]]
"""From a look and a weight (0…1) to style codes, (23, 512) float32."""


def keys_within(memory_bytes: int, *, size: int, keys: int = KEYS) -> int:
    """Return how many keys of ``size`` px fit into ``memory_bytes``: 2 to ``keys``."""
    return max(2, min(keys, memory_bytes // (size * size * 4)))


class SweepLibrary:
    """Hands out sweeps at once and fills them in the background.

    The sweep asked for last is prepared first; when all that were asked for are complete,
    those of ``prefetch``, as long as they fit into the memory limit. When it is full, what was
    shown longest ago is let go.

    Args:
        open_engine: opens an engine, in the background thread that will use it, given the
            number of its threads or None for as many as there are cores. Called more than once.
        codes: the style codes of a look at a weight.
        size: pictures are size × size px.
        memory_bytes: limit for all sweeps together; a single sweep gets fewer keys when
            it alone would be larger.
        folder: where keys are kept between shows; None keeps none.

    """

    def __init__(
        self,
        open_engine: Callable[[int | None], Engine],
        codes: Codes,
        *,
        size: int,
        memory_bytes: int,
        folder: Path | None,
    ) -> None:
        self._open_engine = open_engine
        self._codes = codes
        self._size = size
        self._memory_bytes = memory_bytes
        self._files = KeyFiles(folder, size)
        self.keys = keys_within(memory_bytes, size=size)
        if self.keys < KEYS:
            _log.warning(
                "the sweep memory of %d MiB holds %d key frames of %d, so the movement is coarser; "
                "raise --sweep-memory",
                memory_bytes >> 20,
                self.keys,
                KEYS,
            )
        self._sweeps: OrderedDict[Look, Sweep] = OrderedDict()
        self._wanted: set[Look] = set()
        self._newest: Sweep | None = None
        self._prefetch: list[Look] = []
        self._names: dict[tuple[str, Look], str] = {}
        self._in_hand: set[tuple[Sweep, int]] = set()
        developers = min(cores(), MOST_DEVELOPERS)
        lower = partial(_lower_priority, _DEVELOPING)
        self._developers = ThreadPoolExecutor(developers, "sweeps develop", initializer=lower)
        self._undeveloped = threading.Semaphore(2 * developers)
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: BaseException | None = None
        self.engine_name = ""
        """Name of the engine once it is open."""
        self._threads: list[threading.Thread] = []
        self._start(self._draw_wanted, "wanted")
        self._start(self._draw_ahead, "ahead")

    def sweep(self, look: Look) -> Sweep:
        """Return the sweep of ``look``, perhaps still empty, and prepare it before any other.

        Raises:
            VjnodeError: the engine has failed; nothing more will be prepared.
        """
        with self._changed:
            if self._failure is not None:
                raise VjnodeError(f"the engine has failed: {self._failure}") from self._failure
            sweep = self._sweeps.get(look)
            if sweep is None:
                sweep = self._add(look)
            if next(reversed(self._sweeps)) != look or look not in self._wanted:
                self._wanted.add(look)
                self._newest = sweep
                self._sweeps.move_to_end(look)
                self._changed.notify_all()
            return sweep

    def prefetch(self, looks: Iterable[Look]) -> None:
        """Prepare these too, when there is nothing else to do and memory for them."""
        with self._changed:
            self._prefetch = list(looks)
            self._changed.notify_all()

    def wait(self, sweep: Sweep, *, ready: int, timeout_s: float) -> bool:
        """Wait until ``sweep`` has ``ready`` keys; False when that took too long.

        Raises:
            VjnodeError: the engine has failed.
        """
        with self._changed:
            done = self._changed.wait_for(
                lambda: sweep.ready >= ready or self._failure is not None, timeout_s
            )
            if self._failure is not None:
                raise VjnodeError(f"the engine has failed: {self._failure}") from self._failure
        return done

    def close(self) -> None:
        """Stop preparing; returns when that has stopped, soon."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._developers.shutdown()

    def _add(self, look: Look) -> Sweep:
        """Make room for one more sweep and add it, as the one shown longest ago."""
        sweep = Sweep(keys=self.keys, size=self._size)
        while self._sweeps and self._nbytes() + sweep.nbytes > self._memory_bytes:
            self._wanted.discard(self._sweeps.popitem(last=False)[0])
        self._sweeps[look] = sweep
        self._sweeps.move_to_end(look, last=not self._sweeps)
        self._changed.notify_all()
        return sweep

    def _nbytes(self) -> int:
        """Memory of all sweeps once they are complete, as far as is known."""
        return sum(sweep.nbytes for sweep in self._sweeps.values())

    def _start(self, work: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=work, name=f"sweeps {name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _draw_wanted(self) -> None:
        """Draw what is wanted, on every core."""
        _lower_priority(_DRAWING)
        engine: Engine | None = None
        try:
            while (task := self._wait_for(self._next_urgent)) is not None:
                if engine is None:
                    engine = self._open_engine(None)
                    self.engine_name = engine.name
                self._fill(engine, task)
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            self._fail(error)
        finally:
            if engine is not None:
                engine.close()

    def _draw_ahead(self) -> None:
        """Draw what may be wanted later, by this thread alone: nothing of it is in a hurry."""
        _lower_priority(None)
        engine: Engine | None = None
        try:
            while (task := self._wait_for(self._next_ahead)) is not None:
                engine = engine or self._open_engine(1)
                self._fill(engine, task, ahead=True)
        except Exception as error:  # noqa: BLE001 - top of a thread
            _log.warning("nothing is prepared ahead of a switch any more: %s", error)
        finally:
            if engine is not None:
                engine.close()

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _wait_for(self, next_task: Callable[[], Task | None]) -> Task | None:
        """Wait for something to prepare; None when it is time to stop."""
        with self._changed:
            while not self._stopping:
                if (task := next_task()) is not None:
                    return task
                self._changed.wait()
        return None

    def _put_down(self, task: Task) -> None:
        with self._changed:
            self._in_hand.discard(task[1:])
            self._changed.notify_all()

    def _next_urgent(self) -> Task | None:
        """Take in hand the next key that is wanted: it is, until it has been encoded."""
        if (task := self._next_wanted()) is not None:
            self._in_hand.add(task[1:])
        return task

    def _next_wanted(self) -> Task | None:
        """Return the next key that the show has asked for, of the newest look first."""
        for look, sweep in reversed(self._sweeps.items()):
            in_hand = [key for of, key in self._in_hand if of is sweep]
            if look in self._wanted and (key := sweep.missing(in_hand)) is not None:
                return look, sweep, key
        return None

    def _next_ahead(self) -> Task | None:
        """Return the next key that may be asked for, once nothing is that has been."""
        if self._next_wanted() is not None:
            return None
        if (look := self._affordable()) is not None:
            self._add(look)
        for look, sweep in reversed(self._sweeps.items()):
            if look not in self._wanted and (key := sweep.missing()) is not None:
                return look, sweep, key
        return None

    def _affordable(self) -> Look | None:
        """Return the next look to prefetch, if there is memory for it without letting one go."""
        one = self.keys * self._size * self._size * 4
        if not self._sweeps or self._nbytes() + one > self._memory_bytes:
            return None
        return next((look for look in self._prefetch if look not in self._sweeps), None)

    def _fill(self, engine: Engine, task: Task, *, ahead: bool = False) -> bool:
        """Put one key into its sweep, from disk if it is there, else drawn; whether it was drawn.

        What is drawn is then encoded by somebody else, unless it is drawn ahead.
        """
        look, sweep, key = task
        name = self._name_of(engine.identity, look)
        developing = False
        try:
            picture = self._files.read(name, key)
            if picture is not None:
                sweep.put(key, picture)
                return False
            codes = self._codes(look, key / (self.keys - 1))
            drawn = engine.draw_unless(lambda: self._is_given_up(sweep), codes)
            if drawn is None:
                return False
            if not sweep.ready:
                sweep.put(key, drawn)  # a switch waits for this one; what is kept follows
            if ahead:
                self._develop(name, task, drawn)
                return True
            self._undeveloped.acquire()
            self._developers.submit(self._develop_waiting, name, task, drawn)
            developing = True
            return True
        finally:
            if not developing:
                self._put_down(task)

    def _develop_waiting(self, name: str, task: Task, drawn: NDArray[np.uint8]) -> None:
        try:
            self._develop(name, task, drawn)
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            self._fail(error)
        finally:
            self._undeveloped.release()
            self._put_down(task)

    def _develop(self, name: str, task: Task, drawn: NDArray[np.uint8]) -> None:
        """Keep what was drawn, and show it as it will be read: a cache never changes a picture."""
        _, sweep, key = task
        data = encode(drawn)
        picture = decode(data, self._size)
        assert picture is not None  # noqa: S101 - it was encoded a moment ago
        self._files.keep(name, key, data)
        sweep.put(key, picture)

    def _is_given_up(self, sweep: Sweep) -> bool:
        """Whether all is over, or the show waits for the first key of another sweep."""
        newest = self._newest
        waited_for = newest is not None and newest is not sweep and not newest.ready
        return waited_for or self._stopping

    def _name_of(self, identity: str, look: Look) -> str:
        """Return the name of a look's folder: by everything that its pictures depend on."""
        if (identity, look) not in self._names:
            digest = hashlib.sha256(identity.encode())
            for key in range(self.keys):
                digest.update(self._codes(look, key / (self.keys - 1)).tobytes())
            name = f"{look.face}-{look.expression}-{self._size}-{digest.hexdigest()[:16]}"
            self._names[identity, look] = name
        return self._names[identity, look]


def _lower_priority(niceness: int | None) -> None:
    """Let the show's own clock go first; threads made from here on inherit it (Linux).

    niceness: 1 to 19; None: let everything go first. A niced thread still delays a clock that
    wakes up beside it by some milliseconds; an idle one does not.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        if niceness is None:
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
