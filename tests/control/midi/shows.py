"""A show that is played in tests, and mappings written in TOML."""

from vjnode.control.midi.mapping_reader import read_mapping
from vjnode.control.midi.message import Decoder
from vjnode.control.midi.player import MidiCounts, Player
from vjnode.control.performing import perform
from vjnode.control.state import Controls, Preset, Stock

STOCK = Stock(
    ("aster", "birch", "clove", "dune"),
    ("laugh", "grin"),
    {
        "calm": Preset("calm", "aster", "laugh", {"gain": 0.5}),
        "wild": Preset("wild", "birch", "grin", {"gain": 3.0}),
    },
)


class Show:
    def __init__(self):
        self.controls = STOCK.fitted(Controls("calm", "aster", "laugh"))
        self.done = []

    def names(self, parameter):
        return STOCK.names(parameter)

    def perform(self, act, value):
        self.done.append((act, value))
        self.controls = perform(self.controls, act, value, STOCK)


class Desk:
    """A controller with a mapping, that plays a show."""

    def __init__(self, folder, text, show=None):
        path = folder / "desk.toml"
        path.write_text("version = 1\n" + text, "utf-8")
        self.show, self.counts, self.decoder = show or Show(), MidiCounts(), Decoder()
        self.player = Player(read_mapping(path), self.show, self.counts)

    def send(self, *messages):
        for one in messages:
            self.player.play(self.decoder.decode(bytes.fromhex(one)))
        return self.show.controls

    def fader(self, *values, number=7):
        for value in values:
            self.send(f"B0 {number:02X} {value:02X}")
        return self.show.controls
