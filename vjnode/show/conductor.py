"""Conductor: a thread that does what is due by itself in a show, on the beat."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from vjnode.audio.tempo.beat import BEATS_PER_BAR, Beat
from vjnode.control.counting import Count
from vjnode.control.state import Controls, Stock
from vjnode.show.control_sync import ControlWriter
from vjnode.show.factory import preset_shelf
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import DRIVE_BYTES, unpack_drive
from vjnode.show.preset_keeper import PresetKeeper
from vjnode.show.shared_memory import ShowMemory

LONGEST_S = 1.0
"""Longest pause, s."""


class BeatReader:
    """Reads the count of beats from the slot of drives, for one thread at a time."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._beat = Beat()

    def count(self, now_s: float) -> Count | None:
        """Return the count now; None while there is no tempo. now_s: monotonic s."""
        if (data := self._slot.read()) is not None:
            self._beat = unpack_drive(data).beat
        return count_of(self._beat, now_s)

    def close(self) -> None:
        """Close the slot."""
        self._slot.close()


def count_of(beat: Beat, now_s: float) -> Count | None:
    """Return the count of a beat that goes on to ``now_s``; None without a tempo."""
    now = beat.at(now_s)
    if not now.locked or now.bpm <= 0.0:
        return None
    beat_s = 60.0 / now.bpm
    return Count(now.beats, now.beats / BEATS_PER_BAR, beat_s, BEATS_PER_BAR * beat_s)


class Conductor:
    """Looks at the beat while something waits for it, and rests while nothing does.

    Args:
        writer: the controls of the show.

    """

    def __init__(self, writer: ControlWriter) -> None:
        self._writer = writer
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="conductor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stopping = True
        self._writer.changed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._writer.changed.clear()
            pause_s = self._writer.step()
            if not self._stopping:
                self._writer.changed.wait(min(pause_s, LONGEST_S))


@contextmanager
def conducted(controls: Controls, available: Stock, memory: ShowMemory) -> Iterator[ControlWriter]:
    """Within it, a show has controls that keep presets and do by themselves what is due."""
    with ExitStack() as stack:
        keeper = stack.enter_context(closing(PresetKeeper(preset_shelf(available))))
        beat = BeatReader(Slot(DRIVE_BYTES, name=memory.drive.name))
        stack.callback(beat.close)
        writer = ControlWriter(
            controls, available, memory.controls, keeper=keeper, count=beat.count
        )
        stack.enter_context(closing(Conductor(writer)))
        yield writer
