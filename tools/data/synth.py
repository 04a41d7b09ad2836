"""Parts that synthetic sounds are made of: time, fades and filters, at vjnode's sample rate."""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from vjnode.audio.sources.base import RATE_HZ

Sound = NDArray[np.float64]


def sample_times(length_s: float) -> Sound:
    """Return the times of all samples of a sound, s, shape (n,)."""
    return np.arange(round(length_s * RATE_HZ)) / RATE_HZ


def fade(t_s: Sound, attack_s: float, release_s: float) -> Sound:
    """Return a gain that rises from 0 at the beginning of ``t_s`` and falls to 0 at its end."""
    rise: Sound = np.clip(t_s / attack_s, 0, 1)
    fall: Sound = np.clip((t_s[-1] - t_s) / release_s, 0, 1)
    return rise * fall


def filtered(
    sound: Sound, corner_hz: float | tuple[float, float], kind: str, *, order: int = 2
) -> Sound:
    """Return ``sound``, shape (…, n), behind a Butterworth filter.

    corner_hz: one frequency, or two for a band. kind: ``low``, ``high`` or ``band``.
    """
    sections = signal.butter(order, corner_hz, kind, fs=RATE_HZ, output="sos")
    result: Sound = signal.sosfilt(sections, sound)
    return result
