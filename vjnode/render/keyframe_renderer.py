"""Renderer of key frames: blends those of a look's first channel and adds the others to them.

The tick of a show waits for none of their preparation. It says what it wants into a queue that
never blocks, and reads what is published; one thread does everything to the cache. A lock would
make the tick wait for whoever has it, and a thread that gives way to everything may keep it for
long.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vjnode.engines.base import Engine
from vjnode.render.base import MIXED, Latents, Look, Picture, Progress, done
from vjnode.render.keyframe_cache import KeyframeCache
from vjnode.render.keyframe_files import KeyFiles
from vjnode.render.keyframe_workers import KeyframeWorkers
from vjnode.render.keyframes import KEYS, Blend, KeySet, Sweep, keys_within
from vjnode.render.layers import LayersOf
from vjnode.render.overlay import Overlay

_log = logging.getLogger(__name__)

_GLANCE_S = 0.005
"""Interval, s, at which ``KeyframeRenderer.wait`` looks whether the keys are there."""


@dataclass(frozen=True)
class _Drawable:
    """Key frames and differences of a look. overlay: None where the first channel is all of it."""

    look: Look
    sweep: Sweep
    overlay: Overlay | None

    @property
    def sets(self) -> tuple[KeySet, ...]:
        return (self.sweep,) if self.overlay is None else (self.sweep, self.overlay)


class KeyframeRenderer:
    """Blends key frames, prepared in the order of a ``KeyframeCache``.

    Args:
        open_engine, latents, prompt: see ``KeyframeWorkers``.
        layers: takes a look apart.
        size: of pictures, px. memory_bytes: limit for all key frames together; a single sweep gets
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
        layers: LayersOf,
        *,
        size: int,
        memory_bytes: int,
        folder: Path | None,
        prompt: bool = True,
    ) -> None:
        self._layers = layers
        self._size = size
        self.keys = keys_within(memory_bytes, size=size)
        if self.keys < KEYS:
            room = f"the sweep memory of {memory_bytes >> 20} MiB holds {self.keys} key frames"
            _log.warning("%s of %d: coarser movement; raise --sweep-memory", room, KEYS)
        self._cache = KeyframeCache(self._empty, memory_bytes=memory_bytes)
        self._newest: _Drawable | None = None
        self._drawn: deque[_Drawable] = deque(maxlen=MIXED)
        """The looks that were drawn last, whose keys the cache may have let go."""
        self._asks = 0
        self._unanswered: dict[Look, tuple[int, KeySet]] = {}
        """Sets that were asked for and are not published yet, with the number of the last ask.
        For the thread that calls ``sweep`` alone."""
        self._files = KeyFiles(folder, size)
        self._workers = KeyframeWorkers(
            open_engine,
            latents,
            self._cache,
            self._files,
            size=size,
            given_up=self._is_given_up,
            prompt=prompt,
        )

    @property
    def engine_name(self) -> str:
        """Name of the engine once it is open."""
        return self._workers.engine_name

    def sweep(self, look: Look) -> Sweep:
        """Return the sweep of ``look``, perhaps still empty, and prepare it before any other.

        At once, whatever the background does; for one thread at a time.

        Raises:
            VjnodeError: the engine has failed; nothing more will be prepared.
        """
        return self._asked(look).sweep

    def _asked(self, look: Look) -> _Drawable:
        """Return what ``look`` is drawn from, and have it prepared; see ``sweep``."""
        self._workers.check()
        if self._newest is not None and self._newest.look == look:
            return self._newest
        layers = self._layers(look)
        answered = self._cache.answered  # before what is published, which is then no older
        self._unanswered = {one: it for one, it in self._unanswered.items() if it[0] > answered}
        wanted = [layers.keys] if layers.added is None else [layers.keys, layers.added]
        parts = [(layer, self._kept(layer)) for layer in wanted]
        self._asks += 1
        self._unanswered |= {layer: (self._asks, keys) for layer, keys in parts}
        sweep, overlay = parts[0][1], parts[-1][1]
        assert isinstance(sweep, Sweep)  # noqa: S101 - of one channel
        added = overlay if isinstance(overlay, Overlay) else None
        self._newest = _Drawable(look, sweep, added)
        self._workers.post(partial(self._cache.ask, parts))
        return self._newest

    def _kept(self, layer: Look) -> KeySet:
        """Return the set of a layer that is there or has been asked for, else an empty one."""
        if layer in self._unanswered:
            return self._unanswered[layer][1]
        return self._cache.published.get(layer) or self._empty(layer)

    def _empty(self, layer: Look) -> KeySet:
        if layer == layer.in_one_channel():
            return Sweep(keys=self.keys, size=self._size)
        shown = [
            bool(one) and not layer.bound(channel) for channel, one in enumerate(layer.expressions)
        ]
        return Overlay(
            shown,
            self._size,
            leading=layer.leading,
            alike=self._layers(layer).alike,
            idle=len(layer.idle),
        )

    def ready(self, look: Look) -> Progress:
        """Return how far ``look`` is prepared; see ``Renderer.ready``."""
        asked = self._asked(look)
        if not asked.sweep.ready:  # without that, others are no picture
            return Progress(0, sum(one.keys for one in asked.sets))
        ready, wanted = (sum(getattr(one, of) for one in asked.sets) for of in ("ready", "keys"))
        return Progress(ready, wanted)

    def prepare(self, look: Look, *, keys: int, timeout_s: float) -> bool:
        """Wait until ``look`` has ``keys`` key frames, or all; see ``Renderer.prepare``."""
        return self._wait(lambda: self._has(self.ready(look), keys), timeout_s)

    @staticmethod
    def _has(progress: Progress, keys: int) -> bool:
        return progress.ready >= min(keys, progress.wanted)

    def begin(self, look: Look, weights: Sequence[float]) -> Future[Picture]:
        """Return the picture of ``look``; see ``Renderer.begin``."""
        newest, drawn = self._newest, next((one for one in self._drawn if one.look == look), None)
        if drawn is None:
            drawn = self._asked(look)
        elif newest is not None and newest.look == look and newest.sweep.ready:
            drawn = newest  # the one before may have been let go and begun anew
        self._drawn.append(drawn)
        leading = weights[look.leading] if look.leading < len(weights) else 0.0
        return done(Blend(drawn.sweep, drawn.overlay, leading, weights))

    def prefetch(self, looks: Iterable[Look], *, first: Sequence[Look] = ()) -> None:
        """Prepare these too, when there is nothing else to do; see ``Renderer.prefetch``."""
        sure, perhaps = self._layers_of(first), self._layers_of(looks)
        self._workers.post(partial(self._cache.prefetch, perhaps, first=sure))

    def _layers_of(self, looks: Iterable[Look]) -> tuple[Look, ...]:
        """Return the layers of looks, those that are a picture by themselves before the others."""
        taken = [self._layers(look) for look in looks]
        added = [layers.added for layers in taken if layers.added is not None]
        return tuple(dict.fromkeys([*(layers.keys for layers in taken), *added]))

    def wait(self, sweep: Sweep, *, ready: int, timeout_s: float) -> bool:
        """Wait until ``sweep`` has ``ready`` keys; False when that took too long.

        Raises:
            VjnodeError: the engine has failed.
        """
        return self._wait(lambda: sweep.ready >= ready, timeout_s)

    def _wait(self, there: Callable[[], bool], timeout_s: float) -> bool:
        until_s = time.monotonic() + timeout_s
        while True:
            self._workers.check()
            if there():
                return True
            if time.monotonic() >= until_s:
                return False
            time.sleep(_GLANCE_S)

    def close(self) -> None:
        """Stop preparing; returns when that has stopped, soon."""
        self._workers.close()

    def _is_given_up(self, keys: KeySet) -> bool:
        """Return whether the show waits for the first key of another look."""
        newest = self._newest
        return newest is not None and keys not in newest.sets and not newest.sweep.ready
