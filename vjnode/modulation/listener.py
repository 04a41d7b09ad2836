"""Listener: turns blocks of sound into drives, in the show and in renderings."""

from collections import deque

import numpy as np

from vjnode.audio.features.analyser import Analyser
from vjnode.audio.sources.base import BLOCK_S, HOP_S, Block
from vjnode.audio.tempo.beat_clock import BeatClock
from vjnode.modulation.auto_range import AutoRange
from vjnode.modulation.drive import HITS, Drive
from vjnode.modulation.encoder.base import SoundEncoder
from vjnode.modulation.encoder.input import FRAMES, silence
from vjnode.modulation.encoder.live import LiveEncoder
from vjnode.modulation.encoder.weights import Trained, load_trained
from vjnode.modulation.shaping import GATE_DB, Gate

STEP_S = HOP_S
"""Seconds between the encoder's time points: 11.6 ms, 86 per second."""


class Listener:
    """Analyses block after block and returns a drive for each.

    The same blocks give the same drives, bit for bit, on one machine, as long as the encoder is
    the processor's.

    Args:
        trained: weights of the encoder; None: those that ship with vjnode.
        encoder: one that has these weights and has encoded nothing yet; None: the processor's.
        onsets: initial value of the onset count.
    """

    def __init__(
        self,
        trained: Trained | None = None,
        encoder: SoundEncoder | None = None,
        *,
        onsets: int = 0,
    ) -> None:
        self._trained = trained or load_trained()
        self._encoder = LiveEncoder(self._trained) if encoder is None else encoder
        self._range = AutoRange()
        self._analyser = Analyser()
        self._gate = Gate()
        self.clock = BeatClock()
        """Clock of tempo and beats; the artist may tap it."""
        self.mfcc: np.ndarray[tuple[int], np.dtype[np.float32]] | None = None
        """MFCCs of the hop that the newest block completed, shape (13,); None if it did not."""
        self._onsets = onsets
        self._hits: deque[tuple[float, float]] = deque(maxlen=HITS)
        self._weight_s = 0.0
        before = silence()
        for _ in range(FRAMES):  # silence before the first block
            self._weight = self._mean_weight(before)

    def set_up(self, *, agc: str = "on", gate_db: float = GATE_DB) -> None:
        """Set the mode of automatic gain and range, and the threshold of the noise gate.

        gate_db: dBFS after automatic gain, so that it suits quiet inputs as well.
        """
        self._analyser.agc = agc
        self._gate.threshold_db = gate_db

    def reset_gain(self) -> None:
        """Start automatic gain and range over, because another source is plugged in."""
        self._analyser.auto_gain.reset()
        self._range.reset()

    def hear(self, block: Block) -> Drive:
        """Return the drive after the next block. Never raises on bad samples."""
        features = self._analyser.analyse(block.pcm, block.mixdown_gain)
        self.mfcc = features.mfcc
        if features.mfcc is not None:
            self._weight = self._ranged(self._mean_weight(features.mfcc))
            self._weight_s = block.captured_s
        if (onset := features.onset) is not None:
            self._onsets += 1
            began_s = block.captured_s - (onset.heard_s - onset.attack_s)
            self._hits.append((began_s, onset.strength))
        self.clock.follow(features.estimate, block.captured_s)
        return Drive(
            t_s=block.t_s,
            captured_s=block.captured_s,
            rms_db=features.rms_db,
            agc_db=features.gain_db,
            audible=self._gate.step(features.rms_db + features.gain_db, BLOCK_S),
            onsets=self._onsets,
            hits=tuple(self._hits),
            weight=self._weight,
            weight_s=self._weight_s,
            low=features.bands.low,
            mid=features.bands.mid,
            high=features.bands.high,
            beat=self.clock.at(block.captured_s),
        )

    def _ranged(self, weight: float) -> float:
        if self._analyser.agc == "off":
            return weight
        learn = self._analyser.agc == "on" and self._gate.open and self._analyser.auto_gain.moves
        return self._range.step(weight, learn=learn)

    def _mean_weight(self, mfcc: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
        return self._trained.weight(float(self._encoder.step(mfcc).mean(dtype=np.float64)))
