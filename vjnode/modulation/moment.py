"""Moment: the values that a frame is drawn from, each with its unit and its roundings.

Trace, preview and what passes between processes are made from these fields.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import TypeVar

from vjnode.modulation.matrix import CHANNELS

_MEASURE = "measure"
_Value = TypeVar("_Value", int, float, tuple[float, ...])


@dataclass(frozen=True)
class Measure:
    """Form in which a value of a moment is written down.

    unit: "" for a count, or a part of 1.
    digits: behind the point, in the trace. traced_as: its name there, if it is not the field's.
    live: whether it has a meaning on a live clock only; then it stands at the end of the trace's
        lines, and not in those of a rendering or analysis.
    shown_digits: behind the point, in the preview's status; None: it is not shown there.
    shown_as: its name there, if it is not the field's. lowest: what a lower value is shown as.
    """

    unit: str
    digits: int
    traced_as: str
    live: bool
    shown_digits: int | None
    shown_as: str
    lowest: float


def measured(
    default: _Value,
    *,
    digits: int,
    unit: str = "",
    traced_as: str = "",
    live: bool = False,
    shown_digits: int | None = None,
    shown_as: str = "",
    lowest: float = -math.inf,
) -> _Value:
    """Return a dataclass field with a ``Measure``, whose parameters these are."""
    measure = Measure(unit, digits, traced_as, live, shown_digits, shown_as, lowest)
    value: _Value = field(default=default, metadata={_MEASURE: measure})
    return value


@dataclass(frozen=True)
class Moment:
    """Values that a frame is drawn from; until anything is known they are 0.

    t_s: position in the sound.
    rms_db: level. agc_db: automatic gain on it.
    onsets: counted so far.
    low, mid, high: envelopes of the bands, 0…1.
    bpm: tempo; 0 while none is known. beat, bar: parts of beat and bar that have passed, 0…1.
    weights: 0…1, of each of ``CHANNELS``, as drawn: interpolated, shaped, routed, times gain.
    captured_s: time at which that sound was heard, monotonic (offline: running time), see
        ``Drive``; 0 before any sound.
    resting: no sound has come for a while, and the face is on its way to rest.
    """

    t_s: float = measured(0.0, unit="s", digits=6, traced_as="t", shown_digits=3)
    rms_db: float = measured(
        0.0, unit="dBFS", digits=3, shown_digits=1, shown_as="level_db", lowest=-120.0
    )
    agc_db: float = measured(0.0, unit="dB", digits=3, shown_digits=1)
    onsets: int = measured(0, digits=0, shown_digits=0)
    low: float = measured(0.0, digits=4)
    mid: float = measured(0.0, digits=4)
    high: float = measured(0.0, digits=4)
    bpm: float = measured(0.0, unit="BPM", digits=3, shown_digits=2)
    beat: float = measured(0.0, digits=4, shown_digits=3)
    bar: float = measured(0.0, digits=4, shown_digits=3)
    weights: tuple[float, ...] = measured((0.0,) * len(CHANNELS), digits=6, shown_digits=4)
    captured_s: float = measured(0.0, unit="s", digits=6, live=True)
    resting: bool = False

    @property
    def weight(self) -> float:
        """Weight of the first channel."""
        return self.weights[0]

    def traced(self, *, live: bool = False) -> dict[str, float]:
        """Return the values for the trace, rounded, by their names there.

        live: those that only a live show has, instead of all others.
        """
        return {
            measure.traced_as or name: round(value, measure.digits)
            for name, measure, value in self._measured()
            if measure.live == live
        }

    def shown(self) -> dict[str, float]:
        """Return the values for the preview, rounded, by their names there."""
        return {
            measure.shown_as or name: round(max(value, measure.lowest), measure.shown_digits)
            for name, measure, value in self._measured()
            if measure.shown_digits is not None
        }

    def _measured(self) -> Iterator[tuple[str, Measure, float]]:
        """Yield name, measure and value of each number; the channels' weights one by one."""
        for name, measure in _MEASURES.items():
            if name == "weights":
                for channel, weight in zip(CHANNELS, self.weights, strict=True):
                    # expression/2 has weight/2.
                    yield channel.replace(CHANNELS[0], "weight", 1), measure, weight
            else:
                yield name, measure, getattr(self, name)


_MEASURES: dict[str, Measure] = {
    row.name: row.metadata[_MEASURE] for row in fields(Moment) if _MEASURE in row.metadata
}
