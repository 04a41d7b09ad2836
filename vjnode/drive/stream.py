"""From blocks of sound to the drive, one after the other: what runs in the show."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.analysis import FLOOR_DB, Analyser, Mfcc
from vjnode.audio.source import BLOCK, HOP, RATE_HZ, Block
from vjnode.drive.drive import Drive
from vjnode.drive.graph import compile_encoder
from vjnode.drive.trained import Trained, load_trained
from vjnode.drive.window import FRAMES, picture

HOPS_PER_STEP = 2
"""MFCCs from one time point to the next."""

STEP_S = HOPS_PER_STEP * HOP / RATE_HZ
"""Seconds between time points: 23.2 ms, 43 a second."""


class Listener:
    """Hears block after block and says how intense the sound is.

    The same blocks give the same drives, bit for bit, on one machine.

    Args:
        trained: weights of the encoder; without, those that ship.
        onsets: where to count on from.
    """

    def __init__(self, trained: Trained | None = None, *, onsets: int = 0) -> None:
        self._trained = trained or load_trained()
        self._encode = compile_encoder(self._trained)
        self._analyser = Analyser()
        self._mfcc = deque([_silence()] * FRAMES, FRAMES)
        self._power = 0.0
        self._hop: list[NDArray[np.float32]] = []
        self._hops = 0
        self._onsets = onsets

    def hear(self, block: Block) -> Drive | None:
        """Take the next block; return a drive at every fourth one. Never raises on bad samples."""
        self._hop.append(block.pcm)
        if len(self._hop) * BLOCK < HOP:
            return None
        features = self._analyser.analyse(np.concatenate(self._hop))
        self._hop.clear()
        self._mfcc.append(features.mfcc)
        self._onsets += features.onset
        self._power += 10.0 ** (features.rms_db / 10.0)
        self._hops += 1
        if self._hops % HOPS_PER_STEP:
            return None
        window = picture(np.array(self._mfcc), self._trained.mfcc_low, self._trained.mfcc_high)
        mean = float(self._encode(window).mean(dtype=np.float64))
        rms_db = max(FLOOR_DB, 10.0 * float(np.log10(self._power / HOPS_PER_STEP)))
        self._power = 0.0
        return Drive(
            t_s=block.t_s,
            captured_s=block.captured_s,
            rms_db=rms_db,
            onsets=self._onsets,
            weight=self._trained.weight(mean),
        )


def _silence() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """MFCCs of digital silence, shape (13,): what a listener has heard before the first block."""
    mfcc = Mfcc()
    mfcc.next(np.zeros(HOP, np.float32))
    return mfcc.next(np.zeros(HOP, np.float32))
