"""Statistics of an output's frames in shared memory, which survive the output's faults.

Intervals and delays are kept as histograms: a night-long show needs no more memory than a
minute, and a restarted output continues its counts.

The output writes and the parent reads. While a frame is counted, the revision is odd: a reader
copies everything between two reads of the revision, and copies again unless both are the same and
even. A fence between each two of these steps keeps their order on any processor. An output that was
killed while it counted leaves an odd revision; the copy may then lack a part of its last frame.
"""

from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

from vjnode.show.ipc.fence import fence

BIN_MS = 0.05
BINS = 20_000
"""Number of bins. Histograms reach to 1 s; longer times count in the last bin, and the maximum is
kept exactly."""

GAP_S = 0.25
GAPS = 64
"""Number of the newest intervals longer than that that are kept with their times."""

_COUNTERS = 8
_HANDED, _LATE, _REPEATED, _STANDBY, _GAPS, _MISSED, _REVISION = range(7)
_FIRST, _LAST, _MAX_INTERVAL, _MAX_DELAY, _MISSED_LAST, _MAX_AGE, _AGE = range(7)
_HEAD = _COUNTERS * 16 + GAPS * 16
_BYTES = _HEAD + BINS * 12
_MAX_TRIES = 8


class Figures:
    """Statistics of frames in a buffer: their number, intervals, and delays behind the sound.

    A delay belongs to a frame's first showing; an age to every showing, also of a repeated frame.
    """

    def __init__(self, buffer: memoryview | NDArray[np.uint8]) -> None:
        self._counts: NDArray[np.uint64] = np.ndarray(_COUNTERS, np.uint64, buffer, 0)
        self._times: NDArray[np.float64] = np.ndarray(_COUNTERS, np.float64, buffer, _COUNTERS * 8)
        # Start and length of each gap, s.
        self._gaps: NDArray[np.float64] = np.ndarray((GAPS, 2), np.float64, buffer, _COUNTERS * 16)
        self._intervals: NDArray[np.uint32] = np.ndarray(BINS, np.uint32, buffer, _HEAD)
        self._delays: NDArray[np.uint32] = np.ndarray(BINS, np.uint32, buffer, _HEAD + BINS * 4)
        self._ages: NDArray[np.uint32] = np.ndarray(BINS, np.uint32, buffer, _HEAD + BINS * 8)

    @property
    def frames(self) -> int:
        """Number of frames that were sent."""
        return int(self._counts[_HANDED] - self._counts[_MISSED])

    @property
    def age_s(self) -> float:
        """Age of the sound that the newest showing was drawn from, s; 0 before any."""
        return float(self._times[_AGE])

    def summary(self, epoch_s: float | None = None) -> dict[str, object]:
        """Return the figures of the report, times in s and ms.

        epoch_s: start of the show, monotonic s; times of gaps are relative to it, or to the first
        frame if it is None.
        """
        ended_s = max(float(self._times[_LAST]), float(self._times[_MISSED_LAST]))
        span_s = ended_s - float(self._times[_FIRST]) if self.frames else 0.0
        longest = float(self._times[_MAX_INTERVAL])
        behind = {
            name: (histogram, float(self._times[maximum]))
            for name, histogram, maximum in (
                ("latency_ms", self._delays, _MAX_DELAY),
                ("age_ms", self._ages, _MAX_AGE),
            )
        }
        return {
            "frames": self.frames,
            "missed": int(self._counts[_MISSED]),
            "duration_s": round(span_s, 3),
            "fps": round((self.frames - 1) / span_s, 3) if span_s > 0 else 0.0,
            "interval_ms": {
                "p50": percentile_ms(self._intervals, 0.5, longest),
                "p99": percentile_ms(self._intervals, 0.99, longest),
                "p999": percentile_ms(self._intervals, 0.999, longest),
                "max": round(longest, 2),
            },
            "late": int(self._counts[_LATE]),
            "repeated": int(self._counts[_REPEATED]),
            "standby": int(self._counts[_STANDBY]),
            "gaps": self._newest_gaps(
                float(self._times[_FIRST]) if epoch_s is None else epoch_s, ended_s
            ),
            **{
                name: {
                    "p50": percentile_ms(histogram, 0.5, most),
                    "p99": percentile_ms(histogram, 0.99, most),
                    "max": round(most, 2),
                }
                for name, (histogram, most) in behind.items()
            },
        }

    def _newest_gaps(self, epoch_s: float, ended_s: float) -> list[dict[str, float]]:
        """Return the newest intervals longer than ``GAP_S``, in order; the last may be open."""
        count, last_s = int(self._counts[_GAPS]), float(self._times[_LAST])
        rows = [tuple(self._gaps[n % GAPS]) for n in range(max(count - GAPS, 0), count)]
        if self.frames and ended_s - last_s > GAP_S:
            rows.append((last_s, ended_s - last_s))
        return [
            {"at_s": round(float(began_s) - epoch_s, 3), "ms": round(float(length_s) * 1e3, 1)}
            for began_s, length_s in rows
        ]


