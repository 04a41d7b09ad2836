"""Text for a console, written by a thread of its own: nobody waits until it is taken.

A paused terminal (Ctrl-S), a click into a Windows console, or a reader that lags behind makes
whoever writes there wait. So one thread writes, and what it has no room for is left out.
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
"""Number of texts, the newest, that are kept for a console that takes none."""

FULL_S = 0.05
"""Pause before a full stream that never waits is asked again, s."""

FLUSH_S = 0.5
"""Longest wait for the last of them at the end of a process, s."""


class Console:
    """Writes to ``stream`` from a thread of its own.

    What the stream cannot encode is replaced, and one that is gone is left alone.
    """

    def __init__(self, stream: TextIO) -> None:
        self.is_terminal = stream.isatty()
        """True for a terminal, False for a file or a pipe."""
        self._stream = stream
        self._file = _file_of(stream)
        self._texts: deque[str] = deque()
        self._left_out = 0
        self._writing = False
        self._news = threading.Condition()  # its lock may be taken again by a signal's handler
        self._thread = threading.Thread(target=self._write_all, name="console", daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Return whether all that was to be written has been."""
        return not (self._texts or self._writing)

    def write(self, text: str) -> None:
        """Have ``text`` written after what was before it, at once or when that is possible."""
        with self._news:
            if len(self._texts) == HELD_TEXTS:
                self._texts.popleft()
                self._left_out += 1
            self._texts.append(text)
            self._news.notify_all()

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until all is written, at most ``timeout_s``."""
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
            with suppress(OSError, ValueError):  # it is gone, or closed
                self._write_one(text)

    def _write_one(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"  # what is no file need not have one
        if self._file is None:
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()
            return
        data = text.replace("\n", os.linesep).encode(encoding, "replace")
        while data:
            written: int | None = self._file.write(data)
            if written is None:  # another program has set it not to wait
                time.sleep(FULL_S)
            data = data[written or 0 :]


def _file_of(stream: TextIO) -> FileIO | None:
    """Return another way to the file of ``stream``; None where that is no file.

    Whoever waits inside a stream's buffer holds its lock, which Python takes at the end of a
    process. And where stderr is sent elsewhere for a while, to keep a library quiet, the log is
    not meant.
    """
    try:
        return open(os.dup(stream.fileno()), "wb", buffering=0)  # noqa: PTH123
    except (OSError, ValueError):
        return None


class ConsoleHandler(logging.Handler):
    """Hands the log to a console, one line an event."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Have ``record`` written."""
        try:
            self._console.write(f"{self.format(record)}\n")
        except Exception:  # noqa: BLE001 - as the logging module has it
            self.handleError(record)

    def flush(self) -> None:
        """Wait, not for long, until all is written; the logging module asks for that at the end."""
        self._console.flush()


@cache
def errors_console() -> Console:
    """Return the console of this process's errors and log: stderr, if it has one."""
    return Console(sys.stderr or Path(os.devnull).open("w"))  # pythonw.exe has none


def replace_what_cannot_be_shown() -> None:
    """Have stdout and stderr show a ? where their encoding lacks a character, as in cp437."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
