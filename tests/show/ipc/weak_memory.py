"""Shared memory on a processor that keeps no order but that of fences, as ARM may.

First the writer's code runs, and each word that it stores is noted. Between two of its fences the
words then arrive in any order. After that the reader's code runs, while they arrive: each word that
it loads is as it was at some time between its last fence and its next, another time for each word.
So every order that such a processor may take can come up, and a fence that is missing shows.
"""

from types import SimpleNamespace

import numpy as np

WORD = 8


class WeakMemory:
    """Shared memory between a writer and a reader who both run the code of ``module``.

    module: its ``SharedMemory``, ``fence`` and ``np.ndarray`` become those of this memory.
    """

    def __init__(self, module, monkeypatch, seed):
        self._rng = np.random.default_rng(seed)
        self._bytes = None
        self._stored = [[]]  # between each two fences of the writer: word and value
        self._writing = True
        monkeypatch.setattr(module, "SharedMemory", self._share)
        monkeypatch.setattr(module, "fence", self._fence, raising=False)
        monkeypatch.setattr(module, "np", SimpleNamespace(**{**vars(np), "ndarray": self._array}))

    def arrive(self):
        """Let what was written arrive; from now on the module's code reads."""
        self._writing = False
        states = [np.zeros_like(self._words)]
        for stores in self._stored:
            for place in _mixed(self._rng, [word for word, _ in stores]):
                word, value = stores[place]
                states.append(states[-1].copy())
                states[-1][word] = value
        self._states = np.array(states)
        self._since = self._until = 0

    def goes_on(self):
        """Let some time pass between two calls of the reader; return whether more is to arrive."""
        self._fence()
        return self._since < len(self._states) - 1

    def _share(self, *, name, create, size):
        if self._bytes is None:
            self._bytes = bytearray(-(-size // WORD) * WORD)
            self._words = np.frombuffer(self._bytes, np.uint64)
            self._before = self._words.copy()
        return SimpleNamespace(name=name, buf=self._bytes, close=_nothing, unlink=_nothing)

    def _array(self, *shape_type_buffer_and_offset):
        made = np.ndarray.__new__(_Array, *shape_type_buffer_and_offset)
        made.memory = self
        return made

    def _fence(self):
        if self._writing:
            self._stored.append([])
        else:
            self._since = self._until
            step = int(self._rng.integers(0, self._rng.choice([1, 2, 4, 20])))
            self._until = min(self._since + step, len(self._states) - 1)

    def note(self):
        """Note what was stored."""
        for word in np.flatnonzero(self._words != self._before):
            self._stored[-1].append((word, self._words[word]))
        self._before[:] = self._words

    def look(self):
        """Let each word be as it was at some time between two fences."""
        if not self._writing:
            when = self._rng.integers(self._since, self._until + 1, len(self._words))
            self._words[:] = self._states[when, np.arange(len(self._words))]


class _Array(np.ndarray):
    memory = None

    def __array_finalize__(self, source):
        self.memory = getattr(source, "memory", None)

    def __getitem__(self, key):
        self.memory.look()
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        self.memory.note()

    def copy(self):
        self.memory.look()
        return np.array(self)


def _mixed(rng, words):
    """Return a random order of stores in which those to one word stay in order."""
    slots = {}
    for place, word in enumerate(words):
        slots.setdefault(word, []).append(place)
    return [slots[words[place]].pop(0) for place in rng.permutation(len(words))]


def _nothing():
    pass
