"""Slot for one value in shared memory between processes, where the newest value wins.

A writer never waits for a reader, nor a reader for a writer, and neither can leave a lock
behind when it is killed. The value has several copies: while one copy is written, the newest
complete one stays readable; a reader that was overtaken while copying notices that by the sequence
number and reads again.

Each copy has its sequence number in its head: 0 while it is written. The writer clears the head,
fence, writes body and head, fence, and then marks this copy as the newest. The reader reads which
copy is the newest, fence, copies its body, fence, and checks that its head still has that number.
So, on any processor, a reader that sees a number as the newest sees the whole body, and a reader
that has copied a byte written later finds another number in the head. Numbers are aligned words,
which processors read atomically.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from vjnode.runtime import monotonic_s
from vjnode.show.ipc.fence import fence

COPIES = 3
_LINE = 64  # bytes of a cache line, so that counters do not share one with the payload
_MAX_TRIES = 8


class Slot:
    """A slot for one value of at most ``capacity`` bytes."""

    def __init__(self, capacity: int, *, name: str | None = None, copies: int = COPIES) -> None:
        """Create a slot, or with ``name`` open the one that another process created.

        copies: number of copies of the value, the same in all processes; two are enough for rare
            writes.
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
        # Each copy begins with its sequence number, its length in bytes, and the time of writing.
        self._heads = [np.ndarray(2, np.uint64, buffer, start) for start in starts]
        self._times = [np.ndarray(1, np.float64, buffer, start + 16) for start in starts]
        self._bodies = [np.ndarray(capacity, np.uint8, buffer, start + _LINE) for start in starts]
        self._read_up_to = 0
        self.dropped = 0
        """Number of values that this reader missed because newer ones replaced them."""

    @property
    def name(self) -> str:
        """Name by which other processes open it."""
        return self._memory.name

    @property
    def sequence(self) -> int:
        """Number of values written so far; a sign of life of the writer."""
        return int(self._newest[0])

    @property
    def written_s(self) -> float:
        """Time at which the newest value was written, monotonic s; 0 before any."""
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
        """Publish the value that was written into the memory from ``begin``."""
        sequence = self.sequence + 1
        head = self._heads[sequence % self._copies]
        self._times[sequence % self._copies][0] = monotonic_s()
        head[1] = length
        head[0] = sequence
        fence()
        self._newest[0] = sequence

    def write(self, value: bytes) -> None:
        """Publish ``value``.

        Raises:
            ValueError: it is longer than the slot.
        """
        if len(value) > self.capacity:
            raise ValueError(f"{len(value)} bytes do not fit into a slot of {self.capacity}")
        self.begin()[: len(value)] = np.frombuffer(value, np.uint8)
        self.commit(len(value))

    def read_into(self, target: NDArray[np.uint8]) -> int | None:
        """Copy the newest value into ``target``.

        target: uint8; if it is shorter than the value, it gets the value's beginning.
        Returns: number of bytes copied; None if there is no new value since the last read.
        """
        for _ in range(_MAX_TRIES):
            sequence = self.sequence
            if sequence == self._read_up_to:
                return None
            fence()
            head = self._heads[sequence % self._copies]
            if int(head[0]) != sequence:  # overtaken already, so a copy would be useless
                continue
            length = min(int(head[1]), len(target))
            target[:length] = self._bodies[sequence % self._copies][:length]
            fence()
            if int(head[0]) == sequence:
                if self._read_up_to:
                    self.dropped += sequence - self._read_up_to - 1
                self._read_up_to = sequence
                return length
        return None  # the writer is much faster than this reader; its next value will do

    def read(self) -> bytes | None:
        """Return the newest value, or None if there is no new one since the last read."""
        target = np.empty(self.capacity, np.uint8)
        length = self.read_into(target)
        return None if length is None else target[:length].tobytes()

    def close(self) -> None:
        """Close the slot; the process that created it also removes it."""
        del self._newest, self._heads, self._times, self._bodies
        self._memory.close()
        if self._made_here:
            self._memory.unlink()
