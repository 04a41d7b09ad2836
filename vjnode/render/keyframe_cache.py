"""The key frames that a show has in memory, and which of them is to be prepared next.

One thread owns a cache and does everything to it; others read what it publishes. So nothing here
is locked, and nobody waits.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from vjnode.render.base import Look
from vjnode.render.keyframes import KeySet

Task = tuple[Look, KeySet, int]
"""A key frame to prepare: its look, the set that it belongs to, its number from 0."""

Part = tuple[Look, KeySet]
"""A layer of a look: see ``vjnode.render.layers``."""


class KeyframeCache:
    """Sets of key frames in the order in which they were shown, and what is still missing of them.

    Those asked for last are prepared first, all at the same pace; when all that were asked for are
    complete, those of ``prefetch``, as long as they fit into the memory limit. When it is full,
    what was shown longest ago is let go.

    Args:
        make: makes an empty set for a layer.
        memory_bytes: limit for all together, once they are complete.

    """

    def __init__(self, make: Callable[[Look], KeySet], *, memory_bytes: int) -> None:
        self._make, self._memory_bytes = make, memory_bytes
        self._sets: OrderedDict[Look, KeySet] = OrderedDict()
        self._wanted: set[Look] = set()
        self._newest: Sequence[Part] = ()
        self._prefetch: list[Look] = []
        self._first: list[Look] = []
        self._in_hand: set[tuple[KeySet, int]] = set()
        self.published: Mapping[Look, KeySet] = MappingProxyType({})
        """The sets that are here, for any thread: replaced as a whole, never changed."""
        self.answered = 0
        """Number of ``ask``s whose sets have been published."""

    def ask(self, parts: Sequence[Part]) -> None:
        """Prepare the sets of these layers of one look before any other."""
        for look, keys in reversed(parts):
            if self._sets.get(look) is not keys:
                self._sets.pop(look, None)
                self._make_room(keys, [one for _, one in parts])
                self._sets[look] = keys
            self._wanted.add(look)
            self._sets.move_to_end(look)
        self._newest = parts
        self._publish()
        self.answered += 1

    def prefetch(self, looks: Iterable[Look], *, first: Sequence[Look] = ()) -> None:
        """Prepare these layers too, when there is nothing else to do and memory for them.

        first: before the others; what was shown longest ago is let go for them, but nothing of the
        newest look.
        """
        self._first = list(first)
        self._prefetch = [*first, *(look for look in looks if look not in self._first)]

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
        if (part := self._affordable()) is not None:
            look, self._sets[look] = part[0], part[1]
            self._sets.move_to_end(look, last=False)  # as the one shown longest ago
            self._publish()
        for look, keys in reversed(self._sets.items()):
            if look not in self._wanted and (key := keys.missing()) is not None:
                return look, keys, key
        return None

    def _next_wanted(self) -> Task | None:
        # What was shown before waits for what is shown now; that has a picture first.
        newest = sorted(self._newest, key=lambda part: self._share_done(part[1]))
        rest = ((look, self._sets[look]) for look in reversed(self._sets) if look in self._wanted)
        for look, keys in (*newest, *rest):
            if (key := keys.missing(self._numbers_in_hand(keys))) is not None:
                return look, keys, key
        return None

    def _share_done(self, keys: KeySet) -> float:
        """Return the part of a set that is there or in hand, as an order of preparation."""
        if keys is self._newest[0][1] and not keys.ready:
            return -1.0
        return (keys.ready + len(self._numbers_in_hand(keys))) / keys.keys

    def _numbers_in_hand(self, keys: KeySet) -> list[int]:
        return [key for of, key in self._in_hand if of is keys]

    def _affordable(self) -> Part | None:
        """Return the next layer to prefetch, if there is memory for it, or it can be made."""
        look = next((look for look in self._prefetch if look not in self._sets), None)
        if not self._sets or look is None:
            return None
        keys = self._make(look)
        if look in self._first:
            stays = [one for _, one in self._newest]
            before = self._first[: self._first.index(look)]
            stays += [self._sets[one] for one in before if one in self._sets]
            if sum(one.nbytes for one in (keys, *stays)) <= self._memory_bytes:
                self._make_room(keys, stays)
        return (look, keys) if self._nbytes() + keys.nbytes <= self._memory_bytes else None

    def _make_room(self, keys: KeySet, stays: Sequence[KeySet]) -> None:
        """Let go what was shown longest ago, until there is room; not what ``stays``."""
        for look in [look for look, one in self._sets.items() if one not in stays]:
            if self._nbytes() + keys.nbytes <= self._memory_bytes:
                break
            del self._sets[look]
            self._wanted.discard(look)

    def _nbytes(self) -> int:
        """Memory of all sets once they are complete, as far as is known."""
        return sum(keys.nbytes for keys in self._sets.values())

    def _publish(self) -> None:
        self.published = MappingProxyType(dict(self._sets))
