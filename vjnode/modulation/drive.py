"""Drive: the result of the audio analysis that the drawing side receives."""

from dataclasses import dataclass

from vjnode.audio.tempo.beat import Beat

HITS = 4
"""Onsets that a drive remembers, so that a reader of only every third drive misses none."""


@dataclass(frozen=True)
class Drive:
    """Result of the audio analysis at one time point.

    t_s: position in the sound, s.
    captured_s: time at which the newest analysed sample was heard, monotonic s (offline: running
        time).
    rms_db: level of the newest hop, dBFS, −120 at the lowest. agc_db: automatic gain on it.
    audible: whether the noise gate is open.
    onsets: onsets counted since the start.
    hits: the newest onsets, in order: start of each, on the clock of ``captured_s``, and its
        strength 0…1.
    weight: the encoder's mean mapped into 0…1 by the calibrated knots and automatic range, before
        gate, interpolation, envelope and gain.
    weight_s: ``captured_s`` of the newest hop that the encoder has processed.
    low, mid, high: envelopes of the bands, 0…1.
    beat: the beat clock.
    """

    t_s: float
    captured_s: float
    rms_db: float
    agc_db: float
    audible: bool
    onsets: int
    hits: tuple[tuple[float, float], ...]
    weight: float
    weight_s: float
    low: float
    mid: float
    high: float
    beat: Beat
