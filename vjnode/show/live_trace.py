"""The trace of a live show, written beside its frame clock: no disk may hold that up."""

import logging
import queue
import threading
from contextlib import suppress
from pathlib import Path

from vjnode.errors import VjnodeError
from vjnode.output.base import FrameInfo
from vjnode.show.trace import TraceWriter

_log = logging.getLogger(__name__)

QUEUED_LINES = 600
"""Ten seconds at 60 frames/s. What comes while so many wait for the disk is left out."""

CLOSE_S = 0.4
"""So long, twice, the end of a show waits for the last lines."""


class LiveTrace:
    """Writes a trace in a thread of its own, or nothing when there is no path."""

    def __init__(self, path: Path | None, *, again: bool) -> None:
        """Open ``path``; ``again`` goes on with the trace of a process that has died.

        Then the show runs: a trace that cannot be opened any more is said once and left out.

        Raises:
            VjnodeError: the file cannot be written, before the show.
        """
        self.dropped = 0
        """Lines that the disk was too slow for."""
        self._path = path
        self._queue: queue.Queue[tuple[FrameInfo, int, float] | None] = queue.Queue(QUEUED_LINES)
        self._thread: threading.Thread | None = None
        if path is not None:
            writer = None if again else TraceWriter(path)
            self._thread = threading.Thread(
                target=self._write, args=(path, writer), name="trace", daemon=True
            )
            self._thread.start()

    def write(self, info: FrameInfo, *, frame: int, published_s: float) -> None:
        """Add one frame, at once."""
        if self._thread is None:
            return
        try:
            self._queue.put_nowait((info, frame, published_s))
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Finish the file, as far as its disk lets that happen soon."""
        if self._thread is None:
            return
        with suppress(queue.Full):
            self._queue.put(None, timeout=CLOSE_S)
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            _log.error("the end of the trace %s is missing: its disk is too slow", self._path)
        if self.dropped:
            _log.warning("the trace %s lacks %d lines: too slow a disk", self._path, self.dropped)

    def _write(self, path: Path, writer: TraceWriter | None) -> None:
        """Be the thread that writes; without a writer it opens one, which may take long too."""
        entries = iter(self._queue.get, None)
        try:
            with writer or TraceWriter(path, append=True) as trace:
                for info, frame, published_s in entries:
                    trace.write(info, frame=frame, published_s=published_s)
        except VjnodeError as error:
            _log.error("%s; the show goes on without it", error)
            for _ in entries:
                pass
