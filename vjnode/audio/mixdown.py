"""Mixdown of channels that keeps the sound of every channel audible."""

import math

import numpy as np
from numpy.typing import NDArray

MONO = np.full((2, 1), 0.5, np.float32)
"""Weights that mix two channels to one."""

AVERAGE_S = 0.7
"""Time constant of the averaged powers, s; at first they are the mean of all sound so far."""

BRIGHTER = np.float32(0.95)
"""Pre-emphasis before powers are measured: loudness depends neither on bass alone nor on DC."""

LOOK_S = 0.02
"""Time between two decisions on signs and gain."""

FADE_S = 0.1
"""Time constant with which a change fades in: a jump would sound like an attack."""

INVERTED = 2.5
"""Ratio of powers above which a channel's sign is inverted: the power of the sum with it
inverted, over that without. In wide stereo the difference seldom exceeds the sum by that much."""

USUAL_LOSS_DB, REAL_LOSS_DB = 0.5, 3.0
"""Losses of the sum against the loudest channel, dB. Up to the first the sum stays as it is, as
with most stereo; from the second on the whole loss is compensated. Between them the gain rises
hardly faster than the loss, so that music whose width changes keeps its level. Two channels that
have nothing in common lose 3 dB, sound on one side of two loses 6."""

MOST_GAIN_DB = 24.0

_SILENCE = 1e-9
"""Mean square, about −80 dBFS after pre-emphasis, below which nothing is learned."""

_SOFT, _SOFT_S = 1e-3, 20.0
"""Part of the loudest power, −30 dB, below which a passage counts as the noise of a pause, which
does not tell how cables are wired; and the time constant with which the loudest power decays, s."""

_SETTLED = 1e-3
"""Relative difference from the wanted value at which a fade ends: 0.01 dB."""


