"""The value that passes from hearing to drawing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Drive:
    """What the sound says at one time point.

    t_s: position in the sound, s.
    captured_s: when the newest sample in it was heard, monotonic s (offline: running time).
    rms_db: level of the sound since the time point before, dBFS, −120 at the lowest.
    onsets: onsets counted since the start.
    weight: the encoder's mean mapped into 0…1 by the calibrated bounds; before
        interpolation, envelope and gain.
    """

    t_s: float
    captured_s: float
    rms_db: float
    onsets: int
    weight: float
