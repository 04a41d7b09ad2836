"""Console output by a thread of its own, so that no caller waits for the console.

A paused terminal (Ctrl-S), a click into a Windows console, or a slow reader blocks every writer.
So one thread writes, and texts for which its queue has no room are dropped.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import cache
from io import FileIO
from pathlib import Path
from typing import TextIO

HELD_TEXTS = 200
"""Number of the newest texts that are kept while a console takes none."""

FULL_S = 0.05
"""Pause, s, before another try to write to a full non-blocking stream."""

FLUSH_S = 0.5
"""Longest wait for the last texts at the end of a process, s."""


class Console:
    """Writes to ``stream`` from a thread of its own.

    Characters that the stream cannot encode are replaced; a closed stream is ignored.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_terminal = stream.isatty()
        """True for a terminal, False for a file or a pipe."""
        self._stream = stream
        self._file = _file_of(stream)
        self._texts: deque[str] = deque()
        self._left_out = 0
        self._writing = False
        self._news = threading.Condition()  # reentrant, as a signal handler may take it again
        self._thread = threading.Thread(target=self._write_all, name="console", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Return whether all texts have been written."""
        return not (self._texts or self._writing)

    def write(self, text: str) -> None:
        """Queue ``text`` to be written as soon as possible, after earlier texts."""
        with self._news:
            if len(self._texts) == HELD_TEXTS:
                self._texts.popleft()
                self._left_out += 1
            self._texts.append(text)
            self._news.notify_all()

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until all texts are written, at most ``timeout_s``."""
        until_s = time.monotonic() + timeout_s
        with self._news:
            while not self.idle and (left_s := until_s - time.monotonic()) > 0:
                self._news.wait(left_s)

    def _write_all(self) -> None:
        while True:
            with self._news:
                self._writing = False
                self._news.notify_all()
                self._news.wait_for(lambda: self._texts)
                text, left_out = self._texts.popleft(), self._left_out
                self._writing, self._left_out = True, 0
            if left_out:
                text = f"vjnode: {left_out} lines that nobody could see were left out\n{text}"
            with suppress(OSError, ValueError):  # the stream is gone, or closed
                self._write_one(text)

    def _write_one(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"  # a stream that is no file may have none
        if self._file is None:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
            return
        data = text.replace("\n", os.linesep).encode(encoding, "replace")
        while data:
            written: int | None = self._file.write(data)
            if written is None:  # another program has set it to non-blocking
                time.sleep(FULL_S)
            data = data[written or 0 :]


def _file_of(stream: TextIO) -> FileIO | None:
    """Return a separate unbuffered file for the file of ``stream``; None if it has no file.

    A thread that waits inside a stream's buffer holds its lock, which Python takes at the end of a
    process. And when stderr is redirected for a while, to silence a library, the log must not be.
    """
    try:
        return open(os.dup(stream.fileno()), "wb", buffering=0)  # noqa: PTH123
    except (OSError, ValueError):
        return None


class ConsoleHandler(logging.Handler):
    """Logging handler that writes to a console, one line per event."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Queue ``record`` to be written."""
        try:
            self._console.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as in the logging module
            self.handleError(record)

    def flush(self) -> None:
        """Wait briefly until all is written; the logging module calls this at the end."""
        self._console.flush()


@cache
def errors_console() -> Console:
    """Return the console of this process's errors and log: stderr, if it has one."""
    return Console(sys.stderr or Path(os.devnull).open("w"))  # pythonw.exe has none


def replace_unencodable() -> None:
    """Make stdout and stderr write ? for characters that their encoding lacks, as in cp437."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
