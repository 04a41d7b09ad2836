"""Where the count of beats is, and how it goes on by itself."""

import math
from dataclasses import dataclass

BEATS_PER_BAR = 4

SLEW_S = 0.4
"""Time constant with which a small error of phase is worn off."""

FORGET_S = 2.0
"""Time constant with which confidence fades when there is nothing to go by."""


@dataclass(frozen=True)
class Beat:
    """Where the count of beats is and how it goes on; enough for another process to go on.

    bpm: beats a minute; 0 until a tempo was found or set.
    beats: the count at ``anchor_s``; whole numbers are beats, multiples of four begin bars.
    anchor_s: seconds, on the clock that was handed to ``BeatClock``.
    pull: beats that the count still gains, with time constant ``SLEW_S``, to wear off an error.
    confidence: 0…1, how sure the tracker was or hands were; fades with ``FORGET_S``.
    locked: whether there is a tempo, so that the count goes on.
    """

    bpm: float = 0.0
    beats: float = 0.0
    anchor_s: float = 0.0
    pull: float = 0.0
    confidence: float = 0.0
    locked: bool = False

    @property
    def phase(self) -> float:
        """Part of the beat that has passed, 0…1."""
        return self.beats % 1.0

    @property
    def bar(self) -> float:
        """Part of the bar that has passed, 0…1."""
        return self.beats / BEATS_PER_BAR % 1.0

    def at(self, now_s: float) -> "Beat":
        """Return the same beat, seen at ``now_s``; times before the anchor count as the anchor."""
        passed_s = max(0.0, now_s - self.anchor_s)
        left = math.exp(-passed_s / SLEW_S)
        beats = self.beats + passed_s * self.bpm / 60.0 + self.pull * (1.0 - left)
        return Beat(
            self.bpm,
            beats,
            self.anchor_s + passed_s,
            self.pull * left,
            self.confidence * math.exp(-passed_s / FORGET_S),
            self.locked,
        )

    def next_s(self, whole: float = 1.0) -> float:
        """Return when, after the anchor, the count is next a multiple of ``whole``; inf if never.

        Exact to the rest of ``pull``.
        """
        if not self.locked:
            return math.inf
        left = whole - (self.beats + self.pull) % whole
        return self.anchor_s + left * 60.0 / self.bpm
