"""Position in the count of beats, and its extrapolation in time."""

import math
from dataclasses import dataclass

BEATS_PER_BAR = 4

SLEW_S = 0.4
"""Time constant with which a small error of phase is corrected."""

FORGET_S = 2.0
"""Time constant with which confidence fades when there are no estimates."""


@dataclass(frozen=True)
class Beat:
    """Count of beats at one time, with all that another process needs to continue it.

    bpm: beats per minute; 0 until a tempo was found or set.
    beats: the count at ``anchor_s``; whole numbers are beats, multiples of four begin bars.
    anchor_s: seconds, on the clock whose times are passed to ``BeatClock``.
    pull: beats that the count still gains, with time constant ``SLEW_S``, to correct an error.
    confidence: 0…1, certainty of the tracker or of a setting by hand; fades with ``FORGET_S``.
    locked: whether there is a tempo, so that the count continues.
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
        """Return this beat moved on to ``now_s``; times before the anchor count as the anchor."""
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
        """Return the next time after the anchor at which the count is a multiple of ``whole``.

        Infinite if there is none. Exact but for the rest of ``pull``.
        """
        if not self.locked:
            return math.inf
        left = whole - (self.beats + self.pull) % whole
        return self.anchor_s + left * 60.0 / self.bpm
