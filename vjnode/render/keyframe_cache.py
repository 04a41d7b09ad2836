"""The sweeps that a show has in memory, and which of their keys is to be prepared next.

One thread owns a cache and does everything to it; others read what it publishes. So nothing here
is locked, and nobody waits.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from vjnode.render.base import Look
from vjnode.render.keyframes import Sweep

Task = tuple[Look, Sweep, int]
"""A key frame to prepare: its look, the sweep that it belongs to, its number from 0."""


class KeyframeCache:
    """Sweeps in the order in which they were shown, and what is still missing of them.

    The sweep asked for last is prepared first; when all that were asked for are complete,
    those of ``prefetch``, as long as they fit into the memory limit. When it is full, what was
    shown longest ago is let go.

    Args:
        keys, size: of each sweep.
        memory_bytes: limit for all sweeps together, once they are complete.

    """

    def __init__(self, *, keys: int, size: int, memory_bytes: int) -> None:
        self._keys, self._size, self._memory_bytes = keys, size, memory_bytes
        self._sweeps: OrderedDict[Look, Sweep] = OrderedDict()
        self._wanted: set[Look] = set()
        self._prefetch: list[Look] = []
        self._in_hand: set[tuple[Sweep, int]] = set()
        self.published: Mapping[Look, Sweep] = MappingProxyType({})
        """The sweeps that are here, for any thread: replaced as a whole, never changed."""
        self.answered = 0
        """Number of ``ask``s whose sweep has been published."""

    def ask(self, look: Look, sweep: Sweep) -> None:
        """Prepare ``sweep`` before any other, as that of ``look``."""
        if self._sweeps.get(look) is not sweep:
            self._sweeps.pop(look, None)
            self._make_room(sweep)
            self._sweeps[look] = sweep
        self._wanted.add(look)
        self._sweeps.move_to_end(look)
        self._publish()
        self.answered += 1

    def prefetch(self, looks: Iterable[Look]) -> None:
        """Prepare these too, when there is nothing else to do and memory for them."""
        self._prefetch = list(looks)

    def take_wanted(self) -> Task | None:
        """Return the next key to prepare of a look that the show asked for; None: there is none.

        Of the newest look first. The key counts as in hand until ``release``.
        """
        task = self._next_wanted()
        if task is not None:
            self._in_hand.add(task[1:])
        return task

    def release(self, task: Task) -> None:
        """Note that a key is in hand no more: it is done, or was given up."""
        self._in_hand.discard(task[1:])

    def next_ahead(self) -> Task | None:
        """Return the next key to prepare ahead of a switch; None: there is none.

        Of a look to prefetch, and only when every look that the show asked for is complete or in
        hand.
        """
        if self._next_wanted() is not None:
            return None
        if (look := self._affordable()) is not None:
            self._sweeps[look] = Sweep(keys=self._keys, size=self._size)
            self._sweeps.move_to_end(look, last=False)  # as the one shown longest ago
            self._publish()
        for look, sweep in reversed(self._sweeps.items()):
            if look not in self._wanted and (key := sweep.missing()) is not None:
                return look, sweep, key
        return None

    def _next_wanted(self) -> Task | None:
        for look, sweep in reversed(self._sweeps.items()):
            in_hand = [key for of, key in self._in_hand if of is sweep]
            if look in self._wanted and (key := sweep.missing(in_hand)) is not None:
                return look, sweep, key
        return None

    def _affordable(self) -> Look | None:
        """Return the next look to prefetch, if there is memory for it without letting one go."""
        one = self._keys * self._size * self._size * 4
        if not self._sweeps or self._nbytes() + one > self._memory_bytes:
            return None
        return next((look for look in self._prefetch if look not in self._sweeps), None)

    def _make_room(self, sweep: Sweep) -> None:
        while self._sweeps and self._nbytes() + sweep.nbytes > self._memory_bytes:
            self._wanted.discard(self._sweeps.popitem(last=False)[0])

    def _nbytes(self) -> int:
        """Memory of all sweeps once they are complete, as far as is known."""
        return sum(sweep.nbytes for sweep in self._sweeps.values())

    def _publish(self) -> None:
        self.published = MappingProxyType(dict(self._sweeps))
