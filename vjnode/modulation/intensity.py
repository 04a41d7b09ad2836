"""Intensity of music, computed from the sound alone: the target of the encoder's mean.

Used in training and to check the result. The live weight comes from the encoder.
"""

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.features.analyser import MEL_BANDS, WINDOW
from vjnode.audio.features.loudness import KWeighting
from vjnode.audio.sources.base import HOP, HOP_S, RATE_HZ

_LOUDNESS_EXPONENT = 0.3
"""Loudness in sone grows with power to this power (Stevens's law)."""

_BAND_EXPONENT = 0.23
"""Specific loudness grows with band power to this power (Zwicker & Fastl, Psychoacoustics)."""

# Rises at once, so that a hit is seen when it is heard; falls within the encoder's window.
_RISE_S = 0.01
_LOUDNESS_S = 0.2
_ACTIVITY_S = 0.3
_ACTIVITY_SHARE = 24.0
"""Weight of the rise of specific loudness per hop relative to loudness itself. Measured on pairs
of passages of equal loudness: without it a pad is as intense as a groove."""

_REFERENCE = 0.01
"""Power, −20 dB, at which loudness is 1: the level to which automatic gain brings loud passages."""


def intensity(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the musical intensity after each hop: loudness plus the activity of its attacks.

    Loudness is K-weighted power (BS.1770), compressed. Activity is the half-wave rectified flux
    of specific loudness, averaged over mel bands. Both fall within some hundred ms.

    mono: shape (n,), float32, −1…1.
    Returns: shape (n // HOP,), float32, ≥ 0; 0 for silence, about 1 for music at −20 LUFS.
    """
    hops = len(mono) // HOP
    if not hops:
        return np.zeros(0, np.float32)
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), mono[: hops * HOP]])
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    bank = _mel_bank()
    hann = np.hanning(WINDOW).astype(np.float32)
    specific = np.empty((hops, MEL_BANDS), np.float32)
    for start in range(0, hops, 4096):  # limits the memory for the spectra of a long song
        spectrum = np.fft.rfft(frames[start : start + 4096] * hann, axis=1)
        power = np.square(np.abs(spectrum)) @ bank
        specific[start : start + 4096] = power**_BAND_EXPONENT
    rise = np.maximum(np.diff(specific, axis=0, prepend=specific[:1]), 0.0).mean(axis=1)
    weighting = KWeighting()
    power = np.array([weighting.power(hop) for hop in mono[: hops * HOP].reshape(-1, HOP)])
    loudness = _follow((power / _REFERENCE) ** _LOUDNESS_EXPONENT, _RISE_S, _LOUDNESS_S)
    activity = _follow(rise, 0.0, _ACTIVITY_S)
    return np.asarray(loudness + _ACTIVITY_SHARE * activity, dtype=np.float32)


def _follow(
    x: NDArray[np.float32] | NDArray[np.float64], rise_s: float, fall_s: float
) -> NDArray[np.float64]:
    """Return ``x`` behind one pole with time constants for rise and fall, s; 0 is at once."""
    up = float(np.exp(-HOP_S / rise_s)) if rise_s else 0.0
    down = float(np.exp(-HOP_S / fall_s))
    followed = np.empty(len(x))
    state = 0.0
    for i, value in enumerate(x.tolist()):
        keep = up if value > state else down
        state = keep * state + (1.0 - keep) * value
        followed[i] = state
    return followed


def _mel_bank() -> NDArray[np.float32]:
    """Return the mel weights of a power spectrum, shape (513, 40), 1 for a full-scale band."""
    bank = aubio.filterbank(MEL_BANDS, WINDOW)
    bank.set_mel_coeffs_slaney(RATE_HZ)
    weights = bank.get_coeffs().T.copy()
    return np.asarray(weights / np.square(WINDOW / 4.0), dtype=np.float32)
