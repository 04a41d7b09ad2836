"""The value that passes from hearing to drawing."""

from dataclasses import dataclass

from vjnode.audio.tempo.beat import Beat

HITS = 4
"""Onsets that a drive remembers: who reads only every third drive must not miss one."""


@dataclass(frozen=True)
class Drive:
    """What the sound says at one time point.

    t_s: position in the sound, s.
    captured_s: when the newest sample in it was heard, monotonic s (offline: running time).
    rms_db: level of the newest hop, dBFS, −120 at the lowest. agc_db: automatic gain on it.
    audible: whether the noise gate is open.
    onsets: onsets counted since the start.
    hits: the newest onsets, in order: when each began, on the clock of ``captured_s``, and its
        strength 0…1.
    weight: the encoder's mean mapped into 0…1 by the calibrated knots and automatic range, before
        gate, interpolation, envelope and gain.
    weight_s: ``captured_s`` of the hop that the encoder has spoken on.
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
