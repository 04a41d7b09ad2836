"""Flags of a show: a few words of shared memory that every process can read.

Each is one aligned word, which processors read atomically, and no reader combines two of them; so
they need no fence.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

BEAT_S = 0.05
"""Time from one heartbeat of the parent to the next, s."""


class ShowFlags:
    """Flags for all processes of a show: its start, its end, and its parent's heartbeat."""

    def __init__(self, *, name: str | None = None) -> None:
        """Create the flags, or with ``name`` open the one that another process created."""
        self._memory = SharedMemory(name=name, create=name is None, size=64)
        self._made_here = name is None
        buffer = self._memory.buf
        assert buffer is not None  # noqa: S101 - for the type checker: open memory has one
        self._stop: NDArray[np.uint64] = np.ndarray(1, np.uint64, buffer, 0)
        self._epoch: NDArray[np.float64] = np.ndarray(1, np.float64, buffer, 8)
        self._beats: NDArray[np.uint64] = np.ndarray(1, np.uint64, buffer, 16)

    @property
    def name(self) -> str:
        """Name by which other processes open it."""
        return self._memory.name

    @property
    def stopping(self) -> bool:
        """True once the show is to end."""
        return bool(self._stop[0])

    def stop(self) -> None:
        """End the show."""
        self._stop[0] = 1

    @property
    def epoch_s(self) -> float | None:
        """Start of the show, monotonic s: the deadline of frame 0; None before."""
        return float(self._epoch[0]) or None

    def begin(self, epoch_s: float) -> None:
        """Start the show, with the deadline of frame 0 at ``epoch_s``."""
        self._epoch[0] = epoch_s

    @property
    def awake_s(self) -> float:
        """Time, s, for which the parent has been awake while the show ran."""
        return float(self._beats[0]) * BEAT_S

    def beat(self) -> None:
        """Count a heartbeat of the parent; to be called every ``BEAT_S``."""
        self._beats[0] += np.uint64(1)

    def close(self) -> None:
        """Close them; the process that created it also removes it."""
        del self._stop, self._epoch, self._beats
        self._memory.close()
        if self._made_here:
            self._memory.unlink()
