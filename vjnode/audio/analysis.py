"""What is heard in one hop: MFCC, level and onset, by aubio."""

from dataclasses import dataclass

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.scrub import scrub
from vjnode.audio.source import HOP, HOP_S, RATE_HZ

COEFFICIENTS = 13
"""Low-order MFCCs that are kept: the spectral envelope that a listener notices."""

MEL_BANDS = 40

WINDOW = 2 * HOP
"""Frames in an analysis window, 23 ms: half the delay of the usual 2048."""

FLOOR_DB = -120.0
"""Level of digital silence, dBFS."""

NOISE_DBFS = -90.0
"""Level of the fixed noise that lies under every hop.

Without it, the logarithm in the MFCC makes of silence −264 and of a quiet sine numbers that
hang on rounding; with it, silence is one definite spectrum.
"""

_ONSET_HOP = 256
_ONSET_WINDOW = 512
# Energy finds the kick drums that others miss; complex finds notes and snares. At these
# thresholds a steady chord and noise fire neither, and each attack fires within 20 ms.
_ONSET_THRESHOLDS = {"energy": 1.0, "complex": 0.3}
_ONSET_GAP_S = 0.06
_DC_CORNER_HZ = 20.0


@dataclass(frozen=True)
class Features:
    """What one hop sounds like.

    mfcc: shape (13,), float32; c0 is √40 times the mean log10 of the mel bands.
    rms_db: level of the hop without its DC, dBFS, at least −120.
    onset: whether a note or a beat began in this hop.
    """

    mfcc: NDArray[np.float32]
    rms_db: float
    onset: bool


class Mfcc:
    """MFCCs of overlapping windows, hop by hop."""

    def __init__(self) -> None:
        self._spectrum = aubio.pvoc(WINDOW, HOP)
        self._mfcc = aubio.mfcc(WINDOW, MEL_BANDS, COEFFICIENTS, RATE_HZ)
        self._noise = _noise()

    def next(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next hop, shape (HOP,), finite, −1…1; return its MFCCs, shape (13,)."""
        mfcc: NDArray[np.float32] = self._mfcc(self._spectrum(mono + self._noise))
        return mfcc.copy()  # aubio hands out the same array at every call


class Analyser:
    """Turns hops, in order, into features. Holds the overlap between them."""

    def __init__(self) -> None:
        self._dc_blocker = _dc_blocker()
        self._mfcc = Mfcc()
        self._detectors = [_onset_detector(*one) for one in _ONSET_THRESHOLDS.items()]
        self._since_onset_s = _ONSET_GAP_S

    def analyse(self, pcm: NDArray[np.float32]) -> Features:
        """Analyse the next hop, shape (HOP, 2), float32; bad samples count as silence or clip."""
        mono = scrub(pcm).mean(axis=1, dtype=np.float32)
        mono = self._dc_blocker(mono).copy()
        return Features(self._mfcc.next(mono), level_db(mono), self._onset(mono))

    def _onset(self, mono: NDArray[np.float32]) -> bool:
        """Whether either detector fires; two that fire for one attack count once."""
        fired = False
        for part in mono.reshape(-1, _ONSET_HOP):
            for detector in self._detectors:
                fired |= bool(detector(part)[0])
        self._since_onset_s += HOP_S
        if not fired or self._since_onset_s < _ONSET_GAP_S:
            return False
        self._since_onset_s = 0.0
        return True


def level_db(samples: NDArray[np.float32]) -> float:
    """RMS of ``samples`` in dBFS (a full-scale square wave is 0), at least ``FLOOR_DB``."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(FLOOR_DB, 10.0 * float(np.log10(power))) if power > 0.0 else FLOOR_DB


def _onset_detector(method: str, threshold: float) -> aubio.onset:
    detector = aubio.onset(method, _ONSET_WINDOW, _ONSET_HOP, RATE_HZ)
    detector.set_threshold(threshold)
    detector.set_minioi_s(_ONSET_GAP_S)
    return detector


def _dc_blocker() -> aubio.digital_filter:
    """Second-order Butterworth high-pass (Bristow-Johnson, Audio EQ Cookbook)."""
    omega = 2.0 * np.pi * _DC_CORNER_HZ / RATE_HZ
    alpha = np.sin(omega) / np.sqrt(2.0)
    cosine = np.cos(omega)
    b = np.array([(1.0 + cosine) / 2.0, -(1.0 + cosine), (1.0 + cosine) / 2.0]) / (1.0 + alpha)
    a = np.array([-2.0 * cosine, 1.0 - alpha]) / (1.0 + alpha)
    blocker = aubio.digital_filter(3)
    blocker.set_biquad(*b, *a)
    return blocker


def _noise() -> NDArray[np.float32]:
    """One hop of noise, repeated for ever: shape (HOP,), float32, the same in every run."""
    noise = np.random.Generator(np.random.PCG64(1)).standard_normal(HOP)
    scale = 10.0 ** (NOISE_DBFS / 20.0) / np.sqrt(np.mean(noise**2))
    return np.asarray(noise * scale, dtype=np.float32)
