"""Lead: the beat of a clock outside, such as MIDI's, that the beat clock can follow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Lead:
    """Beat of another clock.

    bpm: beats per minute. beats: its place in the song at ``anchor_s``, in beats.
    anchor_s: seconds, on the clock whose times are passed to ``BeatClock``.
    jumps: number of the last jump to a place in the song, such as a start; 0 while the place is
        not known, so that ``beats`` tells the tempo and no beat.
    stands: whether it has been stopped.
    """

    bpm: float
    beats: float
    anchor_s: float
    jumps: int = 0
    stands: bool = False

    def beats_at(self, now_s: float) -> float:
        """Return its place in the song at ``now_s``, in beats."""
        return self.beats + (now_s - self.anchor_s) * self.bpm / 60.0
