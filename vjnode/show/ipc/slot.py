"""Hand-overs between processes: one slot in shared memory, where the newest value wins.

A writer never waits for a reader, nor a reader for a writer, and neither can leave a lock
behind when it is killed. The payload is kept several times: while one copy is written, the
newest complete one stays readable; a reader that was overtaken while copying sees that
from the sequence number and reads again.

Each copy has its number at its head: 0 while it is written. The writer clears the head, fence,
writes body and head, fence, and then says that this copy is the newest. The reader sees which one
is the newest, fence, copies its body, fence, and looks whether its head is still of that number.
So, on any processor: whoever sees a number as the newest sees all of its body, and whoever has
copied one byte that was written later finds another head. Numbers are aligned words, which no
processor reads by halves.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from vjnode.runtime import monotonic_s
from vjnode.show.ipc.fence import fence

COPIES = 3
_LINE = 64  # a cache line: counters of their own do not slow the payload's neighbours
_MAX_TRIES = 8


class Slot:
    """A single-slot hand-over of at most ``capacity`` bytes."""

    def __init__(self, capacity: int, *, name: str | None = None, copies: int = COPIES) -> None:
        """Make a slot, or with ``name`` join the one that another process made.

        copies: how often the payload is kept, the same for all who join; two are enough for what
            is written rarely.
        """
        self.capacity = capacity
        self._copies = copies
        self._stride = _LINE + -(-capacity // _LINE) * _LINE
        total = _LINE + copies * self._stride
        self._memory = SharedMemory(name=name, create=name is None, size=total)
        self._made_here = name is None
        buffer = self._memory.buf
        assert buffer is not None  # noqa: S101 - for the type checker: open memory has one
        self._newest: NDArray[np.uint64] = np.ndarray(1, np.uint64, buffer, 0)
        starts = [_LINE + copy * self._stride for copy in range(copies)]
        # Each copy begins with the sequence number that it holds, its length in bytes, and when
        # it was written.
        self._heads = [np.ndarray(2, np.uint64, buffer, start) for start in starts]
        self._times = [np.ndarray(1, np.float64, buffer, start + 16) for start in starts]
        self._bodies = [np.ndarray(capacity, np.uint8, buffer, start + _LINE) for start in starts]
        self._read_up_to = 0
        self.dropped = 0
        """Values that this reader never saw because newer ones had replaced them."""

    @property
    def name(self) -> str:
        """Name under which other processes join."""
        return self._memory.name

    @property
    def sequence(self) -> int:
        """How many values have been written; a sign of life of the writer."""
        return int(self._newest[0])

    @property
    def written_s(self) -> float:
        """When the newest value was written, monotonic s; 0 before any."""
        sequence = self.sequence
        fence()
        return float(self._times[sequence % self._copies][0])

    def begin(self) -> NDArray[np.uint8]:
        """Return the memory for the next value, shape (capacity,), uint8, to write into."""
        copy = (self.sequence + 1) % self._copies
        self._heads[copy][0] = 0
        fence()
        return self._bodies[copy]

    def commit(self, length: int) -> None:
        """Hand over what was written into the memory that ``begin`` gave."""
        sequence = self.sequence + 1
        head = self._heads[sequence % self._copies]
        self._times[sequence % self._copies][0] = monotonic_s()
        head[1] = length
        head[0] = sequence
        fence()
        self._newest[0] = sequence

    def write(self, value: bytes) -> None:
        """Hand over ``value``.

        Raises:
            ValueError: it is longer than the slot.
        """
        if len(value) > self.capacity:
            raise ValueError(f"{len(value)} bytes do not fit into a slot of {self.capacity}")
        self.begin()[: len(value)] = np.frombuffer(value, np.uint8)
        self.commit(len(value))

    def read_into(self, target: NDArray[np.uint8]) -> int | None:
        """Copy the newest value into ``target``; None when there is none since the last read.

        target: uint8; when it is shorter than the value, it gets the value's beginning.
        Returns: how many bytes were copied.
        """
        for _ in range(_MAX_TRIES):
            sequence = self.sequence
            if sequence == self._read_up_to:
                return None
            fence()
            head = self._heads[sequence % self._copies]
            if int(head[0]) != sequence:  # overtaken already: no need to copy
                continue
            length = min(int(head[1]), len(target))
            target[:length] = self._bodies[sequence % self._copies][:length]
            fence()
            if int(head[0]) == sequence:
                if self._read_up_to:
                    self.dropped += sequence - self._read_up_to - 1
                self._read_up_to = sequence
                return length
        return None  # a writer this much faster than we are: its next value will do

    def read(self) -> bytes | None:
        """Return the newest value, or None when there is none since the last read."""
        target = np.empty(self.capacity, np.uint8)
        length = self.read_into(target)
        return None if length is None else target[:length].tobytes()

    def close(self) -> None:
        """Leave the slot; the process that made it also removes it."""
        del self._newest, self._heads, self._times, self._bodies
        self._memory.close()
        if self._made_here:
            self._memory.unlink()