class Mixdown:
    """Mixes channels by fixed weights, and corrects for sound that the sum would lose.

    A channel that cancels others in the sum, such as the second half of a balanced line, is
    added with the opposite sign. If the sum is still much softer than the loudest channel,
    because the others are silent or the rest cancels, it needs gain to be as loud as that. In
    all other cases the mix is the weighted sum itself, bit for bit. Inverting a sign keeps all of
    both channels, which using the louder one alone would not. The gain is for analysis only: in
    audible sound it would pump and clip.

    Args:
        weights: weight of each channel in each output, shape (channels, outputs); the greatest
            power that an output can have should be that of the loudest channel.
        rate_hz: sample rate.
    """

    def __init__(self, weights: NDArray[np.float32], rate_hz: int) -> None:
        self._weights = weights
        self._rate_hz = rate_hz
        channels = len(weights)
        self._last = np.zeros((1, channels), np.float32)
        self._products = np.zeros((channels, channels), np.float32)
        self._count = 0
        self._covariance = np.zeros((channels, channels), np.float32)
        self._heard = 0
        self._loudest = 0.0
        self._signs = np.ones(channels, np.float32)
        # The sign of each channel, followed by the gain.
        self._wanted = self._factors = np.ones(channels + 1, np.float32)
        self._settled = weights

    def mix(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mix of the next samples with its gain, for analysis.

        pcm: shape (n, channels), float32, finite, −1…1.
        Returns: shape (n, outputs), float32, clipped to −1…1.
        """
        mixed, gain = self.mix_plain(pcm)
        return np.asarray(np.clip(mixed * gain, -1.0, 1.0), dtype=np.float32)

    def mix_plain(
        self, pcm: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mix of the next samples for listening, and the gain that analysis needs.

        pcm: shape (n, channels), float32, finite, −1…1.
        Returns: the mix, shape (n, outputs), float32, −1…1 but for rounding; the gain, shape
            (n, 1), float32, from 1 to ``MOST_GAIN_DB``.
        """
        count = len(pcm)
        if count:
            self._learn(pcm)
        if self._factors is self._wanted:
            return pcm @ self._settled, np.full((count, 1), self._wanted[-1])
        before, self._factors = self._factors, self._factors_after(count)
        way = np.arange(1, count + 1, dtype=np.float32)[:, None] / np.float32(max(count, 1))
        factors = np.asarray(before + way * (self._factors - before), dtype=np.float32)
        mixed = np.asarray((pcm * factors[:, :-1]) @ self._weights, dtype=np.float32)
        return mixed, factors[:, -1:]

    def _factors_after(self, count: int) -> NDArray[np.float32]:
        """Return the factors ``count`` frames later in the fade to the wanted ones."""
        left = math.exp(-count / (FADE_S * self._rate_hz))
        factors = self._wanted + np.float32(left) * (self._factors - self._wanted)
        settled = np.abs(factors - self._wanted).max() < _SETTLED * np.abs(self._wanted).max()
        return self._wanted if settled else factors

    def _learn(self, pcm: NDArray[np.float32]) -> None:
        """Update the averaged powers and correlations of the channels."""
        bright = np.concatenate([self._last, pcm[:-1]])
        bright *= -BRIGHTER
        bright += pcm
        self._last = pcm[-1:].copy()
        self._products += bright.T @ bright
        self._count += len(pcm)
        if self._count < LOOK_S * self._rate_hz and self._heard:
            return
        count, products = self._count, self._products
        self._count, self._products = 0, np.zeros_like(products)
        power = float(products.trace()) / count
        self._loudest = max(self._loudest * math.exp(-count / (_SOFT_S * self._rate_hz)), power)
        if power < max(_SILENCE, self._loudest * _SOFT):
            return
        begins = not self._heard
        self._heard += count
        new = max(-math.expm1(-count / (AVERAGE_S * self._rate_hz)), count / self._heard)
        self._covariance += np.float32(new) * (products / np.float32(count) - self._covariance)
        self._signs = self._signs_without_cancelling(self._covariance)
        wanted = np.append(self._signs, self._gain(self._covariance))
        if (wanted != self._wanted).any():
            self._wanted = wanted
            self._settled = self._signs[:, None] * self._weights
        if begins:
            self._factors = self._wanted

    def _signs_without_cancelling(self, covariance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the signs with which no channel cancels others."""
        signs = self._signs
        for _ in signs:
            signed = signs[:, None] * self._weights
            together = signed * (covariance @ signed)
            total = together.sum()
            alone = np.square(signed) * covariance.diagonal()[:, None]
            turned = total + 4.0 * (alone - together).sum(axis=1)
            better = turned - np.where(signs > 0.0, INVERTED * total, total)
            better[0] = 0.0  # the sign of the whole mix does not matter
            most = int(better.argmax())
            if better[most] <= 1e-6 * alone.sum():
                break
            signs = np.where(np.arange(len(better)) == most, -signs, signs)
        return signs

    def _gain(self, covariance: NDArray[np.float32]) -> np.float32:
        """Return the factor that makes the loudest output, with the present signs, loud enough."""
        signed = self._signs[:, None] * self._weights
        mixed = float((signed * (covariance @ signed)).sum(axis=0).max())
        loudest = float(covariance.diagonal().max())
        return np.float32(10.0 ** (_compensation_db(_db(loudest) - _db(mixed)) / 20.0))


def _compensation_db(loss_db: float) -> float:
    """Return the gain, dB, that compensates for a loss, or for a part of it."""
    if loss_db <= USUAL_LOSS_DB:
        return 0.0
    part = min(1.0, (loss_db - USUAL_LOSS_DB) / (REAL_LOSS_DB - USUAL_LOSS_DB))
    return min(part * REAL_LOSS_DB + max(0.0, loss_db - REAL_LOSS_DB), MOST_GAIN_DB)


def _db(power: float) -> float:
    return 10.0 * math.log10(max(power, 1e-12))
