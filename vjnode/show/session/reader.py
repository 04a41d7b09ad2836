"""Reading of sessions: checked from end to end before anything is played, then tick by tick.

Nothing in a file is trusted. What follows damage, such as the torn end after a power cut, is left
out, and that is said; what lies before it is played.
"""

import cmath
import logging
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from vjnode import __version__
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.modulation.drive import Drive
from vjnode.output.clock import parse_fps
from vjnode.render.base import Look
from vjnode.render.frame_renderer import asked_look
from vjnode.show.session.records import (
    ALL,
    CHANGE,
    CRC,
    DRIVE,
    FRAME,
    HEADER,
    LOST,
    MAGIC,
    MOST_BYTES,
    NAME,
    TICK,
    VERSION,
    DamagedError,
    Header,
    controls_in,
    drive_in,
    header_in,
    tick_in,
)

_log = logging.getLogger(__name__)

PAUSE_S = 10.0
"""Longest time, s, from one tick to the next: a laptop that slept is no hour of a still picture."""

MOST_DRIVES = 1 << 12
"""Drives before one tick: of half a minute, more than any rendering looks ahead."""


@dataclass(frozen=True)
class Tick:
    """One tick of the engine, with all that it was told.

    at_s: since the session's first tick, s, without long pauses. now_s: on the clock of the drives.
    header: of its engine; another object where an engine begins.
    drives: new at it, in their order.
    """

    at_s: float
    now_s: float
    header: Header
    controls: Controls
    drives: tuple[Drive, ...]


@dataclass
class Session:
    """A session that was read from end to end.

    header: of its first engine. length_s: from the first tick to the last. ticks_count: of them.
    looks: all that were asked for, in their order. lost: ticks that its disk was too slow for.
    phase: when most ticks begin, beside the first, −0.5…0.5 of a frame.
    """

    path: Path
    header: Header
    length_s: float = 0.0
    ticks_count: int = 0
    looks: tuple[Look, ...] = ()
    lost: int = 0
    phase: float = 0.0
    _whole: int = field(default=0, repr=False)

    @cached_property
    def fps(self) -> Fraction:
        """Frames/s of the show.

        Raises:
            InputError: none that vjnode supports.
        """
        return parse_fps(self.header.fps)

    def ticks(self) -> Iterator[Tick]:
        """Yield all ticks, from the file.

        Raises:
            InputError: the file is not as it was any more.
        """
        try:
            with self.path.open("rb") as file:
                yield from _Reading(file, self._whole).ticks()
        except (OSError, DamagedError) as error:
            raise InputError(f"the session {self.path} cannot be read any more: {error}") from error


def is_session(path: Path) -> bool:
    """Return whether a file begins as a session of any version does."""
    try:
        with path.open("rb") as file:
            return file.read(len(NAME)) == NAME
    except OSError:
        return False


def open_session(path: Path) -> Session:
    """Read a session from end to end, and say what is damaged or missing.

    Raises:
        InputError: it cannot be read, is no session, is of another version, or holds no tick.
    """
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            reading = _Reading(file, size)
            session, damage = _checked(path, reading)
    except OSError as error:
        raise InputError(f"the session {path} cannot be read: {error.strerror}") from error
    if session is None:
        raise InputError(f"the session {path} holds nothing that can be played: {damage}")
    if damage:
        _log.warning(
            "the session %s is damaged at byte %d of %d (%s); the %.1f s before that are played",
            *(path, reading.whole, size, damage, session.length_s),
        )
    if session.lost:
        _log.warning("the session %s lacks %d ticks: its disk was too slow", path, session.lost)
    if reading.unknown:
        names = ", ".join(sorted(reading.unknown)[:8])
        _log.warning("the session %s sets what is not there any more: %s", path, names)
    if session.header.vjnode != __version__:
        others = session.header.vjnode
        _log.warning("the session %s is of vjnode %s; pictures may differ", path, others)
    return session


