"""Records of a session: what the engine of a show was told, tick by tick, as bytes.

A file is ``MAGIC`` and then records. Each is its kind (1 byte), the length of its content
(4 bytes), the content, and the CRC-32 of all three. A tick follows what is new at it: controls,
then drives.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from typing import Any, TypeGuard

from vjnode.control.glide import EASINGS
from vjnode.control.parameter import Firing, Parameter, Value
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.state import Controls
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT
from vjnode.show.messages import DRIVE_BYTES, pack_drive, unpack_drive

VERSION = 1
"""Version of the layout, ``pack_drive``'s among it; increased when an old file would be misread."""

NAME = b"\x89vjnode session\r\n\x1a\n"
"""Beginning of every version's files. Like PNG's, it shows transfers that changed line ends."""

MAGIC = NAME + bytes([VERSION])

HEADER, ALL, CHANGE, DRIVE, TICK, LOST = b"H", b"A", b"C", b"D", b"T", b"L"
"""Kinds: an engine begins; all controls; those that changed; a drive; a tick; ticks were lost."""

MOST_BYTES = 1 << 16
"""Longest content of a record; the controls of a show have a quarter of it."""

FRAME = struct.Struct("<cI")
CRC = struct.Struct("<I")
_NUMBER = struct.Struct("<d")

_MOST_BEATS = 1e9
_LATEST_S = 1e12
_LARGEST = 1e15
_LONGEST_S, _LEAST_S = 1e4, 1e-6
_GLIDE_LENGTH, _WAY_LENGTH = 4, 2
_LONGEST_NAME = 256


class DamagedError(ValueError):
    """A record whose content cannot be."""


@dataclass(frozen=True)
class Header:
    """Particulars of the engine that begins.

    vjnode: version. generator: name. encoder: digest of its weights. size: of frames, px.
    fps: of the show, such as 60 or 30000/1001. began: date and time.
    interval_s, points: of its weight track, see ``vjnode.modulation.weight_track.offline_track``.
    """

    vjnode: str
    generator: str
    encoder: str
    size: int
    fps: str
    began: str = ""
    interval_s: float = 0.0
    points: int = COUNT


class Encoder:
    """Makes records of ticks, and of controls where they have changed."""

    def __init__(self) -> None:
        self._controls: Controls | None = None

    def header(self, header: Header) -> bytes:
        """Return the record of an engine that begins; all controls follow it."""
        self._controls = None
        return record(HEADER, json.dumps(asdict(header)).encode())

    def lost(self, ticks: int) -> bytes:
        """Return the record of ticks that are missing; all controls follow it."""
        self._controls = None
        return record(LOST, _NUMBER.pack(ticks))

    def tick(self, now_s: float, controls: Controls, drives: Sequence[bytes]) -> bytes:
        """Return the records of a tick. drives: packed, in the order in which they were pushed."""
        data = b"".join(record(DRIVE, drive) for drive in drives)
        if controls is not self._controls:
            data = self._of_controls(controls) + data
            self._controls = controls
        return data + record(TICK, _NUMBER.pack(now_s))

    def _of_controls(self, controls: Controls) -> bytes:
        if self._controls is None:
            # Those at their defaults as well: another version may have others.
            every = {row.key: controls.value(row.name) for row in PARAMETERS}
            return record(ALL, _json({"values": every, "motion": controls.motion()}))
        if controls == self._controls:
            return b""
        changes = controls.since(self._controls)
        return record(CHANGE, _json({"values": changes, "motion": controls.motion()}))


def record(kind: bytes, content: bytes) -> bytes:
    """Return one record."""
    data = FRAME.pack(kind, len(content)) + content
    return data + CRC.pack(zlib.crc32(data))


def packed(drive: Drive) -> bytes:
    """Return the content of a drive's record."""
    return pack_drive(drive)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, default=astuple).encode()


def header_in(content: bytes) -> Header:
    """Return the header in a record.

    Raises:
        DamagedError: it is none.
    """
    said = _object(content)
    try:
        header = Header(**said)
    except TypeError as error:
        raise DamagedError(f"its header is not valid: {error}") from None
    texts = (header.vjnode, header.generator, header.encoder, header.fps, header.began)
    sound = (
        all(isinstance(text, str) and len(text) <= _LONGEST_NAME for text in texts)
        and _is_number(header.interval_s, 0.0, 60.0)
        and all(isinstance(one, int) for one in (header.size, header.points))
        and 0 < header.size <= MOST_BYTES
        and 0 <= header.points <= MOST_BYTES
    )
    if not sound:
        raise DamagedError("its header holds values that cannot be")
    return header


