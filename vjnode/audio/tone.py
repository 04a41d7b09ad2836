"""A test tone that swells and falls, so that one sees the face move without any music."""

import numpy as np

from vjnode.audio.source import BLOCK, BLOCK_S, RATE_HZ, Block

PERIOD = 200
"""Samples in a period: 220.5 Hz, about the A below middle C."""

SWELL_S = 4.0
LEVEL_DBFS = (-50.0, -6.0)


class ToneSource:
    """Endless bright tone of 220 Hz, once softer and louder every four seconds."""

    name = "test tone"

    def __init__(self) -> None:
        self._position = 0
        # Partials up to 7 kHz make it a sound as broad as music, not a beep.
        phase = 2.0 * np.pi * np.arange(PERIOD) / PERIOD
        self._wave = 0.5 * sum((np.sin(k * phase) / k for k in range(1, 33)), np.zeros(PERIOD))

    def read(self) -> Block:
        """Return the next block; it never ends."""
        t_s = (self._position + np.arange(BLOCK)) / RATE_HZ
        swell = 0.5 - 0.5 * np.cos(2.0 * np.pi * t_s / SWELL_S)
        level = 10.0 ** (np.interp(swell, (0.0, 1.0), LEVEL_DBFS) / 20.0)
        wave = self._wave[(self._position + np.arange(BLOCK)) % PERIOD]
        pcm = np.repeat((level * wave).astype(np.float32)[:, None], 2, axis=1)
        self._position += BLOCK
        now_s = self._position / BLOCK * BLOCK_S
        return Block(pcm, now_s, now_s)

    def close(self) -> None:
        """Nothing to release."""
