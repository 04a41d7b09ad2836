"""Recording of sessions: append-only, and beside a show in a thread that nothing waits for."""

import logging
import queue
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from vjnode import __version__
from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT
from vjnode.output.record.files import check_folder
from vjnode.paths import check_writable, sha256_of, shipped
from vjnode.show.file_thread import FileThread
from vjnode.show.session.records import CRC, FRAME, MAGIC, MOST_BYTES, Encoder, Header, packed

_log = logging.getLogger(__name__)

FLUSH_S = 0.5
"""Longest time, s, that a record waits to be written: what a killed process can lose."""


def header_of(
    *, generator: str, size: int, fps: Fraction, interval_s: float = 0.0, points: int = COUNT
) -> Header:
    """Return the header of an engine that begins now, with the encoder that ships.

    size: px. interval_s, points: of its weight track.
    """
    encoder = sha256_of(shipped("encoder", "encoder.safetensors"))[:16]
    began = datetime.now().astimezone().isoformat(timespec="seconds")
    return Header(__version__, generator, encoder, size, str(fps), began, interval_s, points)


def free_path(path: Path) -> Path:
    """Return ``path``, or, as no session is ever overwritten, ``NAME-2`` and so on.

    Raises:
        InputError: its folder does not exist.
        VjnodeError: it cannot be written.
    """
    check_folder(path)
    names = (path, *(path.with_stem(f"{path.stem}-{number}") for number in range(2, 100)))
    free = next((one for one in names if not one.exists()), None)
    free = free or path.with_stem(f"{path.stem}-{time.time_ns()}")
    if free != path:
        _log.warning("%s is there already; the session goes to %s", path, free)
    try:
        check_writable(free)
    except OSError as error:
        raise VjnodeError(f"the session {free} cannot be written: {error.strerror}") from error
    return free


class SessionWriter:
    """Writes a session that nothing waits for, such as a rendering's; a context."""

    def __init__(self, path: Path, header: Header, *, again: bool = False) -> None:
        """Open the file. again: goes on with one whose process has died, behind its last record.

        Raises:
            OSError: it cannot be written.
        """
        self._encoder = Encoder()
        self._file = _reopened(path) if again else path.open("xb")
        if not self._file.tell():
            self._file.write(MAGIC)
        self._file.write(self._encoder.header(header))

    def tick(self, now_s: float, controls: Controls, drives: Sequence[Drive]) -> None:
        """Add one tick: its time, and what was told to the engine before it."""
        self._file.write(self._encoder.tick(now_s, controls, [packed(one) for one in drives]))

    def write(self, data: bytes) -> None:
        """Add records.

        Raises:
            OSError: that failed.
        """
        self._file.write(data)

    def flush(self) -> None:
        """Hand all that was added to the system.

        Raises:
            OSError: that failed.
        """
        self._file.flush()

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the file.

        Raises:
            OSError: that failed.
        """
        self._file.close()


def _reopened(path: Path) -> BinaryIO:
    """Open a session behind its last whole record; a torn one is cut off."""
    if not path.exists():
        return path.open("xb")
    file = path.open("r+b")
    whole = 0
    if file.read(len(MAGIC)) == MAGIC:
        size = path.stat().st_size
        whole = len(MAGIC)
        while len(head := file.read(FRAME.size)) == FRAME.size:
            _, length = FRAME.unpack(head)
            end = whole + FRAME.size + length + CRC.size
            if length > MOST_BYTES or end > size:
                break
            whole = file.seek(end)
    file.seek(whole)
    file.truncate()
    return file


class SessionRecorder:
    """Records a show in a thread of its own, or nothing when there is no path."""

    def __init__(self, path: Path | None, header: Header | None, *, again: bool) -> None:
        """Begin; again: goes on with the session of an engine that has died.

        A file that cannot be written is said once, and the show goes on without it: before the
        show, ``free_path`` has tried it.
        """
        self._encoder = Encoder()
        self._lost = 0  # ticks that were dropped, and are not told in the file yet
        self._thread: FileThread[bytes] | None = None
        if path is not None and header is not None:
            write = partial(_write, path, header, again)
            self._thread = FileThread(write, path, name="session", entries="ticks")

    @property
    def dropped(self) -> int:
        """Return the number of ticks that the disk was too slow for."""
        return 0 if self._thread is None else self._thread.dropped

    @property
    def full(self) -> bool:
        """Return whether one more tick would be dropped."""
        return self._thread is not None and self._thread.queue.full()

    def tick(self, now_s: float, controls: Controls, drive: bytes | None) -> None:
        """Add one tick, at once. drive: packed, where one was new."""
        if self._thread is None:
            return
        lost = self._encoder.lost(self._lost) if self._lost else b""
        data = lost + self._encoder.tick(now_s, controls, () if drive is None else (drive,))
        self._lost = 0 if self._thread.put(data) else self._lost + 1

    def close(self) -> None:
        """Finish the file, as far as its disk lets that happen soon."""
        if self._thread is not None:
            self._thread.close()


def _write(path: Path, header: Header, again: bool, records: "queue.Queue[bytes | None]") -> None:
    """Write all records, and hand them to the system every ``FLUSH_S``."""
    try:
        with SessionWriter(path, header, again=again) as writer:
            flushed_s = time.monotonic()
            while True:
                with suppress(queue.Empty):
                    data = records.get(timeout=FLUSH_S)
                    if data is None:
                        return
                    writer.write(data)
                if time.monotonic() - flushed_s >= FLUSH_S:
                    writer.flush()
                    flushed_s = time.monotonic()
    except OSError as error:
        _log.error("the session %s breaks off: %s; the show goes on", path, error.strerror)
        for _ in iter(records.get, None):
            pass
