"""Training data of the encoder: features of tracks, computed once as in a show."""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from tools.data import music
from vjnode.audio.features.agc import AutoGain
from vjnode.audio.features.analyser import COEFFICIENTS, Mfcc
from vjnode.audio.features.loudness import KWeighting
from vjnode.audio.sources.base import HOP, HOP_S
from vjnode.modulation.encoder.input import FRAMES, picture
from vjnode.modulation.intensity import intensity

OFFSETS_DB = ((-3.0, 3.0), (-30.0, 12.0))
"""Ranges of gain, dB; each track is used twice: about as after automatic gain, and at any level."""
PIECE_S = (1.5, 8.0)
SILENT_SHARE = 0.06
STRIP = 16
"""Number of consecutive windows in a strip."""


@dataclass(frozen=True)
class Sound:
    """Features of many tracks, concatenated.

    mfcc: shape (n, 13), float32. intensity: shape (n,), float32. starts: frames at which strips
    within one track begin, rising. plain: whether each frame is at the usual level, shape (n,).
    """

    mfcc: NDArray[np.float32]
    intensity: NDArray[np.float32]
    starts: NDArray[np.int64]
    plain: NDArray[np.bool_]

    def strips(self, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the MFCCs of strips, shape (len(starts), FRAMES - 1 + STRIP, 13)."""
        strips: NDArray[np.float32] = self.mfcc[starts[:, None] + np.arange(FRAMES - 1 + STRIP)]
        return strips

    def wanted(self, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the intensity at the end of each window of strips, (len(starts), STRIP)."""
        ends = starts[:, None] + np.arange(FRAMES - 1, FRAMES - 1 + STRIP)
        intensity: NDArray[np.float32] = self.intensity[ends]
        return intensity

    def passages(self) -> list[NDArray[np.int64]]:
        """Return, for each track that has any, its starts at the usual level."""
        tracks = np.split(self.starts, np.flatnonzero(np.diff(self.starts) > 1) + 1)
        plain = [track[self.plain[track + FRAMES + STRIP - 2]] for track in tracks]
        return [track for track in plain if len(track)]


@dataclass(frozen=True)
class Scale:
    """MFCC values that are mapped to 0 and 1, each of shape (13,)."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def pictures(self, mfcc: NDArray[np.float32]) -> Tensor:
        """Return the encoder's input, shape (n, 3, t, 32)."""
        return torch.from_numpy(picture(mfcc, self.low, self.high))


def debian(work: Path) -> list[Path]:
    """Return folders with Debian's music and, if espeak-ng is installed, with speech."""
    readme = Path(__file__).parents[2] / "README.md"
    music.speech(work / "speech", readme.read_text("utf-8")[:3000])
    return [music.fetch(), work / "speech"]


def heard_all(
    folders: list[Path], work: Path, seed: int
) -> tuple[Sound, list[music.Track], list[music.Track]]:
    """Return the training sound, its tracks, and the held-out tracks."""
    tracks = music.tracks(folders)
    train = [track for track in tracks if not track.held_out]
    held_out = [track for track in tracks if track.held_out]
    if not (train and held_out):
        raise SystemExit(
            f"of {len(tracks)} tracks none is left to "
            f"{'hold out' if train else 'train on'}; name folders with more tunes"
        )
    return heard(train, work, seed), train, held_out


def heard(tracks: list[music.Track], work: Path, seed: int) -> Sound:
    """Return the features of all tracks, from ``work`` if they are stored there."""
    names = "\n".join(f"{track.path} {track.duration_s}" for track in tracks)
    key = hashlib.sha256(f"{names} {seed} {OFFSETS_DB}".encode()).hexdigest()[:16]
    path = work / f"features-{key}.npz"
    if not path.exists():
        jobs = [(track, seed * 100_000 + i) for i, track in enumerate(tracks)]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            bar = tqdm(pool.map(_listen, jobs, chunksize=4), "listen", len(jobs), unit="track")
            parts = list(bar)
        mfcc, wanted, plain = (np.concatenate(part) for part in zip(*parts, strict=True))
        starts, start = [], 0
        for part in parts:
            starts.append(np.arange(start, start + len(part[1]) - FRAMES - STRIP + 2))
            start += len(part[1])
        part_path = path.with_suffix(".part.npz")
        np.savez(part_path, mfcc, wanted, np.concatenate(starts), plain)
        part_path.replace(path)
    with np.load(path) as stored:
        return Sound(*(stored[name] for name in stored.files))


def _listen(
    job: tuple[music.Track, int],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return MFCCs, intensities and ``plain`` of one track, for each of ``OFFSETS_DB``."""
    track, seed = job
    rng = np.random.default_rng(seed)
    mono = music.mono(track.path)
    mono = mono[: len(mono) // HOP * HOP]
    gains = _automatic_gains(mono)
    mfccs, intensities, plain = [], [], []
    for offset_db in OFFSETS_DB:
        is_plain = offset_db is OFFSETS_DB[0]
        gain = gains * _offsets(len(mono), offset_db, 0.0 if is_plain else SILENT_SHARE, rng)
        loud = np.clip(mono * gain, -1.0, 1.0).astype(np.float32)
        before = np.zeros((FRAMES - 1) * HOP, np.float32)  # the window before the first frame
        loud = np.concatenate([before, loud])
        extractor = Mfcc()
        mfccs.append(np.array([extractor.next(hop) for hop in loud.reshape(-1, HOP)]))
        intensities.append(intensity(loud))
        plain.append(np.full(len(loud) // HOP, is_plain))
    shape = (-1, COEFFICIENTS)
    return np.concatenate(mfccs).reshape(shape), np.concatenate(intensities), np.concatenate(plain)


def _automatic_gains(mono: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the factor for each sample that a show's automatic gain would apply."""
    weighting, gain = KWeighting(), AutoGain()
    gains = [gain.step(weighting.power(hop)) for hop in mono.reshape(-1, HOP)]
    return np.repeat(10.0 ** (np.array(gains, np.float32) / 20.0), HOP)


def _offsets(
    count: int, offset_db: tuple[float, float], silent_share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return a random factor for each sample, constant over pieces of some seconds."""
    gains = np.empty(count, np.float32)
    position = 0
    while position < count:
        length = int(rng.uniform(*PIECE_S) / HOP_S) * HOP
        silent = rng.random() < silent_share
        gains[position : position + length] = (
            0.0 if silent else 10.0 ** (rng.uniform(*offset_db) / 20.0)
        )
        position += length
    return gains


def silence() -> NDArray[np.float32]:
    """Return the MFCCs of digital silence, shape (13,)."""
    extractor = Mfcc()
    for _ in range(4):
        mfcc = extractor.next(np.zeros(HOP, np.float32))
    return mfcc


def scale_of(mfcc: NDArray[np.float32]) -> Scale:
    """Return the scale that fits nearly all of ``mfcc``, shape (n, 13)."""
    low, high = np.percentile(mfcc[::7], (0.1, 99.9), axis=0).astype(np.float32)
    low[0] = silence()[0]  # the lowest possible level
    return Scale(low, high)
