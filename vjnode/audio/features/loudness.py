"""Loudness by ITU-R BS.1770: power behind a filter that weights frequencies as the ear does."""

import aubio
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import RATE_HZ


class KWeighting:
    """K-weighting of BS.1770-5 annex 1: a shelf for the head, followed by a high-pass.

    The standard gives coefficients for 48 kHz; here the same analogue prototypes are transformed
    for 44.1 kHz (bilinear; constants after Brecht De Man, "Evaluation of implementations of the
    EBU R128 loudness measurement").
    """

    def __init__(self) -> None:
        self._shelf = _shelf(hz=1681.974450955533, gain_db=3.999843853973347, q=0.7071752369554196)
        self._high_pass = _high_pass(hz=38.13547087602444, q=0.5003270373238773)

    def power(self, mono: NDArray[np.float32]) -> float:
        """Return the weighted mean square of the next samples, shape (n,), float32, −1…1.

        Ten times its log10, minus 0.691, is their loudness in LUFS.

        n must be the same at every call.
        """
        weighted = self._high_pass(self._shelf(mono))
        return float(np.dot(weighted, weighted)) / len(weighted)


def _shelf(*, hz: float, gain_db: float, q: float) -> aubio.digital_filter:
    k = np.tan(np.pi * hz / RATE_HZ)
    high = 10.0 ** (gain_db / 20.0)
    band = high**0.4996667741545416
    a0 = 1.0 + k / q + k * k
    b = ((high + band * k / q + k * k), 2.0 * (k * k - high), (high - band * k / q + k * k))
    return _biquad([x / a0 for x in b], [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])


def _high_pass(*, hz: float, q: float) -> aubio.digital_filter:
    k = np.tan(np.pi * hz / RATE_HZ)
    a0 = 1.0 + k / q + k * k
    return _biquad([1.0, -2.0, 1.0], [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0])


def _biquad(b: list[float], a: list[float]) -> aubio.digital_filter:
    biquad = aubio.digital_filter(3)
    biquad.set_biquad(*b, *a)
    return biquad
