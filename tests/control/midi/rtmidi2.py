"""A stand-in for the package, whose ports are files in a folder.

A port's messages are the lines of its file, in hexadecimal; ``abort`` as its content ends the
process when the port is opened, as the package does, and ``hang`` keeps it from going on. What is
sent to it is appended to ``NAME.out``.
"""

import os
import threading
import time
from pathlib import Path

API_UNSPECIFIED, API_UNIX_JACK = 0, 3


def folder():
    return Path(os.environ["FAKE_MIDI"])


class Base:
    def __init__(self, clientname="", queuesize=100, api=0):
        self.file = None

    @property
    def ports(self):
        return sorted(path.name for path in folder().iterdir() if path.suffix != ".out")

    def open_port(self, index):
        self.file = folder() / self.ports[index]
        if self.file.read_text() == "abort":
            os.abort()
        if self.file.read_text() == "hang":
            time.sleep(1000)

    def close_port(self):
        self.file = None


class MidiIn(Base):
    callback = None

    def ignore_types(self, midi_sysex, midi_time, midi_sense):
        assert not midi_time  # the clock is wanted

    def open_port(self, index):
        super().open_port(index)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        told = 0
        while (file := self.file) is not None and file.exists():
            lines = file.read_text().splitlines(keepends=True)
            lines = [line for line in lines if line.endswith("\n")]
            for line in lines[told:]:
                self.callback(list(bytes.fromhex(line)), 0.0)
            told = len(lines)
            time.sleep(0.01)


class MidiOut(Base):
    def send_raw(self, *data):
        with Path(f"{self.file}.out").open("a") as out:
            out.write(bytes(data).hex() + "\n")
