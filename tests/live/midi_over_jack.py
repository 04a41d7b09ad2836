"""Virtual controllers of a JACK server play; run in a process of its own by ``test_midi.py``.

python -m tests.live.midi_over_jack MAPPING
"""

import sys
import time
from contextlib import closing
from pathlib import Path

import rtmidi2

from tests.control.midi.shows import Show
from tests.events import wait_for
from vjnode.control.midi.mapping_reader import read_mapping
from vjnode.control.midi.server import MidiServer

JACK = rtmidi2.API_UNIX_JACK


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


if __name__ == "__main__":
    play(read_mapping(Path(sys.argv[1])))
    print("played")  # noqa: T201