def tick_in(content: bytes) -> float:
    """Return the time of a tick, s.

    Raises:
        DamagedError: it is none.
    """
    if len(content) != _NUMBER.size:
        raise DamagedError("a tick has a wrong length")
    (now_s,) = _NUMBER.unpack(content)
    if not abs(now_s) <= _LATEST_S:
        raise DamagedError(f"a tick is at {now_s} s")
    return float(now_s)


def drive_in(content: bytes) -> Drive:
    """Return the drive in a record.

    Raises:
        DamagedError: it is none, or holds values that cannot be.
    """
    if len(content) != DRIVE_BYTES:
        raise DamagedError("a drive has a wrong length")
    drive = unpack_drive(content)
    beat = drive.beat
    times = (drive.t_s, drive.captured_s, drive.weight_s, beat.anchor_s, beat.pull)
    shares = (drive.weight, drive.low, drive.mid, drive.high, beat.confidence)
    sound = (
        all(abs(one) <= _LATEST_S for one in (*times, drive.rms_db, drive.agc_db))
        and all(_is_number(share, 0.0, 1.0) for share in shares)
        and all(abs(at_s) <= _LATEST_S and _is_number(s, 0.0, 1.0) for at_s, s in drive.hits)
        and _is_number(beat.bpm, 0.0, 1e3)
        and _is_number(beat.beats, -_MOST_BEATS, _MOST_BEATS)
    )
    if not sound:
        raise DamagedError("a drive holds values that cannot be")
    return drive


def controls_in(content: bytes, before: Controls | None) -> tuple[Controls, set[str]]:
    """Return the controls after a record of them, and the names in it that nothing has here.

    before: those that it changes; None: it holds all.

    Raises:
        DamagedError: it is no such record, or holds values that cannot be.
    """
    said = _object(content)
    given, motion = said.get("values"), said.get("motion")
    if not isinstance(given, dict) or not isinstance(motion, dict):
        raise DamagedError("a record is not what its kind says")
    values = {key: _value(BY_NAME[key], value) for key, value in given.items() if key in BY_NAME}
    controls = (before or Controls("", "", "")).with_(**values)
    glides, way = motion.get("glides"), motion.get("way")
    if not isinstance(glides, dict) or not (way is None or _is_way(way, least_s=0.0)):
        raise DamagedError("what is on its way is not valid")
    moving = {key: glide for key, glide in glides.items() if _is_glide(key, glide)}
    return controls.in_motion({"glides": moving, "way": way}), given.keys() - values.keys()


def _value(row: Parameter, said: object) -> Value:
    if row.kind == "float" and _is_number(said, -_LARGEST, _LARGEST) and row.fits(said):
        return float(said)
    if row.kind == "choice" and isinstance(said, str) and len(said) <= _LONGEST_NAME:
        return said
    if row.kind == "toggle" and isinstance(said, bool):
        return said
    if row.kind == "trigger" and isinstance(said, list) and len(said) == len(astuple(Firing())):
        times, at_s = said
        if isinstance(times, int) and 0 <= times <= _LARGEST and _is_number(at_s, 0, _LATEST_S):
            return Firing(times, float(at_s))
    raise DamagedError(f"a control holds a value that cannot be: {row.name}")


def _is_glide(key: str, said: object) -> bool:
    """Return whether a number's way is one of a number that there is.

    Raises:
        DamagedError: it is no way.
    """
    if not (isinstance(said, list) and len(said) == _GLIDE_LENGTH):
        raise DamagedError("what is on its way is not valid")
    start, begun_s, *way = said
    sound = _is_number(start, -_LARGEST, _LARGEST) and _is_number(begun_s, -_LATEST_S, _LATEST_S)
    if not (sound and _is_way(way, least_s=_LEAST_S)):
        raise DamagedError("what is on its way is not valid")
    row = BY_NAME.get(key)
    return row is not None and row.kind == "float"


def _is_way(said: object, *, least_s: float) -> bool:
    if not (isinstance(said, list) and len(said) == _WAY_LENGTH):
        return False
    over_s, easing = said
    return _is_number(over_s, least_s, _LONGEST_S) and easing in EASINGS


def _is_number(value: object, low: float, high: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _object(content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise DamagedError("a record is not readable") from None
    if not isinstance(said, dict):
        raise DamagedError("a record is not what its kind says")
    return said
