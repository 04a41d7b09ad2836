"""Messages between the processes of a show: names of shared memory, and the bytes in it."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.tempo.beat import Beat
from vjnode.audio.tempo.lead import Lead
from vjnode.control.parameter import Firing
from vjnode.control.plan import Plan
from vjnode.control.state import Controls
from vjnode.modulation.drive import HITS, Drive
from vjnode.modulation.moment import Moment
from vjnode.output.base import UNKNOWN, Frame, FrameInfo
from vjnode.render.base import Look

CONTROLS_BYTES = 32768
"""Room for a routing matrix in which nothing is as it was, and all of it is on its way."""

INFO_BYTES = 2048
_NAMES = tuple(field.name for field in fields(FrameInfo) if field.type is str)

_DRIVE = struct.Struct("<dddd?q5d5d?B")
_HIT = struct.Struct("<dd")
_FIELDS = tuple(field.name for field in fields(Drive))
DRIVE_BYTES = _DRIVE.size + HITS * _HIT.size

_LEAD = struct.Struct("<dddq?")
LEAD_BYTES = _LEAD.size


@dataclass(frozen=True)
class MemoryNames:
    """Names of a show's shared memory, for a child process to join."""

    flags: str
    controls: str
    lead: str
    drive: str
    frame: str
    stills: str
    matte: str
    frozen: str
    sound: str


def frame_bytes(size: int) -> int:
    """Return how many bytes a frame of ``size`` × ``size`` px takes in its slot."""
    return INFO_BYTES + size * size * 4


def pack_drive(drive: Drive) -> bytes:
    """Return ``drive`` as it is handed over."""
    head = (drive.t_s, drive.captured_s, drive.rms_db, drive.agc_db, drive.audible, drive.onsets)
    said = (drive.weight, drive.weight_s, drive.low, drive.mid, drive.high)
    hits = b"".join(_HIT.pack(*hit) for hit in drive.hits)
    packed = _DRIVE.pack(*head, *said, *astuple(drive.beat), len(drive.hits))
    return (packed + hits).ljust(DRIVE_BYTES, b"\0")


def unpack_drive(data: bytes) -> Drive:
    """Undo ``pack_drive``."""
    *said, count = _DRIVE.unpack_from(data)
    hits = tuple(_HIT.iter_unpack(data[_DRIVE.size :]))[:count]  # a song may begin with one, at 0 s
    head, rest, beat = said[:6], said[6:11], Beat(*said[11:])
    return Drive(**dict(zip(_FIELDS, (*head, hits, *rest, beat), strict=True)))


def pack_lead(lead: Lead | None) -> bytes:
    """Return the beat of a clock outside as it is handed over; None for no such clock."""
    return _LEAD.pack(*astuple(lead)) if lead is not None else b""


def unpack_lead(data: bytes) -> Lead | None:
    """Undo ``pack_lead``."""
    return Lead(*_LEAD.unpack(data)) if data else None


def pack_controls(
    controls: Controls, plan: Plan | None = None, looks: Sequence[Look] = ()
) -> bytes:
    """Return ``controls`` as they are handed over, with what is about to come.

    looks: that are likely to be asked for.
    """
    said = {
        "values": controls.changed(),
        "motion": controls.motion(),
        "plan": plan or None,
        # As tuples by hand: this is done for every message of a fader.
        "looks": [(one.face, one.expressions, one.idle, one.joint, one.held) for one in looks],
    }
    return json.dumps(said, default=astuple).encode()


def unpack_controls(data: bytes) -> Controls:
    """Undo ``pack_controls``."""
    said = json.loads(data)
    values = {key: Firing(*v) if isinstance(v, list) else v for key, v in said["values"].items()}
    return Controls("", "", "").with_(**values).in_motion(said["motion"])


@dataclass(frozen=True)
class Orders:
    """All that is handed over to whoever draws. looks: that are likely to be asked for next."""

    controls: Controls
    plan: Plan
    looks: tuple[Look, ...]


def unpack_orders(data: bytes) -> Orders:
    """Undo ``pack_controls``."""
    said = json.loads(data)
    looks = tuple(
        Look(face, tuple(shown), tuple(idle), tuple(joint), tuple(map(tuple, held)))
        for face, shown, idle, joint, held in said["looks"]
    )
    return Orders(unpack_controls(data), Plan(*(said["plan"] or ())), looks)


def write_info(info: FrameInfo, memory: NDArray[np.uint8]) -> None:
    """Write a frame's particulars to the beginning of its memory, uint8.

    Names that are too long for it are cut: behind it lie the pixels.
    """
    expressions = list(info.expressions)
    said = asdict(info) | {"expressions": expressions}
    places: list[tuple[Any, Any]] = [
        *((said, name) for name in _NAMES),
        *((expressions, number) for number in range(len(expressions))),
    ]
    while (excess := len(text := _encoded(said)) - INFO_BYTES) > 0:
        where, which = max(places, key=lambda place: len(place[0][place[1]]))
        # A character takes up to six bytes, in JSON; and no name pays for all the others.
        length = len(where[which])
        where[which] = where[which][: length - max(min(excess // 6, length // 4), 1)]
    memory[:INFO_BYTES] = 0
    memory[: len(text)] = np.frombuffer(text, np.uint8)


def pixels_in(memory: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the view of a frame's memory that holds its pixels, (size, size, 4)."""
    return memory[INFO_BYTES : frame_bytes(size)].reshape(size, size, 4)


def _encoded(said: Mapping[str, object]) -> bytes:
    # A name may come from a file system and hold what no text may.
    return json.dumps(said, ensure_ascii=False).encode(errors="replace")


def read_info(memory: NDArray[np.uint8], before: FrameInfo = UNKNOWN) -> FrameInfo:
    """Return the particulars that stand at the beginning of a frame's memory.

    before: what is returned when they are not to be understood; the picture is good all the same.
    """
    try:
        said = json.loads(memory[:INFO_BYTES].tobytes().rstrip(b"\0"))
        moment = said["moment"]
        # Lists, in JSON.
        weights, expressions = tuple(moment["weights"]), tuple(said["expressions"])
        moment = Moment(**{**moment, "weights": weights})
        return FrameInfo(**{**said, "moment": moment, "expressions": expressions})
    except (ValueError, TypeError, KeyError):
        return before


def frame_in(memory: NDArray[np.uint8], size: int, before: FrameInfo = UNKNOWN) -> Frame:
    """Return the frame that lies in ``memory``; its pixels are a view. before: ``read_info``'s."""
    return Frame(pixels_in(memory, size), read_info(memory, before))
