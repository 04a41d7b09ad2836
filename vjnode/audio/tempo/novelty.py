"""Accent curve (novelty): strength of attacks over time, from which tempo and beat are found."""

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import RATE_HZ

CHUNK = 256
"""Samples between two frames, 5.8 ms: fine enough to place an attack."""

FRAME_S = CHUNK / RATE_HZ

BATCH = 8
"""Chunks that are transformed together; numpy is then three times as fast, and the delay does not
matter, since a beat is predicted, not detected."""

WINDOW = 1024

LOW, MID, HIGH = 0, 1, 2
"""Columns of the curve: kicks and basses; snares, voices, notes; hats and cymbals."""

_EDGES_HZ = {
    LOW: ((30.0, 110.0), (110.0, 160.0)),
    MID: ((160.0, 300.0), (300.0, 600.0), (600.0, 1200.0), (1200.0, 2400.0), (2400.0, 4800.0)),
    HIGH: ((6000.0, 9000.0), (9000.0, 16000.0)),
}
_COMPRESSION = 30.0
_LAG = 3
_DECAY_DB_PER_S = 4.0
_SILENCE = 10.0 ** (-85.0 / 10.0)
_BELOW_LOUDEST = 10.0 ** (-45.0 / 10.0)


class AccentCurve:
    """Spectral flux of whitened, log-compressed bands (Stowell and Plumbley 2007; Böck 2013).

    Each band is measured relative to its own recent peak, which falls by 4 dB/s, so that the
    level of the music does not matter, and a loud bass does not mask the snare.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(WINDOW + (BATCH - 1) * CHUNK, np.float32)
        self._waiting = 0
        self._window = np.hanning(WINDOW + 1)[:WINDOW].astype(np.float32)
        self._bands, self._groups = _filters()
        self._peak = np.zeros(self._bands.shape[1], np.float32)
        self._levels = np.zeros((_LAG, self._bands.shape[1]), np.float32)
        self._fall = np.float32(10.0 ** (-_DECAY_DB_PER_S * BATCH * FRAME_S / 10.0))

    def push(self, mono: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Add the next chunk, shape (256,), finite, −1…1.

        Returns: after every ``BATCH``-th chunk the curve of these chunks, shape (BATCH, 3),
            float32, each value 0…1; else None.
        """
        start = WINDOW - CHUNK + self._waiting * CHUNK
        self._samples[start : start + CHUNK] = mono
        self._waiting += 1
        if self._waiting < BATCH:
            return None
        self._waiting = 0
        curve = self._flux()
        self._samples[: WINDOW - CHUNK] = self._samples[-(WINDOW - CHUNK) :]
        return curve

    def _flux(self) -> NDArray[np.float32]:
        frames = np.lib.stride_tricks.sliding_window_view(self._samples, WINDOW)[::CHUNK]
        spectrum = np.fft.rfft(frames * self._window)
        energy = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ self._bands
        self._peak = np.maximum(self._peak * self._fall, energy.max(axis=0))
        reference = np.maximum(self._peak, max(self._peak.max() * _BELOW_LOUDEST, _SILENCE))
        level = np.log1p(_COMPRESSION * np.sqrt(energy / reference)) / np.log1p(_COMPRESSION)
        levels = np.concatenate([self._levels, level])
        self._levels = levels[-_LAG:]
        rise = np.maximum(0.0, levels[_LAG:] - levels[:-_LAG])
        flux: NDArray[np.float32] = rise.astype(np.float32) @ self._groups
        return flux


def _filters() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two matrices: bins to bands, shape (513, 9), and bands to groups, shape (9, 3).

    The first sums bins, scaled so that a full-scale sine has energy 1; the second averages bands.
    """
    frequency = np.fft.rfftfreq(WINDOW, 1.0 / RATE_HZ)
    bands, groups = [], []
    for group, edges in _EDGES_HZ.items():
        for low, high in edges:
            bands.append((frequency >= low) & (frequency < high))
            groups.append(np.eye(3)[group] / len(edges))
    scale = 8.0 / 3.0 / (WINDOW / 2.0) ** 2 / (3.0 / 8.0) / 2.0
    return (np.stack(bands, 1) * scale).astype(np.float32), np.array(groups, np.float32)
