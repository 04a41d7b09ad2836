"""Counting of beats and bars, for recalls that wait and entries of a set list that last."""

import math
from dataclasses import dataclass

ANEW = 0.5
"""Part of a beat or bar; a count that goes back by more is a new one, and else was corrected."""


@dataclass(frozen=True)
class Count:
    """The count of beats and bars at a moment. beat_s, bar_s: length of one, s."""

    beats: float
    bars: float
    beat_s: float
    bar_s: float

    def of(self, unit: str) -> float:
        """Return the count in one of the units of ``quantise``."""
        return {"beat": self.beats, "bar": self.bars, "4bars": self.bars / 4.0}[unit]

    def left_s(self, unit: str) -> float:
        """Return the time until the next begins, s."""
        lasts_s = {"beat": self.beat_s, "bar": self.bar_s, "4bars": 4.0 * self.bar_s}[unit]
        return (1.0 - self.of(unit) % 1.0) * lasts_s


@dataclass
class Waiting:
    """A recall that waits. whole: count of its unit when it was asked for."""

    name: str
    unit: str
    whole: int

    def is_due(self, count: Count | None) -> bool:
        """Return whether it waits no more: another unit has begun, or the beat is lost."""
        if count is None:
            return True
        now = count.of(self.unit)
        if now < self.whole - ANEW:
            self.whole = math.floor(now)
        return math.floor(now) > self.whole


@dataclass
class Lasting:
    """An entry of the set list that goes on by itself.

    until_s: monotonic s. bars: that are left. whole: count of them at the last look.
    """

    until_s: float
    bars: float
    whole: int | None

    def is_over(self, now_s: float, count: Count | None) -> bool:
        """Return whether its time has passed."""
        if count is not None:
            whole = math.floor(count.bars)
            if self.whole is None or count.bars < self.whole - ANEW:
                self.whole = whole
            # It is looked at in every bar: one that goes on by more has jumped to a new place.
            self.bars -= min(max(whole - self.whole, 0), 1)
            self.whole = max(whole, self.whole)
        return now_s >= self.until_s or self.bars <= 0.0
