"""Ring buffer of the show's sound in shared memory, for outputs that carry it.

Unlike a ``Slot``, it must not lose data between two reads, so it keeps the last seconds. The
writer never waits; a reader that was away for longer gets the newest part.

The writer increases its count of frames after it has written a block's samples. The reader copies
the counted samples and then reads the count again: if the writer may have reached the oldest copied
sample by then, it copies once more. A fence between each two of these steps keeps their order on
any processor.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK, RATE_HZ, Block
from vjnode.show.ipc.fence import fence

SECONDS = 4
FRAMES = RATE_HZ * SECONDS
_TIMES = 512  # times kept, of the newest blocks; each is written before its samples are counted
_HEAD = 64 + _TIMES * 8
_GUARD = RATE_HZ // 4  # the oldest quarter second is likely to be overwritten during a read
_MAX_TRIES = 8


class SoundRing:
    """Ring buffer of stereo sound, written by the audio stage and read by outputs."""

    def __init__(self, *, name: str | None = None) -> None:
        """Create a ring, or with ``name`` open the one that another process created."""
        self._memory = SharedMemory(name=name, create=name is None, size=_HEAD + FRAMES * 8)
        self._made_here = name is None
        buffer = self._memory.buf
        assert buffer is not None  # noqa: S101 - for the type checker: open memory has one
        self._written: NDArray[np.uint64] = np.ndarray(1, np.uint64, buffer, 0)
        self._heard_s: NDArray[np.float64] = np.ndarray(_TIMES, np.float64, buffer, 64)
        self._pcm: NDArray[np.float32] = np.ndarray((FRAMES, 2), np.float32, buffer, _HEAD)
        self._read_up_to = int(self._written[0])

    @property
    def name(self) -> str:
        """Name by which other processes open it."""
        return self._memory.name

    def write(self, block: Block) -> None:
        """Append one block, of at most ``BLOCK`` frames."""
        fence()  # a reader that sees these samples also sees the count of the previous blocks
        start = int(self._written[0]) % FRAMES
        count = len(block.pcm)
        first = min(count, FRAMES - start)
        self._pcm[start : start + first] = block.pcm[:first]
        self._pcm[: count - first] = block.pcm[first:]
        written = int(self._written[0]) + count
        self._heard_s[written // BLOCK % _TIMES] = block.captured_s
        fence()
        self._written[0] = written

    def read(self) -> tuple[NDArray[np.float32], float]:
        """Return the samples since the last read, (n, 2) float32, and the time of the last one."""
        for _ in range(_MAX_TRIES):
            written = int(self._written[0])
            fence()
            heard_s = float(self._heard_s[written // BLOCK % _TIMES])
            first = max(self._read_up_to, written - (FRAMES - _GUARD))
            pcm = self._pcm[np.arange(first, written) % FRAMES]
            fence()
            # Up to one block may be written but not counted yet.
            if int(self._written[0]) + BLOCK - first <= FRAMES:
                self._read_up_to = written
                return pcm, heard_s
        return pcm[:0], heard_s  # each try was held up for seconds; the next read gets the newest

    def close(self) -> None:
        """Close the ring; the process that created it also removes it."""
        del self._written, self._heard_s, self._pcm
        self._memory.close()
        if self._made_here:
            self._memory.unlink()
