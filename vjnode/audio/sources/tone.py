"""A test tone that swells and falls, to show the face moving without any music."""

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK, RATE_HZ, Block

PERIOD = 200
"""Samples in a period: 220.5 Hz, about the A below middle C."""

SWELL_S = 4.0
LEVEL_DBFS = (-50.0, -6.0)


class ToneSource:
    """Endless bright tone of 220 Hz that swells and falls once every four seconds."""

    name = "test tone"

    def __init__(self) -> None:
        self._position = 0
        self._pcm = _swell()

    def read(self) -> Block:
        """Return the next block; the tone never ends."""
        at = np.arange(self._position, self._position + BLOCK)
        self._position += BLOCK
        now_s = self._position / RATE_HZ
        return Block(self._pcm.take(at, axis=0, mode="wrap"), now_s, now_s)

    def close(self) -> None:
        """Do nothing: there is nothing to release."""


def _swell() -> NDArray[np.float32]:
    """Return one swell, which repeats without a seam: shape (SWELL_S · RATE_HZ, 2)."""
    at = np.arange(round(SWELL_S * RATE_HZ))
    # Partials up to 7 kHz give it a spectrum as broad as music's, unlike a beep's.
    phase = 2.0 * np.pi * np.arange(PERIOD) / PERIOD
    wave = 0.5 * sum((np.sin(k * phase) / k for k in range(1, 33)), np.zeros(PERIOD))
    swell = 0.5 - 0.5 * np.cos(2.0 * np.pi * at / len(at))
    level = 10.0 ** (np.interp(swell, (0.0, 1.0), LEVEL_DBFS) / 20.0)
    pcm = (level * wave[at % PERIOD]).astype(np.float32)
    return np.repeat(pcm[:, None], 2, axis=1)
