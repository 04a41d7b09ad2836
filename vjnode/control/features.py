"""Table of features: what is heard and how the show runs, as OSC tells it outside."""

from dataclasses import dataclass
from typing import Literal

LEVEL_LOW_DB = -120.0

STATUSES = ("waiting", "live", "resting", "stalled")
"""Status: before the first picture; with sound; without; with an engine that draws nothing new."""


@dataclass(frozen=True)
class Feature:
    """A row of the table of features.

    type: OSC's: f, i or s. when: "rate" at the set rate, "event" once as it happens, "change" as it
    changes, and once in a while. low, high: range of a number; both 0 where there is none.
    """

    name: str
    type: Literal["f", "i", "s"]
    when: Literal["rate", "event", "change"]
    about: str
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()


_ROWS = (
    Feature("level", "f", "rate", "level of the sound", LEVEL_LOW_DB, 0.0, "dBFS"),
    Feature("weight", "f", "rate", "weight of the first channel, as drawn", 0.0, 1.0),
    Feature("low", "f", "rate", "low band", 0.0, 1.0),
    Feature("mid", "f", "rate", "middle band", 0.0, 1.0),
    Feature("high", "f", "rate", "high band", 0.0, 1.0),
    Feature("tempo", "f", "rate", "the tempo in use, heard or set; 0 for none", 0.0, 300.0, "BPM"),
    Feature("beat", "i", "event", "1 on each beat", 1.0, 1.0),
    Feature("bar", "i", "event", "1 on the first beat of each bar", 1.0, 1.0),
    Feature("onset", "f", "event", "strength of each onset", 0.0, 1.0),
    Feature("fps", "f", "rate", "frames that the first output has sent", 0.0, 0.0, "1/s"),
    Feature("latency", "f", "rate", "age of the sound that is on screen", 0.0, 0.0, "ms"),
    Feature("status", "s", "change", "state of the show", choices=STATUSES),
    Feature("set_coming", "s", "change", "next entry of the set list; empty at its end"),
    Feature("set_notes", "s", "change", "notes of the entry that is on"),
    Feature("waiting", "s", "change", "recalls that wait for a beat; empty for none"),
)

FEATURES = {row.name: row for row in _ROWS}
