"""Reading features: what is heard and how a show runs, out of its shared memory."""

import math

import numpy as np

from vjnode.audio.tempo.beat import BEATS_PER_BAR
from vjnode.control.features import LEVEL_LOW_DB, STATUSES
from vjnode.control.parameter import Value
from vjnode.modulation.drive import Drive
from vjnode.output.base import UNKNOWN
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import DRIVE_BYTES, INFO_BYTES, frame_bytes, read_info, unpack_drive
from vjnode.show.shared_memory import ShowMemory

STALLED_S = 1.0
"""Time, s, without a new drawing after which the status says so."""

STATUS_S = 1.0
"""Time, s, after which a status that has not changed is told again."""

FPS_S = 1.0
"""Span, s, over which frames are counted."""

Told = list[tuple[str, Value]]
"""Names of features, and their values."""


class FeatureReader:
    """Reads features from the memory of a show, for one thread."""

    def __init__(self, memory: ShowMemory, size_px: int) -> None:
        """Open the memory anew: a slot tells each of its readers what is new to that one."""
        self._drives = Slot(DRIVE_BYTES, name=memory.drive.name)
        self._frames = Slot(frame_bytes(size_px), name=memory.frame.name)
        self._meter = memory.meters[0]
        self._header = np.zeros(INFO_BYTES, np.uint8)
        self._info = UNKNOWN
        self._drive: Drive | None = None
        self._beats = 0.0
        self._hit_s = 0.0
        self._texts: dict[str, tuple[str, float]] = {}
        """By name, what was told last, and when."""
        self._counted: list[tuple[float, int]] = []

    def events(self, now_s: float) -> Told:
        """Return what has happened since the last call.

        now_s: present time, monotonic s.
        """
        first = self._drive is None
        if (data := self._drives.read()) is not None:
            self._drive = unpack_drive(data)
        if self._drive is None:
            return []
        told = self._beaten(self._drive, now_s, first=first)
        for at_s, strength in self._drive.hits:
            if at_s > self._hit_s:
                self._hit_s = at_s
                if not first:
                    told.append(("onset", strength))
        return told

    def levels(self, now_s: float) -> Told:
        """Return the features that are told at a rate, and the status where it is due.

        now_s: present time, monotonic s.
        """
        if self._frames.read_into(self._header) is not None:
            self._info = read_info(self._header, self._info)
        moment = self._info.moment
        told: Told = [
            ("level", max(moment.rms_db, LEVEL_LOW_DB) if self._frames.sequence else LEVEL_LOW_DB),
            ("weight", moment.weight),
            ("low", moment.low),
            ("mid", moment.mid),
            ("high", moment.high),
            ("tempo", moment.bpm),
            ("fps", self._fps(now_s)),
            ("latency", self._meter.age_s * 1e3),
        ]
        texts = {
            "status": self._status_now(now_s),
            "set_coming": self._info.coming,
            "set_notes": self._info.notes,
            "waiting": self._info.waiting,
        }
        for name, text in texts.items():
            before, since_s = self._texts.get(name, ("", -math.inf))
            if text != before or now_s - since_s >= STATUS_S:
                self._texts[name] = text, now_s
                told.append((name, text))
        return told

    def close(self) -> None:
        """Close the memory."""
        self._drives.close()
        self._frames.close()

    def _beaten(self, drive: Drive, now_s: float, *, first: bool) -> Told:
        """Return beat and bar if one has begun; one that is counted again counts once."""
        before, beat = self._beats, drive.beat.at(now_s)
        if not beat.locked or first or beat.beats < before - 0.5:
            self._beats = beat.beats  # a new count
            return []
        self._beats = max(before, beat.beats)
        if int(self._beats) == int(before):
            return []
        told: Told = [("beat", 1)]
        if int(self._beats / BEATS_PER_BAR) != int(before / BEATS_PER_BAR):
            told.append(("bar", 1))
        return told

    def _status_now(self, now_s: float) -> str:
        waiting, live, resting, stalled = STATUSES
        if not self._frames.sequence:
            return waiting
        if now_s - self._frames.written_s > STALLED_S:
            return stalled
        return resting if self._info.moment.resting else live

    def _fps(self, now_s: float) -> float:
        self._counted.append((now_s, self._meter.frames))
        while len(self._counted) > 2 and now_s - self._counted[1][0] >= FPS_S:
            del self._counted[0]
        (then_s, then), (_, now) = self._counted[0], self._counted[-1]
        return (now - then) / (now_s - then_s) if now_s > then_s else 0.0
