"""Synthetic drum grooves with known beats, for tests of beat tracking."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import RATE_HZ

CHUNK = 256


@dataclass(frozen=True)
class Groove:
    """One bar of four beats as rows of steps; x is a hit, o a soft one."""

    kick: str
    snare: str
    hat: str
    bass: str = ""
    swing: float = 0.0  # delay of every second step, as a part of a step


GROOVES = {
    "four on the floor": Groove(
        "x...x...x...x...", "....x.......x...", "..x...x...x...x.", "..x...x...x...x."
    ),
    "rock": Groove("x.......x.x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", "x...x...x...x..."),
    "half time": Groove(
        "x...............", "........x.......", "x.x.x.x.x.x.x.x.", "x.......x......."
    ),
    "breakbeat": Groove(
        "x.........x.....", "....x.......x...", "x.x.x.x.x.x.x.x.", "x.........x....."
    ),
    "amen": Groove("x.x.......xx....", "....x..o.o..x..o", "x.x.x.x.x.x.x.x."),
    "funk": Groove("x..x..x...x..x..", "....x..o.o..x...", "xoxoxoxoxoxoxoxo", "x..x......x....."),
    "shuffle": Groove("x.....x.....", "...x.....x..", "x.xx.xx.xx.x", "x.....x....."),
    "swing": Groove("x.......x.x.....", "....x.......x...", "xxxxxxxxxxxxxxxx", swing=0.5),
    "two step": Groove(
        "x.........x.....", "....x.......x...", "..x...x...x...x.", "x.....x...x....."
    ),
    "disco": Groove("x...x...x...x...", "....x.......x...", "xxxxxxxxxxxxxxxx", "x.x.x.x.x.x.x.x."),
}


def groove(
    name: str,
    bpm: float,
    seconds: float,
    *,
    seed: int = 0,
    jitter_s: float = 0.0,
    backing: bool = True,
    offset_s: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return ``GROOVES[name]`` as sound, with its beats.

    Returns: the sound, mono float32, peak 0.5, and the times of its beats, s.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    pattern = GROOVES[name]
    steps = len(pattern.kick)
    step_s = 240.0 / bpm / steps
    sound = np.zeros(int((seconds + 1.0) * RATE_HZ), np.float64)
    rows = [
        (pattern.kick, kick, 1.0),
        (pattern.snare, snare, 0.8),
        (pattern.hat, hat, 0.3),
        (pattern.bass if backing else "", bass, 0.4),
    ]
    for row, voice, level in rows:
        for n in range(int(seconds / step_s) + 1 if row else 0):
            mark = row[n % steps]
            if mark == ".":
                continue
            late = pattern.swing * step_s * (n % 2) + jitter_s * float(rng.standard_normal())
            start = int((offset_s + n * step_s + late) * RATE_HZ)
            played = voice(rng) * level * (0.3 if mark == "o" else 1.0) * rng.uniform(0.6, 1.0)
            if 0 <= start < len(sound) - len(played):
                sound[start : start + len(played)] += played
    if backing:
        sound += 0.1 * pad(len(sound), 240.0 / bpm, rng)
    sound = sound[: int(seconds * RATE_HZ)]
    beats = np.arange(offset_s, seconds, 60.0 / bpm)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32), beats


def kick(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a sine that falls from 160 to 50 Hz, with a click."""
    t = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    sweep = 2.0 * np.pi * (50.0 * t + 110.0 * 0.03 * (1.0 - np.exp(-t / 0.03)))
    click = 0.3 * rng.standard_normal(len(t)) * np.exp(-t / 0.003)
    return np.sin(sweep) * np.exp(-t / 0.08) + click


def snare(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a drum head at 190 Hz under rattling noise."""
    t = np.arange(int(0.25 * RATE_HZ)) / RATE_HZ
    head = np.sin(2.0 * np.pi * 190.0 * t) * np.exp(-t / 0.05)
    return 0.6 * head + 0.5 * rng.standard_normal(len(t)) * np.exp(-t / 0.06)


def hat(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return noise above 7 kHz."""
    t = np.arange(int(0.1 * RATE_HZ)) / RATE_HZ
    return high_pass(rng.standard_normal(len(t)), 7000.0) * np.exp(-t / 0.025)


def bass(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a plucked saw at one of three low notes."""
    t = np.arange(int(0.2 * RATE_HZ)) / RATE_HZ
    note = 55.0 * 2.0 ** (rng.choice([0, 3, 7]) / 12.0)
    saw = sum(np.sin(2.0 * np.pi * note * k * t) / k for k in range(1, 9))
    plucked: NDArray[np.float64] = saw * np.exp(-t / 0.15) * np.minimum(1.0, t / 0.005)
    return plucked


def pad(count: int, chord_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return sustained chords that change softly, every bar."""
    t = np.arange(count) / RATE_HZ
    out = np.zeros(count)
    for start in np.arange(0.0, count / RATE_HZ, chord_s):
        root = 220.0 * 2.0 ** (rng.integers(0, 8) / 12.0)
        first, last = int(start * RATE_HZ), min(count, int((start + chord_s) * RATE_HZ))
        local = t[first:last] - start
        fade = np.clip(local / 0.08, 0.0, 1.0) * np.clip((chord_s - local) / 0.08, 0.0, 1.0)
        for ratio in (1.0, 1.26, 1.5, 2.0):
            for k in range(1, 6):
                partial = np.sin(2.0 * np.pi * root * ratio * k * local + rng.uniform(0, 6.3))
                out[first:last] += fade * partial / k**1.5
    return out / 4.0


def high_pass(noise: NDArray[np.float64], corner_hz: float) -> NDArray[np.float64]:
    """Return the noise without frequencies below ``corner_hz``."""
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1.0 / RATE_HZ) < corner_hz] = 0.0
    return np.fft.irfft(spectrum, len(noise))


def chunks(sound: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return pieces of 256 samples; an incomplete last one is left out."""
    return list(sound[: len(sound) // CHUNK * CHUNK].reshape(-1, CHUNK))
