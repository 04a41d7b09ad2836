"""Which of several possible pulses a listener would tap, and where its beats are.

A groove repeats after a half-beat, a beat, two beats and a bar, so that its period alone says
little. What tells is which kind of drum falls where: kicks and snares on beats, hats between.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.accent import FRAME_S, HIGH, LOW, MID

BINS = 24
"""Steps that a beat is folded into; halves, thirds, quarters and sixths fall on whole ones."""

_PHASES = 4
_FAINT = 0.25

# Logit per unit of each feature; fitted by softmax regression on random grooves, drum machines
# and sampled kits, with the true beat among about 35 candidates.
_WEIGHTS = {
    "low on the beat": 4.84,
    "low on halves": 2.83,
    "low on quarters": -6.49,
    "low on thirds": -7.63,
    "low on sixths": -4.88,
    "low anywhere": -9.84,
    "mid on the beat": 18.21,
    "mid on halves": -6.76,
    "mid on quarters": -3.37,
    "mid on thirds": -11.36,
    "mid on sixths": 0.83,
    "mid anywhere": -17.36,
    "high on the beat": 0.44,
    "high on halves": 1.94,
    "high on quarters": -2.61,
    "high on thirds": 1.90,
    "high on sixths": -4.73,
    "high anywhere": -6.32,
    "weaker beat": -3.81,
    "weakest half": -0.73,
    "kick, snare": 39.69,
    "kick, snare in one beat": 39.11,
    "snare, kick in one beat": -12.01,
    "regularity": 1.66,
    "octaves": -2.19,
    "octaves²": -0.99,
    "too fast": -41.97,
    "too slow": -11.15,
}


@dataclass(frozen=True)
class Pulse:
    """A possible beat.

    period: frames.
    age: frames from its last beat to the newest frame.
    score: logit of its being the right one.
    regularity: how well its multiples fit, −1…1.
    contrast: how much stronger accents are on its beats than on average, at least 0.
    """

    period: float
    age: float
    score: float
    regularity: float
    contrast: float


def pulses(
    curve: NDArray[np.float64],
    recency: NDArray[np.float64],
    periods: NDArray[np.float64],
    regularity: NDArray[np.float64],
) -> list[Pulse]:
    """Score every likely phase of every period.

    Args:
        curve: smoothed accents, shape (frames, 3), the newest last.
        recency: weight of each frame, shape (frames,).
        periods: in frames, shape (n,).
        regularity: of each period, −1…1, shape (n,).

    Returns them in no order.
    """
    profiles = _fold(curve, recency, periods)
    which, phase = _peaks(profiles)
    steps = (np.arange(2 * BINS) + phase[:, None]) % (2 * BINS)
    turned = np.take_along_axis(profiles[which], steps[:, None, :], axis=2)
    score = _score(turned, periods[which], regularity[which])
    age = (-(phase + 0.5) / BINS) % 1.0 * periods[which]
    accent = turned[:, LOW] + turned[:, MID]
    contrast = 0.5 * (accent[:, 0] + accent[:, BINS]) / np.maximum(accent.mean(axis=1), 1e-9)
    columns = np.stack([periods[which], age, score, regularity[which], contrast], axis=1)
    return [Pulse(*row) for row in columns.tolist()]


def _fold(
    curve: NDArray[np.float64], recency: NDArray[np.float64], periods: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average the curve over pairs of beats, shape (n, 3, 2·BINS); step 0 is the newest frame."""
    age = np.arange(len(curve))[::-1]
    width = 2 * BINS
    step = ((-BINS * age / periods[:, None]) % width).astype(np.intp) % width
    step += width * np.arange(len(periods))[:, None]
    size = width * len(periods)
    weighted = curve * recency[:, None]

    def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
        tiled = np.broadcast_to(values, step.shape).ravel()
        sums = np.bincount(step.ravel(), tiled, size).reshape(-1, width)
        return np.asarray(sums + 0.5 * (np.roll(sums, 1, 1) + np.roll(sums, -1, 1)))

    count = np.maximum(spread(recency), 1e-9)
    return np.stack([spread(weighted[:, group]) / count for group in (LOW, MID, HIGH)], axis=1)


def _peaks(profiles: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return indices of profiles and the steps in the beat where something is struck."""
    struck = profiles[:, LOW] + profiles[:, MID] + 0.3 * profiles[:, HIGH]
    beat = struck[:, :BINS] + struck[:, BINS:]
    peak = (beat >= np.roll(beat, 1, 1)) & (beat > np.roll(beat, -1, 1))
    beat = np.where(peak & (beat > _FAINT * beat.max(axis=1, keepdims=True)), beat, -1.0)
    strongest = np.argsort(-beat, axis=1)[:, :_PHASES]
    which, rank = np.nonzero(np.take_along_axis(beat, strongest, axis=1) > 0.0)
    return which, strongest[which, rank]


def _score(
    profiles: NDArray[np.float64], periods: NDArray[np.float64], regularity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return logits, shape (n,), of profiles that begin with a beat, shape (n, 3, 2·BINS)."""
    accent = profiles[:, LOW] + profiles[:, MID]
    top = np.maximum(np.maximum(accent.max(1), 0.3 * profiles[:, HIGH].max(1)), 1e-6)
    low, mid, accent = (
        profiles[:, LOW] / top[:, None],
        profiles[:, MID] / top[:, None],
        accent / top[:, None],
    )
    high_top = np.maximum(profiles[:, HIGH].max(1), 0.3 * top)
    high = profiles[:, HIGH] / high_top[:, None]
    half = BINS // 2

    def at(values: NDArray[np.float64], step: int) -> NDArray[np.float64]:
        width = 2 * BINS
        return np.asarray(0.5 * (values[:, step % width] + values[:, (step + BINS) % width]))

    octaves = np.log2(60.0 / FRAME_S / periods / 120.0)
    features = {
        "regularity": regularity,
        "octaves": octaves,
        "octaves²": octaves**2,
        "too fast": np.maximum(0.0, 60.0 / FRAME_S / periods / 180.0 - 1.0),
        "too slow": np.maximum(0.0, 70.0 / (60.0 / FRAME_S / periods) - 1.0),
        "weaker beat": np.minimum(accent[:, 0], accent[:, BINS]),
        "weakest half": accent[:, ::half].min(axis=1),
        "kick, snare": np.maximum(0.0, (low[:, 0] - low[:, BINS]) * (mid[:, BINS] - mid[:, 0])),
    }
    on, off = at(low, 0) - at(low, half), at(mid, half) - at(mid, 0)
    features["kick, snare in one beat"] = np.maximum(0.0, on * off)
    features["snare, kick in one beat"] = np.maximum(0.0, -on) * np.maximum(0.0, -off)
    for name, values in (("low", low), ("mid", mid), ("high", high)):
        features[f"{name} on the beat"] = at(values, 0)
        features[f"{name} on halves"] = at(values, half)
        features[f"{name} on quarters"] = 0.5 * (at(values, half // 2) + at(values, -half // 2))
        features[f"{name} on thirds"] = 0.5 * (at(values, BINS // 3) + at(values, -BINS // 3))
        features[f"{name} on sixths"] = 0.5 * (at(values, BINS // 6) + at(values, -BINS // 6))
        features[f"{name} anywhere"] = values.mean(axis=1)
    logit: NDArray[np.float64] = sum(
        (weight * features[name] for name, weight in _WEIGHTS.items()),
        start=np.zeros(len(periods)),
    )
    return logit
