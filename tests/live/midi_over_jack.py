"""Virtual controllers of a JACK server play; run in a process of its own by ``test_midi.py``.

python -m tests.live.midi_over_jack MAPPING
"""

import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import rtmidi2

from tests.control.midi.shows import Show
from tests.events import wait_for
from vjnode.audio.tempo.midi_clock import GAP_S, PULSE, PULSES_PER_BEAT, START
from vjnode.control.midi.mapping_reader import read_mapping
from vjnode.control.midi.server import MidiServer
from vjnode.runtime import monotonic_s
from vjnode.show.clock_sync import ClockWriter
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import LEAD_BYTES, unpack_lead

JACK = rtmidi2.API_UNIX_JACK
TRIES = 4
"""Times that a clock may be sent: a machine that is busy in one is not in all of them."""


def play(mapping):
    show, lamps = Show(), []
    screen = rtmidi2.MidiIn("desk", api=JACK)
    screen.callback = lambda data, _time: lamps.append(bytes(data).hex())
    screen.open_virtual_port("Desk")
    with closing(MidiServer([""], show, {"desk": mapping})) as server:
        for plug in (1, 2):
            desk = rtmidi2.MidiOut("desk", api=JACK)
            desk.open_virtual_port("Desk")
            wait_for(lambda plug=plug: server.counts.opened == plug)
            time.sleep(0.3)  # JACK connects within a cycle of its own
            for count in range(1000):
                desk.send_raw(0xB0, 1, count % 128)
                if count % 50 == 49:
                    time.sleep(0.01)  # a cycle of JACK has room for so many
            desk.send_raw(0x90, 1, 127)
            wait_for(lambda plug=plug: server.counts.received == 1001 * plug)
            assert show.controls.is_on("blackout") == (plug == 1)
            wait_for(lambda plug=plug: lamps[-1:] == ["90017f" if plug == 1 else "900100"])
            desk.close_port()
            del desk
            wait_for(lambda plug=plug: server.counts.lost == plug)
        assert server.counts.restarts == 0


def keep_time(mapping):
    """Let a clock play two tempi, as steadily as this machine can send it."""
    drums = rtmidi2.MidiOut("drums", api=JACK)
    drums.open_virtual_port("Drums")
    with closing(Slot(LEAD_BYTES)) as slot:
        clock = ClockWriter(slot)
        with closing(MidiServer(["Drums"], Show(), {"desk": mapping}, clock=clock)) as server:
            wait_for(lambda: server.counts.opened == 1)
            time.sleep(0.3)
            for bpm, beats in ((128.0, 8), (150.0, 5)):
                misses = []
                while missed := missed_time(server, slot, *send_beats(server, drums, bpm, beats)):
                    misses.append(missed)
                    assert len(misses) < TRIES, misses


def send_beats(server, drums, bpm, beats):
    """Start a clock and send so many beats; return when each pulse was sent, and what had come."""
    before, sent = server.counts.clock, []
    drums.send_raw(START)
    due_s = monotonic_s() + 0.01
    for _ in range(beats * PULSES_PER_BEAT):
        time.sleep(max(due_s - monotonic_s(), 0.0))
        sent.append(monotonic_s())
        drums.send_raw(PULSE)
        due_s += 60.0 / bpm / PULSES_PER_BEAT
    return sent, before


def missed_time(server, slot, sent, before):
    """Return what a clock tells wrongly, against the pulses that were sent since its start.

    before: messages that had come before that. A busy machine sends pulses late, and JACK drops
    some where it misses a cycle, so those that came are counted.
    """
    came = 0
    while came < (now := server.counts.clock - before - 1):
        came = now
        time.sleep(0.3)
    lately = sent[-4 * PULSES_PER_BEAT :]
    slope_s, _ = np.polyfit(np.arange(len(lately)), lately, 1)
    sent_bpm = 60.0 / slope_s / PULSES_PER_BEAT
    with closing(Slot(LEAD_BYTES, name=slot.name)) as far:
        told = unpack_lead(far.read())
    misses = []
    if came <= 0.9 * len(sent):
        misses.append(f"{came} of {len(sent)} pulses came")
    if abs(told.bpm - sent_bpm) >= 2.0:
        misses.append(f"{told.bpm:.2f} BPM are told, {sent_bpm:.2f} were sent")
    beats = (came - 1) / PULSES_PER_BEAT
    # Above such a gap it counts what it takes to be lost.
    if max(np.diff(sent)) < GAP_S / 2 and abs(told.beats - beats) >= 1e-6:
        misses.append(f"beat {told.beats} is told, beat {beats} came")
    if abs(told.anchor_s - sent[-1]) >= 0.05:
        misses.append(f"the last pulse is told {told.anchor_s - sent[-1]:.3f} s late")
    return misses


if __name__ == "__main__":
    play(read_mapping(Path(sys.argv[1])))
    keep_time(read_mapping(Path(sys.argv[1])))
    print("played")  # noqa: T201
