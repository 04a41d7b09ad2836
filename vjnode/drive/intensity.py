"""How intense music is, computed from the sound alone: the teacher of the encoder's mean.

Used in training and to check the result. The live weight comes from the encoder.
"""

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.analysis import MEL_BANDS, WINDOW
from vjnode.audio.source import HOP, HOP_S, RATE_HZ

_EXPONENT = 0.23
"""Specific loudness grows with band power to this power (Zwicker & Fastl, Psychoacoustics)."""

_LOUDNESS_S = 0.06
_ACTIVITY_S = 0.15
_ACTIVITY_SHARE = 3.0
"""Weight of a rise in loudness per hop against loudness itself: attacks count clearly,
a steady wall of sound still counts most."""


def intensity(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Musical intensity after each hop: loudness plus the activity of its attacks.

    Loudness is the specific loudness summed over mel bands, so that a broad spectrum is
    louder than a narrow one of equal level. Activity is its half-wave rectified flux. Both are
    smoothed causally over the recent 60 and 150 ms: the newest sound counts.

    mono: shape (n,), float32, −1…1.
    Returns: shape (n // HOP,), float32, ≥ 0; 0 for silence, about 1 for full-scale pink noise.
    """
    hops = len(mono) // HOP
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), mono[: hops * HOP]])
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    bank = _mel_bank()
    hann = np.hanning(WINDOW).astype(np.float32)
    specific = np.empty((hops, MEL_BANDS), np.float32)
    for start in range(0, hops, 4096):  # keeps the spectra of a long song out of memory
        spectrum = np.fft.rfft(frames[start : start + 4096] * hann, axis=1)
        power = np.square(np.abs(spectrum)) @ bank
        specific[start : start + 4096] = power**_EXPONENT
    rise = np.maximum(np.diff(specific, axis=0, prepend=specific[:1]), 0.0)
    loudness = _smooth(specific.mean(axis=1), _LOUDNESS_S)
    activity = _smooth(rise.mean(axis=1), _ACTIVITY_S)
    return np.asarray(loudness + _ACTIVITY_SHARE * activity, dtype=np.float32)


def _smooth(x: NDArray[np.float32], time_s: float) -> NDArray[np.float32]:
    keep = float(np.exp(-HOP_S / time_s))
    smooth = np.empty_like(x)
    state = 0.0
    for i, value in enumerate(x):
        state = keep * state + (1.0 - keep) * float(value)
        smooth[i] = state
    return smooth


def _mel_bank() -> NDArray[np.float32]:
    """Mel weights of a power spectrum, shape (513, 40), scaled for intensity 1 at full scale."""
    bank = aubio.filterbank(MEL_BANDS, WINDOW)
    bank.set_mel_coeffs_slaney(RATE_HZ)
    weights = bank.get_coeffs().T.copy()
    return np.asarray(weights / np.square(WINDOW / 4.0) * 3.6e3, dtype=np.float32)