def check_looks(session: Session, stock: Stock) -> None:
    """Check that all faces and expressions of a session are there.

    Raises:
        InputError: some are not; the text tells which.
    """
    faces = {look.face for look in session.looks}.difference(stock.faces)
    shown = {name for look in session.looks for name in look.expressions if name}
    lacking = sorted(faces | shown.difference(stock.expressions))
    if lacking:
        raise InputError(
            f"the session {session.path} shows what is not there: {', '.join(lacking[:8])}; "
            "put these faces and expressions back, or play it where they are"
        )


def _checked(path: Path, reading: "_Reading") -> tuple[Session | None, str]:
    """Return a session as far as it is whole, and what is wrong behind that."""
    session: Session | None = None
    looks: dict[Look, None] = {}
    controls: Controls | None = None
    damage = ""
    turns = 0j
    try:
        for tick in reading.ticks():
            session = session or Session(path, tick.header)
            turns += cmath.exp(2j * math.pi * tick.at_s * float(session.fps))
            session.length_s, session.ticks_count = tick.at_s, session.ticks_count + 1
            if tick.controls is not controls:
                controls = tick.controls
                looks[asked_look(controls)] = None
    except DamagedError as error:
        damage = str(error)
    if session is None:
        return None, damage or "it ends before the first tick"
    session.phase = cmath.phase(turns) / (2.0 * math.pi)
    session.looks, session.lost, session._whole = tuple(looks), reading.lost, reading.whole
    return session, damage


class _Reading:
    """One pass through a file. size: how much of it is read, bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.whole = 0
        """End of the last tick that is whole, bytes."""
        self.lost = 0
        self.unknown: set[str] = set()

    def ticks(self) -> Iterator[Tick]:
        """Yield ticks.

        Raises:
            DamagedError: something is wrong behind the last one.
        """
        self._begin()
        header: Header | None = None
        controls: Controls | None = None
        drives: list[Drive] = []
        before_s: float | None = None
        at_s = 0.0
        for kind, content in self._records():
            if header is None and kind != HEADER:
                raise DamagedError("its header is missing")
            if kind == HEADER:
                header, controls = header_in(content), None
                drives.clear()
            elif kind in (ALL, CHANGE):
                if kind == CHANGE and controls is None:
                    raise DamagedError("controls change that were never set")
                before = None if kind == ALL else controls
                controls, unknown = controls_in(content, before)
                self.unknown |= unknown
            elif kind == DRIVE:
                drives.append(drive_in(content))
                if len(drives) > MOST_DRIVES:
                    raise DamagedError("drives follow one another without a tick")
            elif kind == LOST:
                self.lost += int(min(max(tick_in(content), 0.0), 1e9))
                controls = None
            elif kind == TICK:
                now_s = tick_in(content)
                if controls is None or header is None:
                    raise DamagedError("a tick comes before its controls")
                passed_s = 0.0 if before_s is None else now_s - before_s
                if passed_s < 0.0:
                    raise DamagedError("a tick is earlier than the one before it")
                at_s += min(passed_s, PAUSE_S)
                before_s = now_s
                self.whole = self._file.tell()
                yield Tick(at_s, now_s, header, controls, tuple(drives))
                drives.clear()
            else:
                raise DamagedError("a record is of no kind that there is")

    def _begin(self) -> None:
        start = self._file.read(len(MAGIC))
        if start != MAGIC:
            if start[: len(NAME)] == NAME and len(start) == len(MAGIC):
                raise DamagedError(
                    f"it is of version {start[-1]}, and this vjnode reads version {VERSION}"
                )
            raise DamagedError(
                "it ends within its beginning" if MAGIC.startswith(start) else "it is no session"
            )

    def _records(self) -> Iterator[tuple[bytes, bytes]]:
        while self._file.tell() < self._size:
            head = self._read(FRAME.size)
            kind, length = FRAME.unpack(head)
            if length > MOST_BYTES:
                raise DamagedError("a record is longer than any can be")
            content = self._read(length)
            (crc,) = CRC.unpack(self._read(CRC.size))
            if crc != zlib.crc32(head + content):
                raise DamagedError("a checksum is wrong")
            yield kind, content

    def _read(self, count: int) -> bytes:
        data = self._file.read(min(count, self._size - self._file.tell()))
        if len(data) < count:
            raise DamagedError("it ends within a record")
        return data
