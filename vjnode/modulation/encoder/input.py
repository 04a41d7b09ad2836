"""The encoder's input: MFCC windows as square pictures."""

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.features.analyser import COEFFICIENTS, Mfcc
from vjnode.audio.sources.base import HOP

FRAMES = 32
"""MFCC frames in a window: 371 ms of sound, newest last."""

PLANES = 3


def picture(
    mfcc: NDArray[np.float32], low: NDArray[np.float32], high: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return MFCC windows normalised to the encoder's input.

    Each coefficient is mapped from ``low``…``high`` into 0…1 and clipped, the coefficient
    axis is padded with 0 until it is as long as the time axis, and the square is copied to
    three channels.

    mfcc: shape (…, t, 13), time × coefficient; one window has t = 32.
    low, high: shape (13,), the fixed constants stored with the weights.
    Returns: shape (…, 3, t, 32), float32, 0…1.
    """
    unit = np.clip((mfcc - low) / (high - low), 0.0, 1.0).astype(np.float32)
    square = np.zeros((*unit.shape[:-2], PLANES, unit.shape[-2], FRAMES), np.float32)
    square[..., :COEFFICIENTS] = unit[..., None, :, :]
    return square


def silence() -> NDArray[np.float32]:
    """Return the MFCCs of digital silence, shape (13,), which precede the first block."""
    mfcc = Mfcc()
    mfcc.next(np.zeros(HOP, np.float32))
    return mfcc.next(np.zeros(HOP, np.float32))
