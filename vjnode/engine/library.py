"""The sweeps of a show: prepared in the background, kept in memory and on disk.

What the show has asked for is drawn at once: the first key of a sweep on every core, for a switch
waits for it, and the others several at a time where that is faster, as it is on a processor:
cores that share out one picture wait for each other at every layer. What presets may ask for
later is drawn on one core, and gives way to everything: a switch that may come must not cost a
frame that is due.
"""

import hashlib
import logging
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.engine.base import Engine
from vjnode.engine.sweep import Sweep
from vjnode.errors import VjnodeError
from vjnode.storage import replace_file

_log = logging.getLogger(__name__)

KEYS = 64
_JPEG_END = b"\xff\xd9"  # a file that was cut off lacks it; the decoder would fill with grey
_NICENESS = 10  # the show's own clock goes first

# Near-lossless: 46 dB against the drawing, a quarter of a PNG's size and decoding time.
_JPEG = [
    cv2.IMWRITE_JPEG_QUALITY,
    97,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
]


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
        self._folder = folder
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
        self._folders: dict[Look, Path] = {}
        self._in_hand: set[tuple[Sweep, int]] = set()
        self._helpers = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: Exception | None = None
        self.engine_name = ""
        """Name of the engine once it is open."""
        self._threads: list[threading.Thread] = []
        self._start(self._draw_wanted)
        self._start(self._draw_ahead)

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
        """Stop preparing; returns when the key in hand is finished."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:  # grows until the first of them has ended
            thread.join()

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

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"sweeps {work.__name__}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _draw_wanted(self) -> None:
        """Draw what is wanted on every core: once others help, what they would be slow with."""
        _lower_priority(idle=False)
        self._work(self._next_urgent, threads=None)

    def _draw_beside(self) -> None:
        """Draw what is wanted as one of several that do, each on its share of the cores."""
        _lower_priority(idle=False)
        self._work(self._next_beside, threads=max(1, (os.cpu_count() or 1) // self._helpers))

    def _draw_ahead(self) -> None:
        """Draw what may be wanted later."""
        _lower_priority(idle=True)
        self._work(self._next_ahead, threads=1)

    def _work(self, next_task: Callable[[], Task | None], *, threads: int | None) -> None:
        engine: Engine | None = None
        try:
            while (task := self._wait_for(next_task)) is not None:
                if engine is None:
                    engine = self._open_engine(threads)
                    self.engine_name = self.engine_name or engine.name
                drawn = self._fill(engine, *task)
                self._put_down(task)
                if drawn and threads is None and engine.at_once > 1 and not self._helpers:
                    self._helpers = engine.at_once
                    for _ in range(self._helpers):
                        self._start(self._draw_beside)
        except Exception as error:  # noqa: BLE001 - top of a thread: the stage must hear of it
            with self._changed:
                self._failure = error
                self._changed.notify_all()
        finally:
            if engine is not None:
                engine.close()

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
        """Take in hand what is best drawn on all cores: anything wanted, while nobody helps."""
        task = self._next_wanted()
        return None if task is None or (self._helpers and task[1].ready) else self._taken(task)

    def _next_beside(self) -> Task | None:
        """Take in hand the next key that is wanted of a sweep that can be shown already."""
        task = self._next_wanted()
        return None if task is None or not task[1].ready else self._taken(task)

    def _taken(self, task: Task) -> Task:
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

    def _fill(self, engine: Engine, look: Look, sweep: Sweep, key: int) -> bool:
        """Put one key into ``sweep``, from disk if it is there, else drawn (True) and kept.

        What was just drawn is shown as it will be read the next time, so that a cache never
        changes a picture.
        """
        folder = self._folder_of(engine, look)
        path = folder / f"{key:03d}.jpg" if folder is not None else None
        picture = None if path is None else _decode(_read(path), self._size)
        if picture is None:
            codes = self._codes(look, key / (self.keys - 1))
            drawn = engine.draw_unless(lambda: self._is_waiting_beside(sweep), codes)
            if drawn is None:
                return False
            if not sweep.ready:
                sweep.put(key, drawn)  # a switch waits for this one; what is kept follows
            data = _encode(drawn)
            picture = _decode(data, self._size)
            assert picture is not None  # noqa: S101 - it was encoded a moment ago
            if path is not None and not _keep(path, data):
                self._folder = None
                self._folders.clear()
            sweep.put(key, picture)
            return True
        sweep.put(key, picture)
        return False

    def _is_waiting_beside(self, sweep: Sweep) -> bool:
        """Whether the show waits for the first key of another sweep than ``sweep``."""
        newest = self._newest
        return newest is not None and newest is not sweep and not newest.ready

    def _folder_of(self, engine: Engine, look: Look) -> Path | None:
        """Return the folder of a look's keys: named by everything that the pictures depend on."""
        if self._folder is None:
            return None
        if look not in self._folders:
            digest = hashlib.sha256(engine.identity.encode())
            for key in range(self.keys):
                digest.update(self._codes(look, key / (self.keys - 1)).tobytes())
            name = f"{look.face}-{look.expression}-{self._size}-{digest.hexdigest()[:16]}"
            self._folders[look] = self._folder / name
        return self._folders[look]


def _encode(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``picture``, (size, size, 4) uint8 RGBA, as JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGR), _JPEG)
    return np.asarray(data, np.uint8)


def _decode(data: NDArray[np.uint8], size: int) -> NDArray[np.uint8] | None:
    """Return the picture in ``data``, (size, size, 4) uint8 RGBA; None when it is damaged."""
    if not data.size or data[-2:].tobytes() != _JPEG_END:
        return None
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR_BGR)
    if picture is None or picture.shape != (size, size, 3):
        return None
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA), np.uint8)


def _read(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, none when it is not there."""
    try:
        return np.fromfile(path, np.uint8)
    except OSError:
        return np.empty(0, np.uint8)


def _keep(path: Path, data: NDArray[np.uint8]) -> bool:
    """Write a key; False, said once, when the cache cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data.tobytes())
    except OSError as error:
        _log.warning(
            "key frames cannot be kept in %s (%s); they will be drawn again next time",
            path.parent,
            error.strerror,
        )
        return False
    return True


def _lower_priority(*, idle: bool) -> None:
    """Let the show's own clock go first; threads made from here on inherit it (Linux).

    idle: let everything go first. A niced thread still delays a clock that wakes up beside it
    by some milliseconds; an idle one does not.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        if idle:
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, thread, _NICENESS)
