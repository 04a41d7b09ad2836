"""Measure the weight on real music: its relation to loudness, input level and density."""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from tools.bench.heard import Row, Sound, hear, many, momentary
from tools.data import drums, music
from vjnode.audio.sources.base import RATE_HZ
from vjnode.modulation.drive import Drive
from vjnode.paths import shipped

USUAL_LUFS = -20.0
PASSAGE_S = 10.0
BEFORE_S = 20.0


def tracks(held_out: list[Path], seconds: float) -> list[Row]:
    """Return rows on the weight's relation to the loudness of tracks, also at other levels."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(partial(_track, seconds=seconds), held_out))
    print(f"{'track':32}{'rank corr.':>11}{'spread':>9}{'−30 dB':>9}{'+10 dB':>9}{'peer':>9}")
    for path, row in zip(held_out, found, strict=True):
        print(f"{path.stem[:30]:32}" + "".join(f"{x:>9.3f}" for x in (*row[:1], *row[1:])))
    ranks, spread, soft, hot, _ = np.array(found).T
    middle = float(np.median(ranks))
    return [
        Row("held-out tracks", len(found), ">=", 20),
        *many("rank corr. with loudness, 1 s: median", middle, ">=", 0.75, of=len(found)),
        Row("rank corr. with loudness, 1 s: worst track", float(ranks.min()), ">=", 0.4),
        Row("5–95 percentile spread: median", float(np.median(spread)), ">=", 0.5),
        Row("5–95 percentile spread: worst track", float(spread.min()), ">=", 0.5),
        Row("−30 dB: correlation, median", float(np.median(soft)), ">=", 0.95),
        Row("−30 dB: correlation, worst track", float(soft.min()), ">=", 0.95),
        Row("+10 dB, limited: correlation, median", float(np.median(hot)), ">=", 0.95),
        Row("+10 dB, limited: correlation, worst track", float(hot.min()), ">=", 0.95),
    ]


def _track(path: Path, *, seconds: float) -> tuple[float, ...]:
    mono = music.mono(path)[: round(seconds * RATE_HZ)]
    plain = hear(mono)
    loudness = momentary(mono)
    count = min(int(plain.t_s[-1]), len(loudness) // 10)
    means = np.array([plain.between(i, i + 1).mean() for i in range(count)])
    # A momentary value covers the 0.4 s before it, so these lie within the second.
    loud = np.array([loudness[i * 10 + 3 : i * 10 + 10].mean() for i in range(count)])
    low, high = np.percentile(plain.weight, (5, 95))
    others = [
        np.corrcoef(hear(other).between(10.0, 1e9), plain.between(10.0, 1e9))[0, 1]
        for other in (mono * np.float32(10**-1.5), np.clip(mono * np.float32(10**0.5), -1, 1))
    ]
    # For comparison, a level meter, which shows the softer copy at the bottom of its range.
    level = _meter(plain.drives)
    rank = float(spearmanr(means, loud).statistic)
    return (
        rank,
        float(high - low),
        *map(float, others),
        float(np.ptp(np.percentile(level, (5, 95)))),
    )


def _meter(drives: list[Drive]) -> NDArray[np.float64]:
    """Return the values of a level meter, the peer: −60…0 dBFS as 0…1."""
    return np.clip(np.array([drive.rms_db for drive in drives]) / 60.0 + 1.0, 0.0, 1.0)


def density(held_out: list[Path], seconds: float, made: int) -> list[Row]:
    """Return rows on percussive passages against pads, all at the same loudness.

    made: number of passages of each kind that are made, beside those found in music.
    """
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(partial(_passages, seconds=seconds), held_out)
        passages = sorted((p for part in parts for p in part), key=lambda p: p[0])
        few = max(3, len(passages) // 8)
        ours, meter = [], []
        for group in (passages[:few], passages[-few:]):
            found = list(pool.map(_weigh, [sound for _, sound in group]))
            ours.append(np.array([w for w, _ in found]))
            meter.append(np.array([m for _, m in found]))
        synthetic = [
            list(pool.map(_weigh, [_at_usual_level(s) for s in sounds]))
            for sounds in (
                [drums.pad(PASSAGE_S, seed=i).astype(np.float32) for i in range(made)],
                [_dense(i) for i in range(made)],
            )
        ]
    weights = [np.array([w for w, _ in group]) for group in synthetic]
    return [
        Row(f"{few}×{few} real passages: dense above pads", _above(*ours), ">=", 0.8),
        Row("  a level meter on the same", _above(*meter), "<=", 1.0),
        Row(f"{made}×{made} made passages: dense above pads", _above(*weights), ">=", 0.8),
    ]


def _above(calm: NDArray[np.float64], dense: NDArray[np.float64]) -> float:
    return float((dense[:, None] > calm).mean())


def _dense(seed: int) -> Sound:
    pattern = ("funk", "breaks", "rock", "house")[seed % 4]
    hits = drums.beat(pattern, 110.0 + 8 * seed, PASSAGE_S, loose_db=6.0)
    return drums.render(hits, PASSAGE_S, kit=seed)[0][: round(PASSAGE_S * RATE_HZ)]


def _passages(path: Path, *, seconds: float) -> list[tuple[float, Sound]]:
    """Return passages of a track at the usual loudness, each with its share of percussion.

    Percussive sound is broad in frequency and short in time (D. Fitzgerald, "Harmonic/percussive
    separation using median filtering", DAFx 2010).
    """
    mono = music.mono(path)[: round(seconds * RATE_HZ)]
    length = round(PASSAGE_S * RATE_HZ)
    found = []
    for start in range(0, len(mono) - length, length):
        sound = mono[start : start + length]
        if momentary(sound).max() < -45.0:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(sound, 1024)[::512]
        spectrum = np.abs(np.fft.rfft(frames * np.hanning(1024), axis=1))[:, 1:256]
        along_time = median_filter(spectrum, (17, 1)) ** 2
        along_frequency = median_filter(spectrum, (1, 17)) ** 2
        mask = along_frequency / (along_time + along_frequency + 1e-12)
        part = float((mask * spectrum**2).sum() / (spectrum**2).sum())
        found.append((part, _at_usual_level(sound)))
    return found


def _at_usual_level(sound: Sound) -> Sound:
    """Return ``sound`` at the usual loudness, by the mean power of its momentary loudness."""
    loudness = 10.0 * np.log10(np.mean(10.0 ** (momentary(sound)[4:] / 10.0)))
    usual: Sound = (sound * 10.0 ** ((USUAL_LUFS - loudness) / 20.0)).astype(np.float32)
    return usual


def _weigh(sound: Sound) -> tuple[float, float]:
    """Return the mean weight, and the mean of a level meter, after the start of the passage.

    It is analysed as in a show: after other music, to which automatic gain and range have adapted.
    """
    before = _before()
    found = hear(np.clip(np.concatenate([before, sound]), -1.0, 1.0))
    begun_s = len(before) / RATE_HZ + 1.5
    level = _meter([drive for drive in found.drives if drive.captured_s >= begun_s])
    return float(found.between(begun_s, 1e9).mean()), float(level.mean())


@cache
def _before() -> Sound:
    return _at_usual_level(music.mono(shipped("demo", "demo.ogg"))[: round(BEFORE_S * RATE_HZ)])
