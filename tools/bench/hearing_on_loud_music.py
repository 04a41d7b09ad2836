"""Measure the weight's movement in loud music, track by track and through an hour of it.

The tracks are dense and loud, five minutes and longer, and from a soundtrack that was not used in
training. A viewer wants to see the intensity of the music, and the face moving with it, in the
first minute as in the sixtieth: so the weight must neither stay at the top nor stand still.
"""

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from tools.bench.heard import FPS, Heard, Row, Sound, hear, many, momentary
from tools.data import music
from vjnode.audio.sources.base import RATE_HZ
from vjnode.engines.registry import open_engine
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.generators.registry import DEFAULT
from vjnode.render.base import Look
from vjnode.render.open import latents_of
from vjnode.show.factory import stock

SOUNDTRACK = "warzone2100-music"
"""Debian package of the soundtrack; 86 MB to fetch."""

ALBUMS = {
    "legacy_soundtrack": ("15", "6", "14", "13", "12", "16"),
    "aftermath_soundtrack": ("17", "19", "22", "3_enhanced", "21", "18"),
}
"""Twelve loudest tracks of the soundtrack of 4 minutes and more, by album, −16 to −19 LUFS."""

TOP = 0.98
"""Weight from which on the full expression is shown."""
MINUTE, TEN_MINUTES = 60 * FPS, 600 * FPS
DRUMS_HZ = 2.0  # onsets per second in a passage with drums
_BEAT_S = (0.25, 1.2)
WATCHED_S = 20.0
"""Time at the end of each track in which the mouth is measured, when all ranges are learnt."""
WIDE = 0.95


def loud_tracks() -> list[Path]:
    """Fetch the tracks, and return them with the two albums alternating.

    Raises:
        SystemExit: they cannot be fetched.
    """
    albums = music.fetch([SOUNDTRACK]) / SOUNDTRACK / "usr/share/games/warzone2100/music/albums"
    pairs = zip(*ALBUMS.values(), strict=True)
    return [
        albums / album / f"track{name}.opus"
        for names in pairs
        for album, name in zip(ALBUMS, names, strict=True)
    ]


