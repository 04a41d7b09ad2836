"""Drums with known attack times, and the score of an onset detector on them.

A kit is a number that seeds the timbre of every drum, so that kits differ as those of records do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from tools.data.synth import Sound, fade, filtered, sample_times
from vjnode.audio.sources.base import RATE_HZ

TOGETHER_S = 0.02
"""Hits closer together than this count as one onset."""

Rng = np.random.Generator

# One bar of sixteenths each: an x is a hit.
PATTERNS = {
    "house": {"kick": "x...x...x...x...", "clap": "....x.......x...", "open": "..x...x...x...x."},
    "rock": {"kick": "x.....x.x.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
    "funk": {"kick": "x..x......x..x..", "snare": "....x..x.x..x...", "hat": "xxxxxxxxxxxxxxxx"},
    "breaks": {"kick": "x.x.......xx....", "snare": "....x..x.x..x..x", "hat": "x.x.x.x.x.x.x.x."},
    "trap": {"kick": "x......x..x.....", "snare": "........x.......", "hat": "x.xxx.x.x.x.xxxx"},
    "toms": {"kick": "x...x...x...x...", "tom": "..x..x..x..x..xx", "hat": "....x.......x..."},
    "kick": {"kick": "x...x...x...x..."},
    "snare": {"snare": "....x.......x..."},
    "hat": {"hat": "xxxxxxxxxxxxxxxx"},
    "open": {"open": "..x...x...x...x."},
    "tom": {"tom": "x...x..x..x.x..."},
    "clap": {"clap": "....x.......x..."},
}


@dataclass(frozen=True)
class Hit:
    """One stroke: its time, its drum, and its level (dB relative to the drum's usual level)."""

    at_s: float
    drum: str
    velocity_db: float = 0.0


@dataclass(frozen=True)
class Score:
    """Score of found onsets; each found onset is matched with at most one true one.

    delays_s: shape (matched,), reported minus true, ascending in true time.
    """

    precision: float
    recall: float
    f: float
    delays_s: NDArray[np.float64]

    def delay_s(self, percentile: float) -> float:
        """Return a percentile (0…100) of the delays, s; NaN if no onset was matched."""
        return float(np.percentile(self.delays_s, percentile)) if len(self.delays_s) else np.nan


def f_measure(found_s: ArrayLike, true_s: ArrayLike, tolerance_s: float = 0.05) -> Score:
    """Match found times to true ones, one to one and in order; return the score.

    The score is 1 if there are neither found nor true times.
    """
    found, true = np.sort(np.asarray(found_s, float)), np.sort(np.asarray(true_s, float))
    delays, i, j = [], 0, 0
    # In order, the earliest pair that fits is always part of a largest matching.
    while i < len(found) and j < len(true):
        delay = found[i] - true[j]
        if abs(delay) <= tolerance_s:
            delays.append(delay)
        i += bool(delay <= tolerance_s)
        j += bool(delay >= -tolerance_s)
    hits = len(delays)
    precision = hits / len(found) if len(found) else 1.0
    recall = hits / len(true) if len(true) else 1.0
    f = 2.0 * hits / max(1, len(found) + len(true)) if len(found) + len(true) else 1.0
    return Score(precision, recall, f, np.array(delays))


def beat(
    pattern: str, bpm: float, length_s: float, *, start_s: float = 0.5, loose_db: float = 0.0
) -> list[Hit]:
    """Return the hits of a pattern repeated over ``length_s``.

    loose_db: velocities vary by ± this much, the same at every call.
    """
    rng = np.random.default_rng(len(pattern))
    hits = []
    step_s = 60.0 / bpm / 4.0
    for step in range(int((length_s - start_s) / step_s)):
        for drum, steps in PATTERNS[pattern].items():
            if steps[step % len(steps)] == "x":
                hits.append(Hit(start_s + step * step_s, drum, rng.uniform(-1, 1) * loose_db))
    return hits


def render(
    hits: Sequence[Hit],
    length_s: float,
    *,
    kit: int = 0,
    bed: Sound | None = None,
    bed_db: float = -12.0,
    peak: float = 0.8,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Render the hits; return the sound, shape (n,), float32, and the attack times, s.

    bed: a pad, bass or any other sound to be added; its peak is scaled to ``bed_db`` relative to
        the drums' peak. The sum is scaled to ``peak``.
    """
    mix = np.zeros(round(length_s * RATE_HZ))
    for hit in hits:
        start = round(hit.at_s * RATE_HZ)
        # No two strokes are the same: the noise differs, the timbre stays.
        sound = drum(hit.drum, kit, noise=start)[: len(mix) - start]
        mix[start : start + len(sound)] += sound * 10 ** (hit.velocity_db / 20)
    if bed is not None:
        level = np.abs(mix).max() if hits else 1.0
        mix += bed[: len(mix)] * level * 10 ** (bed_db / 20) / np.abs(bed).max()
    mix *= peak / np.abs(mix).max()
    return mix.astype(np.float32), distinct([hit.at_s for hit in hits])


def distinct(times_s: ArrayLike) -> NDArray[np.float64]:
    """Return the times in order, without those within ``TOGETHER_S`` of the previous one."""
    kept: list[float] = []
    for at_s in np.sort(np.asarray(times_s, float)):
        if not kept or at_s - kept[-1] > TOGETHER_S:
            kept.append(float(at_s))
    return np.array(kept)


def drum(name: str, kit: int, *, noise: int = 0) -> Sound:
    """Return one stroke, shape (n,), that begins with its first sample; peak about its level."""
    timbre = np.random.default_rng([kit, *name.encode()])
    return _DRUMS[name](timbre, np.random.default_rng([kit, noise]))


def pad(
    length_s: float,
    *,
    seed: int = 0,
    corner_hz: float = 2000.0,
    tremolo_hz: float = 0.0,
    vibrato_hz: float = 0.0,
    fade_s: float = 0.5,
) -> Sound:
    """Return a held chord of detuned saws behind a low-pass; swells in over ``fade_s``."""
    rng = np.random.default_rng(seed)
    t_s = sample_times(length_s)
    root = 45 + rng.integers(0, 12)
    chord = np.zeros_like(t_s)
    wobble = 0.003 * np.sin(2 * np.pi * vibrato_hz * t_s) if vibrato_hz else np.zeros_like(t_s)
    for interval in (0, 7, 12, 15 + rng.integers(0, 2), 19):
        for cents in rng.uniform(-9, 9, 2):
            pitch_hz = 440.0 * 2.0 ** ((root + interval + cents / 100 - 69) / 12)
            phase = np.cumsum(pitch_hz * (1 + wobble)) / RATE_HZ + rng.uniform()
            chord += _saw(phase, pitch_hz)
    chord = filtered(chord, corner_hz, "low")
    chord *= 1.0 + 0.4 * np.sin(2 * np.pi * tremolo_hz * t_s) * bool(tremolo_hz)
    chord *= fade(t_s, fade_s, fade_s)
    held: Sound = chord / np.abs(chord).max()
    return held


def bass(length_s: float, *, bpm: float, seed: int = 0) -> Sound:
    """Return a line of held notes, one per beat, tied without a new attack."""
    rng = np.random.default_rng(seed)
    t_s = sample_times(length_s)
    notes = 33 + rng.choice((0, 3, 5, 7, 10), int(length_s * bpm / 60) + 1)
    pitch_hz = 440.0 * 2.0 ** ((notes[(t_s * bpm / 60).astype(int)] - 69) / 12)
    glide = signal.lfilter([1.0], [1.0, -0.9995], pitch_hz) * 0.0005
    line = np.tanh(1.5 * _saw(np.cumsum(glide) / RATE_HZ, 60.0))
    return filtered(line, 500.0, "low") * fade(t_s, 0.5, 0.5)


def _kick(timbre: Rng, noise: Rng) -> Sound:
    t_s = sample_times(timbre.uniform(0.25, 0.6))
    low_hz, drop_hz = timbre.uniform(40, 65), timbre.uniform(60, 350)
    phase = np.cumsum(low_hz + drop_hz * np.exp(-timbre.uniform(15, 80) * t_s)) / RATE_HZ
    body = np.sin(2 * np.pi * phase) * np.exp(-timbre.uniform(5, 14) * t_s)
    body = np.tanh(timbre.uniform(0.5, 3.0) * body) * fade(t_s, timbre.uniform(2e-4, 3e-3), 0.05)
    click = filtered(noise.standard_normal(len(t_s)), timbre.uniform(1000, 4000), "high")
    sound: Sound = body + timbre.choice((0.0, 0.05, 0.2)) * click * np.exp(-250 * t_s)
    return sound


def _snare(timbre: Rng, noise: Rng) -> Sound:
    t_s = sample_times(0.3)
    wires = filtered(noise.standard_normal(len(t_s)), timbre.uniform(500, 3000), "high")
    wires *= np.exp(-timbre.uniform(10, 30) * t_s)
    pitch_hz = timbre.uniform(150, 260)
    skin = sum(np.sin(2 * np.pi * pitch_hz * k * t_s) / k for k in (1.0, 1.59))
    skin *= np.exp(-timbre.uniform(15, 35) * t_s)
    return (0.25 * wires + timbre.uniform(0.1, 0.5) * skin) * fade(t_s, 5e-4, 0.05)


def _cymbal(timbre: Rng, noise: Rng, length_s: float, decay: float) -> Sound:
    t_s = sample_times(length_s)
    sizzle = noise.standard_normal(len(t_s))
    metal = sum(np.sign(np.sin(2 * np.pi * hz * t_s)) for hz in timbre.uniform(200, 900, 6))
    mixed = sizzle + timbre.choice((0.0, 0.5)) * metal
    sound = filtered(mixed, timbre.uniform(4500, 9000), "high")
    return 0.12 * sound * np.exp(-decay * t_s) * fade(t_s, timbre.uniform(2e-4, 2e-3), 0.02)


def _hat(timbre: Rng, noise: Rng) -> Sound:
    return _cymbal(timbre, noise, 0.12, timbre.uniform(35, 110))


def _open(timbre: Rng, noise: Rng) -> Sound:
    return _cymbal(timbre, noise, 0.5, timbre.uniform(6, 12))


def _tom(timbre: Rng, noise: Rng) -> Sound:
    t_s = sample_times(0.5)
    low_hz = timbre.uniform(70, 200)
    phase = np.cumsum(low_hz * (1 + timbre.uniform(0.1, 0.6) * np.exp(-20 * t_s))) / RATE_HZ
    body = np.sin(2 * np.pi * phase) * np.exp(-timbre.uniform(6, 14) * t_s)
    stick = filtered(noise.standard_normal(len(t_s)), 1500, "high") * np.exp(-300 * t_s)
    sound: Sound = 0.7 * body + timbre.choice((0.0, 0.05, 0.15)) * stick
    return sound * fade(t_s, timbre.uniform(5e-4, 3e-3), 0.05)


def _clap(timbre: Rng, noise: Rng) -> Sound:
    t_s = sample_times(0.3)
    hands = noise.standard_normal(len(t_s))
    hands = filtered(filtered(hands, timbre.uniform(700, 1200), "high"), 3500, "low")
    spacing_s, count = timbre.uniform(0.007, 0.012), int(timbre.integers(2, 4))
    envelope = np.zeros_like(t_s)
    for k in range(count):
        since_s = t_s - k * spacing_s
        envelope = np.where(since_s >= 0, np.exp(-180 * since_s), envelope)
    tail_s = t_s - count * spacing_s
    tail = np.exp(-timbre.uniform(15, 35) * np.maximum(tail_s, 0))
    return 0.5 * hands * np.where(tail_s >= 0, tail, envelope) * fade(t_s, 2e-4, 0.05)


_DRUMS: dict[str, Callable[[Rng, Rng], Sound]] = {
    "kick": _kick,
    "snare": _snare,
    "hat": _hat,
    "open": _open,
    "tom": _tom,
    "clap": _clap,
}


def _saw(phase: Sound, pitch_hz: float) -> Sound:
    """Return a saw for a phase in periods, band-limited to 12 kHz by a table of one period."""
    partials = np.arange(1, max(2, int(12_000 / pitch_hz)))
    table = np.fft.irfft(np.r_[0.0, -1j / partials], 8192) * 4096
    return np.interp(phase % 1.0, np.arange(8193) / 8192, np.r_[table, table[0]])
