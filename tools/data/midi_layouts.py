"""Places of the controls on the controllers that have a mapping, for their drawings."""

from dataclasses import dataclass
from typing import Literal

Shape = Literal["pad", "button", "knob", "fader", "crossfader"]

HEIGHTS: dict[Shape, float] = {
    "pad": 1.0,
    "button": 0.9,
    "knob": 1.4,
    "fader": 2.4,
    "crossfader": 1.4,
}
"""Height of a control with its name, in cells."""


@dataclass(frozen=True)
class Block:
    """Controls of one shape that lie side by side, in rows.

    on: their messages, as mappings name them, row by row from the top left.
    at: column and row of the first, in cells. columns: of the block; 0 for all in one row.
    channel: as in mappings; "" for the mapping's own. name: printed on the device beside them.
    layer: the layer whose names are shown beside those without one.
    """

    shape: Shape
    on: tuple[str, ...]
    at: tuple[float, float]
    columns: int = 0
    channel: str = ""
    name: str = ""
    layer: str = ""


@dataclass(frozen=True)
class Layout:
    """A device: its name and its controls."""

    name: str
    blocks: tuple[Block, ...]


LAYOUTS = {
    "apc40_mk2": Layout(
        "Akai APC40 mk2",
        (
            Block("knob", ("cc 48-55",), (0, 0), name="TRACK KNOBS"),
            Block(
                "pad",
                ("note 32-39", "note 24-31", "note 16-23", "note 8-15", "note 0-7"),
                (0, 1.75),
                columns=8,
                name="CLIPS",
            ),
            Block("pad", ("note 82-86",), (8.15, 1.75), columns=1, name="SCENE"),
            Block("button", ("note 81",), (8.15, 7.1), name="STOP ALL CLIPS"),
            Block("fader", ("cc 7",), (0, 8.3), channel="1-8", name="TRACK FADERS"),
            Block("fader", ("cc 14",), (8.15, 8.3), name="MASTER"),
            Block("knob", ("cc 47",), (8.15, 0), name="CUE LEVEL"),
            Block("knob", ("cc 13",), (9.4, 0), name="TEMPO"),
            Block("button", ("note 91", "note 93"), (11.4, 0.3), name="PLAY, RECORD"),
            Block("button", ("note 90", "note 99"), (9.4, 1.75), name="METRONOME, TAP"),
            Block("button", ("note 100", "note 101"), (11.4, 1.75), name="NUDGE"),
            Block("knob", ("cc 16-23",), (9.4, 3.1), columns=4, name="DEVICE KNOBS"),
            Block("crossfader", ("cc 15",), (10.4, 8.3), name="CROSSFADER"),
        ),
    ),
    "apc_mini_mk2": Layout(
        "Akai APC mini mk2",
        (
            Block(
                "pad",
                (
                    *("note 56-63", "note 48-55", "note 40-47", "note 32-39"),
                    *("note 24-31", "note 16-23", "note 8-15", "note 0-7"),
                ),
                (0, 0),
                columns=8,
            ),
            Block("pad", ("note 112-119",), (8.15, 0), columns=1, name="SCENE"),
            Block("button", ("note 100-107",), (0, 8.45), name="TRACK"),
            Block("button", ("note 122",), (8.15, 8.45), name="SHIFT"),
            Block("fader", ("cc 48-55",), (0, 9.75), name="FADERS", layer="shift"),
            Block("fader", ("cc 56",), (8.15, 9.75), name="MASTER"),
        ),
    ),
    "launch_control_xl": Layout(
        "Novation Launch Control XL",
        (
            Block("knob", ("cc 13-20",), (0, 0), name="UPPER"),
            Block("knob", ("cc 29-36",), (0, 1.75), name="MIDDLE"),
            Block("knob", ("cc 49-56",), (0, 3.5), name="LOWER"),
            Block("fader", ("cc 77-84",), (0, 5.25), name="FADERS"),
            Block("button", ("note 41-44", "note 57-60"), (0, 8.0), name="FOCUS"),
            Block("button", ("note 73-76", "note 89-92"), (0, 9.15), name="CONTROL"),
            Block("button", ("cc 104-105",), (8.15, 0.3), columns=1, name="UP, DOWN"),
            Block("button", ("cc 106-107",), (8.15, 2.25), columns=1, name="LEFT, RIGHT"),
            Block("button", ("note 105",), (8.15, 5.55), name="DEVICE"),
            Block("button", ("note 106",), (8.15, 6.75), name="MUTE"),
            Block("button", ("note 107",), (8.15, 7.95), name="SOLO"),
            Block("button", ("note 108",), (8.15, 9.15), name="ARM"),
        ),
    ),
    "launchpad_mini_mk3": Layout(
        "Novation Launchpad Mini mk3",
        (
            Block("pad", ("cc 91-98",), (0, 0)),
            Block(
                "pad",
                (
                    *("note 81-88", "note 71-78", "note 61-68", "note 51-58"),
                    *("note 41-48", "note 31-38", "note 21-28", "note 11-18"),
                ),
                (0, 1.3),
                columns=8,
            ),
            Block(
                "pad",
                ("cc 89", "cc 79", "cc 69", "cc 59", "cc 49", "cc 39", "cc 29", "cc 19"),
                (8.15, 1.3),
                columns=1,
            ),
        ),
    ),
    "midimix": Layout(
        "Akai MIDImix",
        (
            Block(
                "knob",
                (
                    *("cc 16", "cc 20", "cc 24", "cc 28", "cc 46", "cc 50", "cc 54", "cc 58"),
                    *("cc 17", "cc 21", "cc 25", "cc 29", "cc 47", "cc 51", "cc 55", "cc 59"),
                    *("cc 18", "cc 22", "cc 26", "cc 30", "cc 48", "cc 52", "cc 56", "cc 60"),
                ),
                (0, 0),
                columns=8,
            ),
            Block(
                "button",
                (
                    *("note 1", "note 4", "note 7", "note 10"),
                    *("note 13", "note 16", "note 19", "note 22"),
                ),
                (0, 4.6),
                name="MUTE",
            ),
            Block(
                "button",
                (
                    *("note 2", "note 5", "note 8", "note 11"),
                    *("note 14", "note 17", "note 20", "note 23"),
                ),
                (0, 5.75),
                name="MUTE, WITH SOLO HELD",
            ),
            Block(
                "button",
                (
                    *("note 3", "note 6", "note 9", "note 12"),
                    *("note 15", "note 18", "note 21", "note 24"),
                ),
                (0, 6.9),
                name="REC ARM",
            ),
            Block("button", ("note 25", "note 26"), (8.15, 4.6), columns=1, name="BANK"),
            Block("button", ("note 27",), (8.15, 6.9), name="SOLO"),
            Block(
                "fader",
                ("cc 19", "cc 23", "cc 27", "cc 31", "cc 49", "cc 53", "cc 57", "cc 61"),
                (0, 8.15),
                name="FADERS",
            ),
            Block("fader", ("cc 62",), (8.15, 8.15), name="MASTER"),
        ),
    ),
    "nanokontrol2": Layout(
        "Korg nanoKONTROL2",
        (
            Block("button", ("cc 58-59",), (0, 0.3), name="TRACK"),
            Block("button", ("cc 46",), (0, 1.75), name="CYCLE"),
            Block("button", ("cc 60",), (1.15, 1.75), name="MARKER SET"),
            Block("button", ("cc 61-62",), (2.15, 1.75), name="MARKER"),
            Block("button", ("cc 43-44",), (0, 3.2), name="REWIND, FORWARD"),
            Block("button", ("cc 42", "cc 41", "cc 45"), (0, 4.65), name="STOP, PLAY, RECORD"),
            Block("knob", ("cc 16-23",), (4.4, 0), name="KNOBS"),
            Block("button", ("cc 32-39",), (4.4, 1.75), name="S"),
            Block("button", ("cc 48-55",), (4.4, 2.9), name="M"),
            Block("button", ("cc 64-71",), (4.4, 4.05), name="R"),
            Block("fader", ("cc 0-7",), (4.4, 5.2), name="SLIDERS"),
        ),
    ),
    "xtouch_mini": Layout(
        "Behringer X-Touch Mini",
        (
            Block("knob", ("cc 1-8",), (0, 0), name="LAYER A: ENCODERS"),
            Block("button", ("note 0-7",), (0, 1.75), name="ENCODERS, PRESSED"),
            Block("button", ("note 8-15",), (0, 2.9), name="UPPER BUTTONS"),
            Block("button", ("note 16-23",), (0, 4.05), name="LOWER BUTTONS"),
            Block("fader", ("cc 9",), (8.15, 0.6), name="FADER"),
            Block("knob", ("cc 11-18",), (0, 5.8), name="LAYER B: ENCODERS"),
            Block("button", ("note 24-31",), (0, 7.55), name="ENCODERS, PRESSED"),
            Block("button", ("note 32-39",), (0, 8.7), name="UPPER BUTTONS"),
            Block("button", ("note 40-47",), (0, 9.85), name="LOWER BUTTONS"),
            Block("fader", ("cc 10",), (8.15, 6.4), name="FADER"),
        ),
    ),
}
"""By the name of their mapping."""
