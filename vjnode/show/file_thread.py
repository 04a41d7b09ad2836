"""File thread: writes a file beside a show, which no disk may hold up."""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)

Entry = TypeVar("Entry")

QUEUED = 600
"""Ten seconds at 60 a second. What comes while so many wait for the disk is left out."""

CLOSE_S = 0.4
"""Time, s, that the end of a show waits for the last entries, twice."""


class FileThread(Generic[Entry]):
    """A thread that writes what is handed to it.

    Args:
        write: writes all entries of the queue until a None; it is the thread.
        path: of the file. name, entries: what the file and its entries are called, for messages.

    """

    def __init__(
        self,
        write: Callable[["queue.Queue[Entry | None]"], None],
        path: Path,
        *,
        name: str,
        entries: str,
    ) -> None:
        self.dropped = 0
        """Entries that the disk was too slow for."""
        self.queue: queue.Queue[Entry | None] = queue.Queue(QUEUED)
        self._path, self._name, self._entries = path, name, entries
        self._thread = threading.Thread(target=write, args=(self.queue,), name=name, daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> bool:
        """Hand over an entry, at once; False where too many wait, and it is left out."""
        try:
            self.queue.put_nowait(entry)
        except queue.Full:
            self.dropped += 1
            return False
        return True

    def close(self) -> None:
        """Finish the file, as far as its disk lets that happen soon."""
        with suppress(queue.Full):
            self.queue.put(None, timeout=CLOSE_S)
        self._thread.join(CLOSE_S)
        named = f"{self._name} {self._path}"
        if self._thread.is_alive():
            _log.error("the end of the %s is missing: its disk is too slow", named)
        if self.dropped:
            _log.warning("the %s lacks %d %s: too slow a disk", named, self.dropped, self._entries)
