"""The trace: one JSON object a frame, one frame a line.

Beside a frame clock it is written in a thread of its own: no disk may hold that up.
"""

import json
import logging
import queue
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO

from vjnode.errors import VjnodeError
from vjnode.modulation.matrix import CHANNELS
from vjnode.output.base import FrameInfo
from vjnode.paths import check_writable
from vjnode.show.file_thread import FileThread

_log = logging.getLogger(__name__)

_FLUSH_EVERY = 60
"""Frames: what a killed process can lose of its trace."""


def trace_line(info: FrameInfo, *, frame: int, published_s: float | None = None) -> str:
    """Return the line for one frame, without a line end.

    frame: number of the frame where it was sent. published_s: when that was, monotonic s;
    None where nothing is live, and then values that only a live show has are left out as well.
    """
    record: dict[str, object] = {
        "frame": frame,
        **info.moment.traced(),
        "gain": info.gain,
        "face": info.face,
        **dict(zip(CHANNELS, info.expressions, strict=True)),
    }
    if published_s is not None:
        record |= info.moment.traced(live=True)
        record["published_s"] = round(published_s, 6)
    return json.dumps(record)


class TraceWriter:
    """Writes a trace, or nothing when there is no path.

    The first frame makes the file, so that a show that comes to nothing leaves none, and an
    earlier trace as it was. A disk that fills up ends the trace and not the show: it is said once.
    """

    def __init__(self, path: Path | None, *, append: bool = False) -> None:
        """Check ``path``; ``append`` goes on with the trace of a process that has died.

        Raises:
            VjnodeError: the file cannot be written.
        """
        self._path = path
        self._mode: Literal["a", "w"] = "a" if append else "w"
        self._file: TextIO | None = None
        if path is not None:
            try:
                check_writable(path)
            except OSError as error:
                raise VjnodeError(
                    f"the trace {path} cannot be written: {error.strerror}"
                ) from error

    def write(self, info: FrameInfo, *, frame: int, published_s: float | None = None) -> None:
        """Add one frame."""
        if self._path is None:
            return
        try:
            if self._file is None:
                self._file = self._path.open(self._mode, encoding="utf-8")
            self._file.write(trace_line(info, frame=frame, published_s=published_s) + "\n")
            if frame % _FLUSH_EVERY == 0:
                self._file.flush()
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        _log.error("the trace %s breaks off: %s", self._path, error.strerror)
        file, self._file, self._path = self._file, None, None
        with suppress(OSError):  # what is buffered still cannot be written
            if file is not None:
                file.close()

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish the file."""
        self.close()


class LiveTrace:
    """Writes a trace in a thread of its own, or nothing when there is no path."""

    def __init__(self, path: Path | None, *, again: bool) -> None:
        """Open ``path``; ``again`` goes on with the trace of a process that has died.

        Then the show runs: a trace that cannot be opened any more is said once and left out.

        Raises:
            VjnodeError: the file cannot be written, before the show.
        """
        self._thread: FileThread[_Line] | None = None
        if path is not None:
            write = partial(_write, path, None if again else TraceWriter(path))
            self._thread = FileThread(write, path, name="trace", entries="lines")

    @property
    def dropped(self) -> int:
        """Return the number of lines that the disk was too slow for."""
        return 0 if self._thread is None else self._thread.dropped

    def write(self, info: FrameInfo, *, frame: int, published_s: float) -> None:
        """Add one frame, at once."""
        if self._thread is not None:
            self._thread.put((info, frame, published_s))

    def close(self) -> None:
        """Finish the file, as far as its disk lets that happen soon."""
        if self._thread is not None:
            self._thread.close()


_Line = tuple[FrameInfo, int, float]


def _write(path: Path, writer: TraceWriter | None, lines: "queue.Queue[_Line | None]") -> None:
    """Write all lines; without a writer it opens one, which may take long too."""
    entries = iter(lines.get, None)
    try:
        with writer or TraceWriter(path, append=True) as trace:
            for info, frame, published_s in entries:
                trace.write(info, frame=frame, published_s=published_s)
    except VjnodeError as error:
        _log.error("%s; the show goes on without it", error)
        for _ in entries:
            pass