def loud(paths: list[Path], seconds: float) -> list[Row]:
    """Return rows on each loud track from its beginning, as if the show began with it."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(partial(_track, seconds=seconds, mouth=mouth_opening()), paths))
    names = ("at the top", "worst min.", "median", "spread", "fall", "movement", "rank", "mouth")
    print(f"{'loud track':24}" + "".join(f"{name:>12}" for name in names))
    for path, row in zip(paths, found, strict=True):
        print(f"{path.stem:24}" + "".join(f"{x:>12.3f}" for x in row))
    top, minute, median, spread, fall, movement, rank, mouth = np.array(found).T
    middle = float(np.median(rank))
    return [
        Row("loud tracks: at the top, worst track", float(top.max()), "<=", 0.08),
        Row("loud tracks: at the top, worst minute", float(minute.max()), "<=", 0.08),
        Row("loud tracks: median weight, lowest", float(median.min()), ">=", 0.5),
        Row("loud tracks: median weight, highest", float(median.max()), "<=", 0.8),
        Row("loud tracks: 5–95 percentile spread, worst", float(spread.min()), ">=", 0.5),
        Row("loud tracks: mean fall a beat, with drums", float(np.nanmean(fall)), ">=", 0.2),
        Row("loud tracks: movement a second, median", float(np.median(movement)), ">=", 2.0),
        Row("loud tracks: rank corr. with loudness, worst", float(rank.min()), ">=", 0.4),
        *many("loud tracks: rank corr. with loudness, median", middle, ">=", 0.75, of=len(paths)),
        Row("loud tracks: mouth at its widest, worst 20 s", float(mouth.max()), "<=", 0.15),
    ]


def concert(paths: list[Path], seconds: float) -> list[Row]:
    """Return rows on all tracks one after the other, as a set that lasts an hour."""
    sound = np.concatenate([music.mono(path)[: round(seconds * RATE_HZ)] for path in paths])
    heard = hear(sound, keep_drives=False)
    rows = []
    whole = len(heard.weight)
    length = min(TEN_MINUTES, whole // 3)
    print(
        f"{'part of the set':24}{'median':>12}{'at the top':>12}{'movement':>12}{'fall a beat':>12}"
    )
    medians = []
    for name, start in (
        ("first", 0),
        ("middle", (whole - length) // 2),
        ("last", whole - length),
    ):
        part = slice(start, start + length)
        weight = heard.weight[part]
        medians.append(float(np.median(weight)))
        top = float((weight >= TOP).mean())
        moved = movement(weight)
        fallen = float(np.nanmean(falls(heard, part)))
        print(f"{name:24}{medians[-1]:>12.3f}{top:>12.3f}{moved:>12.3f}{fallen:>12.3f}")
        rows += [
            Row(f"set, {name} part: median weight", medians[-1], ">=", 0.5),
            Row(f"set, {name} part: median weight", medians[-1], "<=", 0.8),
            Row(f"set, {name} part: mean fall a beat", fallen, ">=", 0.2),
            Row(f"set, {name} part: movement a second", moved, ">=", 1.6),
        ]
    return [
        *rows,
        Row("set: worst minute at the top", worst_minute(heard.weight), "<=", 0.08),
        Row("set: medians of its parts lie apart by", float(np.ptp(medians)), "<=", 0.15),
    ]


def worst_minute(weight: NDArray[np.float64]) -> float:
    """Return the largest part of any minute in which the weight is at the top."""
    high = np.concatenate([[0.0], np.cumsum(weight >= TOP)])
    length = min(MINUTE, len(weight))
    return float((high[length:] - high[:-length]).max() / length)


def movement(weight: NDArray[np.float64]) -> float:
    """Return the sum of all rises and falls, weight per second."""
    return float(np.abs(np.diff(weight)).sum() * FPS / len(weight))


def falls(heard: Heard, part: slice = slice(None)) -> NDArray[np.float64]:
    """Return the weight's fall after its peak in each beat of passages with drums, shape (beats,).

    The peak is searched in the first two thirds of the beat, the minimum between it and the next.
    """
    weight, beat, onsets = heard.weight[part], heard.beat[part], heard.onsets[part]
    starts = np.flatnonzero(np.diff(beat) < -0.5) + 1
    found = []
    for start, end in pairwise(starts):
        beat_s = (end - start) / FPS
        if not _BEAT_S[0] <= beat_s <= _BEAT_S[1] or np.isnan(beat[start:end]).any():
            continue
        around = slice(max(0, start - 2 * FPS), end + 2 * FPS)
        near = onsets[around]
        if (near[-1] - near[0]) * FPS / len(near) < DRUMS_HZ:
            continue
        levels = weight[start:end]
        peak = int(levels[: max(1, 2 * len(levels) // 3)].argmax())
        found.append(levels[peak] - levels[peak:].min())
    return np.array(found)


def mouth_opening() -> NDArray[np.float64]:
    """Return the gap between the lips, by landmarks, at 33 weights from 0 to 1.

    It is measured on the first face's first expression, with which a show begins.
    """
    names = stock()
    look = Look(names.faces[0], (names.expressions[0],))
    engine, meter, latent = open_engine(256), LandmarkMeter(), latents_of(DEFAULT)
    drawn = [engine.draw(latent(look, (weight,))) for weight in np.linspace(0.0, 1.0, 33)]
    engine.close()
    return np.array([meter.measure(picture).mouth_open for picture in drawn])


def _wide_open(weight: NDArray[np.float64], mouth: NDArray[np.float64]) -> float:
    """Return the part of the time in which the mouth is at 95 % of its widest or more."""
    opening = np.interp(weight, np.linspace(0.0, 1.0, len(mouth)), mouth)
    return float((opening >= WIDE * opening.max()).mean())


def _track(path: Path, *, seconds: float, mouth: NDArray[np.float64]) -> tuple[float, ...]:
    mono: Sound = music.mono(path)[: round(seconds * RATE_HZ)]
    heard = hear(mono, keep_drives=False)
    loudness = momentary(mono)
    count = min(int(heard.t_s[-1]), len(loudness) // 10)
    means = [heard.between(i, i + 1).mean() for i in range(count)]
    # A momentary value covers the 0.4 s before it, so these lie within the second.
    loud_db = [loudness[i * 10 + 3 : i * 10 + 10].mean() for i in range(count)]
    low, high = np.percentile(heard.weight, (5, 95))
    fallen = falls(heard)
    return (
        float((heard.weight >= TOP).mean()),
        worst_minute(heard.weight),
        float(np.median(heard.weight)),
        float(high - low),
        float(fallen.mean()) if len(fallen) else float("nan"),
        movement(heard.weight),
        float(spearmanr(means, loud_db).statistic),
        _wide_open(heard.weight[-round(WATCHED_S * FPS) :], mouth),
    )