class Meter(Figures):
    """Statistics in shared memory, written by an output and read by the parent."""

    def __init__(self, *, name: str | None = None) -> None:
        """Create a meter, or with ``name`` open the one that another process created."""
        self._memory = SharedMemory(name=name, create=name is None, size=_BYTES)
        self._made_here = name is None
        buffer = self._memory.buf
        assert buffer is not None  # noqa: S101 - for the type checker: open memory has one
        super().__init__(buffer)
        self._bytes: NDArray[np.uint8] = np.ndarray(_BYTES, np.uint8, buffer)

    @property
    def name(self) -> str:
        """Name by which other processes open it."""
        return self._memory.name

    @property
    def sent(self) -> int:
        """Number of frames given to the output so far, including missed ones; its sign of life."""
        return int(self._counts[_HANDED])

    def count(
        self,
        *,
        sent_s: float,
        captured_s: float | None,
        late: bool,
        repeated: bool,
        standby: bool = False,
        missed: bool = False,
    ) -> None:
        """Count one frame.

        sent_s: time of sending, monotonic s. captured_s: time at which the sound of its picture
        was heard, or None if that has no meaning (no sound, a held picture). repeated: it showed
        the same picture as the previous frame. standby: it showed stills, because the engine was
        away. missed: it was not sent, because the output is interrupted; the time until the next
        sent frame is a gap.
        """
        self._counts[_REVISION] |= np.uint64(1)  # odd already if the previous process was killed
        fence()
        if missed:
            self._count_missed(sent_s)
        else:
            self._count_sent(sent_s)
            if captured_s is not None:
                self._times[_AGE] = sent_s - captured_s
                self._add(self._ages, _MAX_AGE, sent_s - captured_s)
                if not repeated:
                    self._add(self._delays, _MAX_DELAY, sent_s - captured_s)
            self._counts[_LATE] += np.uint64(late)
            self._counts[_REPEATED] += np.uint64(repeated)
            self._counts[_STANDBY] += np.uint64(standby)
        fence()
        self._counts[_REVISION] += np.uint64(1)

    def _count_missed(self, sent_s: float) -> None:
        self._times[_MISSED_LAST] = sent_s
        self._counts[_MISSED] += np.uint64(1)
        self._counts[_HANDED] += np.uint64(1)

    def _count_sent(self, sent_s: float) -> None:
        if self.frames:
            last_s = float(self._times[_LAST])
            self._add(self._intervals, _MAX_INTERVAL, sent_s - last_s)
            if sent_s - last_s > GAP_S:
                self._gaps[int(self._counts[_GAPS]) % GAPS] = last_s, sent_s - last_s
                self._counts[_GAPS] += np.uint64(1)
        else:
            self._times[_FIRST] = sent_s
        self._times[_LAST] = sent_s
        self._counts[_HANDED] += np.uint64(1)

    def _add(self, histogram: NDArray[np.uint32], maximum: int, value_s: float) -> None:
        value_ms = max(value_s * 1e3, 0.0)
        histogram[min(int(value_ms / BIN_MS), BINS - 1)] += np.uint32(1)
        self._times[maximum] = max(float(self._times[maximum]), value_ms)

    def summary(self, epoch_s: float | None = None) -> dict[str, object]:
        """Return the figures of the report as ``Figures`` does, as one consistent snapshot."""
        for _ in range(_MAX_TRIES):
            revision = int(self._counts[_REVISION])
            fence()
            figures = Figures(self._bytes.copy())
            fence()
            if revision % 2 == 0 and int(self._counts[_REVISION]) == revision:
                break
        return figures.summary(epoch_s)

    def close(self) -> None:
        """Close the meter; the process that created it also removes it."""
        del self._counts, self._times, self._gaps, self._intervals, self._delays, self._ages
        del self._bytes
        self._memory.close()
        if self._made_here:
            self._memory.unlink()


def percentile_ms(histogram: NDArray[np.uint32], share: float, maximum_ms: float) -> float | None:
    """Return the upper edge of the bin with the ``share`` quantile, ms; None if empty.

    It is at most ``maximum_ms``, which is known exactly.
    """
    total = int(histogram.sum())
    if total == 0:
        return None
    rank = int(np.searchsorted(np.cumsum(histogram), share * total))
    if rank >= BINS - 1:
        return round(maximum_ms, 2)
    return round(min((rank + 1) * BIN_MS, maximum_ms), 2)
