"""Tracker that finds tempo and beats of the last seconds of sound, four times a second."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.tempo.novelty import BATCH, FRAME_S, LOW, MID, AccentCurve
from vjnode.audio.tempo.pulse import Pulse, pulses

FRAMES = 1536
"""Length of the past that is analysed: 8.9 s, more than two bars at 60 bpm."""

RECENT_S = 5.0
"""Age at which sound counts 1/e, so that a new tempo takes over in time."""

LEAST_S = 2.5
"""Length of sound that must have been heard before the first estimate."""

EVERY = 5 * BATCH
"""Chunks between estimates: 0.23 s."""

DELAY_S = 0.014
"""Delay from an attack to the middle of its accent: half a window and the rise; from drums."""

SLOWEST_BPM, FASTEST_BPM = 50.0, 215.0

_GRID = 0.004
_CANDIDATES = 10
_TRANSFORM = 4096
_MULTIPLES = 6
_LONGEST_LAG = 1024
_SMOOTH = 2.0
_MIX = np.array([1.0, 1.0, 0.5])
_STAY = 1.0
_LATELY = 344  # frames, 2 s


@dataclass(frozen=True)
class Estimate:
    """Estimate of tempo and beats.

    bpm: tempo, beats per minute.
    beat_s: time of the latest beat, s since the beginning of the sound.
    heard_s: length of the sound heard so far, s.
    confidence: 0…1; noise, silence and chords without attacks stay below 0.3.
    """

    bpm: float
    beat_s: float
    heard_s: float
    confidence: float


class TempoTracker:
    """Tracks the tempo of mono sound at 44.1 kHz, in chunks of 256 samples.

    The tempo is the period at which the accents resemble themselves (autocorrelation summed
    over multiples, as in Davies and Plumbley 2007); ``pulses`` scores its multiples.
    """

    def __init__(self) -> None:
        self._accents = AccentCurve()
        self._curve = np.zeros((FRAMES, 3))
        self._frames = 0
        self._recency = np.exp((np.arange(FRAMES) - FRAMES + 1.0) * FRAME_S / RECENT_S)
        # For each lag, the summed weight of the frames at which it can be measured.
        before = np.concatenate([[0.0], np.cumsum(self._recency)[:-1]])
        self._overlap = self._recency.sum() - before
        fastest, slowest = 60.0 / FRAME_S / FASTEST_BPM, 60.0 / FRAME_S / SLOWEST_BPM
        self._grid = np.exp(np.arange(np.log(fastest), np.log(slowest), _GRID))
        reach = np.arange(-6, 7) / _SMOOTH
        self._kernel = np.exp(-0.5 * reach**2) / np.exp(-0.5 * reach**2).sum()
        self._last: Pulse | None = None
        self._last_frames = 0

    def push(self, mono: NDArray[np.float32]) -> Estimate | None:
        """Add the next chunk, shape (256,), float32, finite, −1…1.

        Returns: an estimate after every 40th chunk if the last seconds had any accent, else None.
        """
        batch = self._accents.push(mono)
        if batch is None:
            return None
        self._curve[:-BATCH] = self._curve[BATCH:]
        self._curve[-BATCH:] = batch
        self._frames += BATCH
        if self._frames % EVERY or self._frames * FRAME_S < LEAST_S:
            return None
        return self._estimate()

    def _estimate(self) -> Estimate | None:
        curve = np.stack(
            [np.convolve(column, self._kernel, "same") for column in self._curve.T], axis=1
        )
        similarity = self._similarity(curve @ _MIX)
        if similarity is None:
            return None
        periods, regularity = self._periods(similarity)
        if not len(periods):
            return None
        found = pulses(curve, self._recency, periods, regularity)
        if not found:
            return None
        best = max(found, key=lambda pulse: pulse.score + self._continuity_bonus(pulse))
        best = self._sharpen(curve, best)
        self._last, self._last_frames = best, self._frames
        heard_s = self._frames * FRAME_S
        return Estimate(
            bpm=60.0 / FRAME_S / best.period,
            beat_s=heard_s - best.age * FRAME_S - DELAY_S,
            heard_s=heard_s,
            confidence=self._confidence(curve, best),
        )

    def _confidence(self, curve: NDArray[np.float64], pulse: Pulse) -> float:
        """Return the confidence, 0…1.

        It is high if accents repeat, are struck rather than swelling, fall on the beat, and have
        done so for long and recently.
        """
        accent = curve[:, LOW] + curve[:, MID]
        struck = _deviation(accent, self._recency)
        lately = _deviation(accent[-_LATELY:], self._recency[-_LATELY:])
        begun = int(np.argmax(accent > 0.0))
        factors = (
            pulse.regularity / 0.35,
            pulse.contrast - 1.2,
            (struck - 0.03) / 0.04,
            2.0 * lately / max(struck, 1e-9),
            (FRAMES - begun) * FRAME_S / 5.0,
        )
        return math.prod(min(1.0, max(0.0, factor)) for factor in factors)

    def _continuity_bonus(self, pulse: Pulse) -> float:
        """Return the bonus of a pulse that continues the last one."""
        if self._last is None or abs(np.log(pulse.period / self._last.period)) > 0.03:
            return 0.0
        return _STAY

    def _similarity(self, accent: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the autocorrelation for lags 0…FRAMES−1, 1 at lag 0; None without accents."""
        centred = accent - (accent @ self._recency) / self._recency.sum()
        recent = np.fft.rfft(centred * self._recency, _TRANSFORM)
        product = np.fft.irfft(recent * np.fft.rfft(centred, _TRANSFORM).conj(), _TRANSFORM)
        similarity: NDArray[np.float64] = product[:FRAMES] / self._overlap
        return similarity / similarity[0] if similarity[0] > 1e-9 else None

    def _periods(
        self, similarity: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the likeliest periods, in frames, and their regularity, −1…1."""
        comb = _comb(similarity, self._grid, _MULTIPLES)
        inner = comb[1:-1]
        peaks = 1 + np.flatnonzero((inner >= comb[:-2]) & (inner > comb[2:]))
        peaks = peaks[np.argsort(-comb[peaks])][:_CANDIDATES]
        near = self._grid[peaks, None] * (1.0 + np.linspace(-0.006, 0.006, 13))
        fine = _comb(similarity, near.ravel(), 10).reshape(near.shape)
        return near[np.arange(len(peaks)), fine.argmax(axis=1)], comb[peaks]

    def _sharpen(self, curve: NDArray[np.float64], pulse: Pulse) -> Pulse:
        """Return the pulse with period and age to a millisecond, by a line through its accents."""
        accent = curve @ np.array([1.0, 1.0, 0.2])
        reach = int(min(0.06 / FRAME_S, pulse.period / 8.0))
        around = np.arange(-reach, reach + 1)
        beats = np.arange(int((FRAMES - 2 * reach - pulse.age) / pulse.period))
        period, age = pulse.period, pulse.age
        for _ in range(2):
            middle = FRAMES - 1 - np.round(age + beats * period).astype(np.intp)
            frames = np.clip(middle[:, None] + around, 0, FRAMES - 1)
            near = accent[frames]
            near = np.maximum(0.0, near - 0.3 * near.max(axis=1, keepdims=True))
            mass = near.sum(axis=1)
            struck = mass > 1e-6
            weight = mass[struck] * self._recency[np.clip(middle[struck], 0, FRAMES - 1)]
            if struck.sum() < 3:
                return pulse
            seen = FRAMES - 1 - (near * frames).sum(axis=1)[struck] / mass[struck]
            period, age = _line(beats[struck], seen, weight)
        if abs(period / pulse.period - 1.0) > 0.02 or abs(age - pulse.age) > 2.0 * reach:
            return pulse
        return replace(pulse, period=period, age=age % period)


def _line(
    x: NDArray[np.intp], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Return slope and intercept of the weighted least-squares line."""
    weight = weight / weight.sum()
    x0, y0 = x @ weight, y @ weight
    slope = ((x - x0) * (y - y0)) @ weight / max(float((x - x0) ** 2 @ weight), 1e-9)
    return float(slope), float(y0 - slope * x0)


def _deviation(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """Return the weighted standard deviation."""
    weights = weights / weights.sum()
    return float(np.sqrt((values - values @ weights) ** 2 @ weights))


def _comb(
    similarity: NDArray[np.float64], periods: NDArray[np.float64], multiples: int
) -> NDArray[np.float64]:
    """Return the mean similarity at the first multiples of each period, as far as heard."""
    lag = periods[:, None] * np.arange(1, multiples + 1)
    heard = lag < _LONGEST_LAG
    whole = np.where(heard, lag, 0.0).astype(np.intp)
    part = lag - whole
    value = similarity[whole] * (1.0 - part) + similarity[whole + 1] * part
    return np.asarray((value * heard).sum(axis=1) / heard.sum(axis=1))
