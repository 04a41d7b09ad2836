"""Analysis of sound: level, MFCC, onsets, bands and tempo, each on its own stride."""

import math
from dataclasses import dataclass

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.features.agc import AutoGain
from vjnode.audio.features.bands import BandLevels, Bands
from vjnode.audio.features.loudness import KWeighting
from vjnode.audio.features.onset import Onset, OnsetDetector
from vjnode.audio.mixdown import MONO, Mixdown
from vjnode.audio.samples import scrub
from vjnode.audio.sources.base import BLOCK, HOP, RATE_HZ
from vjnode.audio.tempo.tracker import Estimate, TempoTracker

COEFFICIENTS = 13
"""Number of low-order MFCCs that are kept: the spectral envelope that a listener notices."""

MEL_BANDS = 40

BAND_HZ = (20.0, 16_000.0)
"""Range of the mel bands. It includes kick drum and bass, which the usual 133 Hz leaves out."""

WINDOW = 2 * HOP
"""Frames in an analysis window, 23 ms: half the delay of the usual 2048."""

FLOOR_DB = -120.0
"""Level of digital silence, dBFS."""

NOISE_DBFS = -90.0
"""Level of the fixed noise that is added to every hop.

Without it, the logarithm in the MFCC turns silence into −264 and a quiet sine into numbers that
depend on rounding; with it, silence is one definite spectrum.
"""

_DC_CORNER_HZ = 20.0


@dataclass(frozen=True)
class Features:
    """The features of one block of sound.

    mfcc: shape (13,), float32, after automatic gain; c0 is √40 times the mean log10 of the mel
        bands. None between two hops: there are new ones at every second block.
    rms_db: level of the newest hop without its DC, dBFS, at least −120.
    gain_db: automatic gain in force.
    onset: the attack found in this block, if any.
    bands: envelopes.
    estimate: new estimate of the tempo tracker, if any.
    """

    mfcc: NDArray[np.float32] | None
    rms_db: float
    gain_db: float
    onset: Onset | None
    bands: BandLevels
    estimate: Estimate | None


class Mfcc:
    """MFCCs of overlapping windows, hop by hop."""

    def __init__(self) -> None:
        self._spectrum = aubio.pvoc(WINDOW, HOP)
        self._mfcc = aubio.mfcc(WINDOW, MEL_BANDS, COEFFICIENTS, RATE_HZ)
        self._mfcc.set_mel_coeffs(*BAND_HZ)
        self._noise = _noise()

    def next(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the MFCCs, shape (13,), of the next hop, shape (HOP,), finite, −1…1."""
        mfcc: NDArray[np.float32] = self._mfcc(self._spectrum(mono + self._noise))
        return mfcc.copy()  # aubio hands out the same array at every call


class Analyser:
    """Turns blocks, in order, into features. Holds the overlap between them.

    Automatic gain is applied for the MFCCs only; the other features do not depend on level, and
    would take a moving gain for an attack.
    """

    def __init__(self) -> None:
        self.agc = "on"
        """Mode of the automatic gain, ``on``, ``freeze`` or ``off``."""
        self.auto_gain = AutoGain()
        self._mixdown = Mixdown(MONO, RATE_HZ)
        self._dc_blocker = _dc_blocker()
        self._mfcc = Mfcc()
        self._loudness = KWeighting()
        self._onsets = OnsetDetector()
        self._bands = Bands()
        self._tempo = TempoTracker()
        self._hop: list[NDArray[np.float32]] = []
        self._rms_db = FLOOR_DB

    def analyse(
        self, pcm: NDArray[np.float32], mixdown_gain: NDArray[np.float32] | None = None
    ) -> Features:
        """Analyse the next block; bad samples are replaced as in ``scrub``.

        pcm: shape (BLOCK, 2), float32.
        mixdown_gain: of a ``Block``, shape (BLOCK,).
        """
        mono = self._mixdown.mix(scrub(pcm))[:, 0]
        if mixdown_gain is not None:
            mono = np.clip(mono * mixdown_gain, -1.0, 1.0)
        mono = self._dc_blocker(mono).copy()
        self._hop.append(mono)
        mfcc = None
        if len(self._hop) * BLOCK == HOP:
            mfcc = self._analyse_hop(np.concatenate(self._hop))
            self._hop.clear()
        onsets = self._onsets.push(mono)
        return Features(
            mfcc=mfcc,
            rms_db=self._rms_db,
            gain_db=self.auto_gain.gain_db,
            onset=onsets[-1] if onsets else None,
            bands=self._bands.push(mono),
            estimate=self._tempo.push(mono),
        )

    def _analyse_hop(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        self._rms_db = level_db(mono)
        gain_db = self.auto_gain.step(self._loudness.power(mono), mode=self.agc)
        loud = np.clip(mono * np.float32(10.0 ** (gain_db / 20.0)), -1.0, 1.0)
        return self._mfcc.next(loud)


def level_db(samples: NDArray[np.float32]) -> float:
    """Return the RMS of ``samples``, dBFS (a full-scale square wave is 0), ≥ ``FLOOR_DB``."""
    power = float(samples @ samples) / len(samples)
    return max(FLOOR_DB, 10.0 * math.log10(power)) if power > 0.0 else FLOOR_DB


def _dc_blocker() -> aubio.digital_filter:
    """Return a second-order Butterworth high-pass (Bristow-Johnson, Audio EQ Cookbook)."""
    omega = 2.0 * np.pi * _DC_CORNER_HZ / RATE_HZ
    alpha = np.sin(omega) / np.sqrt(2.0)
    cosine = np.cos(omega)
    b = np.array([(1.0 + cosine) / 2.0, -(1.0 + cosine), (1.0 + cosine) / 2.0]) / (1.0 + alpha)
    a = np.array([-2.0 * cosine, 1.0 - alpha]) / (1.0 + alpha)
    blocker = aubio.digital_filter(3)
    blocker.set_biquad(*b, *a)
    return blocker


def _noise() -> NDArray[np.float32]:
    """Return the noise added to every hop: shape (HOP,), float32, the same in every run."""
    noise = np.random.Generator(np.random.PCG64(1)).standard_normal(HOP)
    scale = 10.0 ** (NOISE_DBFS / 20.0) / np.sqrt(np.mean(noise**2))
    return np.asarray(noise * scale, dtype=np.float32)
