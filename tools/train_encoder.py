"""Train the sound encoder on music and write presets/encoder/.

    python tools/train_encoder.py                      fetch Debian's music, train, calibrate
    python tools/train_encoder.py --music DIR DIR ...  train on your own folders instead

Needs no labels; see vjnode.drive.encoder for the loss. About 15 minutes on two cores.
"""

import argparse
import json
import subprocess
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor
from tqdm import tqdm

from vjnode.audio.analysis import COEFFICIENTS, Mfcc
from vjnode.audio.file import FileSource
from vjnode.audio.source import HOP, HOP_S
from vjnode.drive.encoder import Decoder, Encoder, correlation
from vjnode.drive.intensity import intensity
from vjnode.drive.window import FRAMES, picture
from vjnode.errors import InputError
from vjnode.storage import cache_dir, replace_file, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

DEBIAN_MUSIC = ("wesnoth-1.16-music", "sonic-pi-samples")
SUFFIXES = {".ogg", ".flac", ".wav", ".mp3", ".m4a", ".opus"}

HELD_OUT_EVERY = 6
GAIN_DB = (-30.0, 9.0)
CALIBRATION_GAIN_DB = (-12.0, 9.0)
"""Game music is soft, -20 dBFS on average: up to 9 dB more is how today's records are mastered."""
AUDIBLE = 0.03
"""Intensity of pink noise at about -68 dBFS; fades below it say nothing about calm music."""
PIECE_S = (1.5, 8.0)
SILENT_SHARE = 0.06
INTENSITY_SHARE = 0.3
BATCH = 128
PERCENTILES = (5.0, 95.0)


class Networks(NamedTuple):
    """What is trained together."""

    encoder: Encoder
    decoder: Decoder


class Scale(NamedTuple):
    """MFCC values that are mapped to 0 and 1, each of shape (13,)."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """Features of many tracks in a row.

    mfcc: shape (n, 13). intensity: shape (n,). ends: frames at which a whole window ends.
    """

    mfcc: NDArray[np.float32]
    intensity: NDArray[np.float32]
    ends: NDArray[np.int64]

    def windows(self, ends: NDArray[np.int64]) -> NDArray[np.float32]:
        """Windows that end at the given frames, shape (len(ends), 32, 13)."""
        return self.mfcc[ends[:, None] + np.arange(1 - FRAMES, 1)]


def main() -> None:
    """Train, calibrate, measure and write."""
    options = _options()
    rng = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    started = time.monotonic()

    folders = options.music or [_debian_music()]
    tracks = _tracks(folders)
    train = [track for i, track in enumerate(tracks) if i % HELD_OUT_EVERY]
    held_out = tracks[::HELD_OUT_EVERY]
    print(f"{len(train)} tracks to train on, {len(held_out)} held out")

    pcm = [_mono(track) for track in tqdm(train, "decode", unit="track")]
    sound = _features(pcm * options.passes, GAIN_DB, rng)
    level = _features(pcm, CALIBRATION_GAIN_DB, rng, silent_share=0.0)
    unseen = _features([_mono(track) for track in held_out], GAIN_DB, rng)

    scale = _scale(sound.mfcc)
    networks = Networks(Encoder(), Decoder())
    encoder = networks.encoder
    losses = _train(networks, sound, scale, steps=options.steps, rng=rng)

    silence = _means(encoder, np.broadcast_to(_silence(), (1, FRAMES, COEFFICIENTS)), scale)
    audible = level.ends[level.intensity[level.ends] > AUDIBLE]
    music = _means(encoder, level.windows(rng.permutation(audible)[:40_000]), scale)
    calm, intense = np.percentile(music, PERCENTILES)
    bounds = np.array([max(calm, silence[0]), intense], np.float32)
    quality = _quality(networks, unseen, scale, rng)

    record = {
        "music": [folder.name for folder in options.music or ()] or _debian_packages(),
        "tracks": {"train": len(train), "held_out": len(held_out)},
        "hours": round(sum(map(len, pcm)) / 44_100 / 3600, 2),
        "passes": options.passes,
        "gain_db": GAIN_DB,
        "calibration_gain_db": CALIBRATION_GAIN_DB,
        "percentiles": PERCENTILES,
        "seed": options.seed,
        "steps": options.steps,
        "batch": BATCH,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "date": datetime.now(UTC).date().isoformat(),
        "torch": torch.__version__,
        "loss_last_100": {k: round(float(np.mean(v[-100:])), 4) for k, v in losses.items()},
        "held_out": quality,
        "mean_of_silence": round(float(silence[0]), 5),
        "bounds": [round(float(b), 5) for b in bounds],
    }
    _write(options.out, encoder, scale, bounds=bounds, record=record)
    _plot(options.out / "loss.png", losses)
    print(json.dumps(record, indent=2))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--music", type=Path, nargs="+", help="folders of audio files")
    parser.add_argument("--out", type=Path, default=shipped("encoder"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passes", type=int, default=2, help="gain plans per track")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _debian_music() -> Path:
    """Fetch and unpack the Debian packages into the cache; nothing is installed."""
    folder = cache_dir("training")
    for package in DEBIAN_MUSIC:
        if not list(folder.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)  # noqa: S603, S607
        archive = next(folder.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg", "-x", archive, folder / "music"], check=True)  # noqa: S603, S607
    return folder / "music"


def _debian_packages() -> list[str]:
    """Names with versions, as they were fetched."""
    return sorted(path.stem for path in cache_dir("training").glob("*.deb"))


def _tracks(folders: list[Path]) -> list[Path]:
    """All audio files, in an order that depends on their names only and mixes the folders."""
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES]
    if not found:
        raise SystemExit(f"no audio files in {', '.join(map(str, folders))}")
    return sorted(found, key=lambda path: (zlib.crc32(path.name.encode()), path.name))


def _mono(track: Path) -> NDArray[np.float32]:
    """Whole track, shape (n,), float32; nothing of it if it holds no sound."""
    try:
        source = FileSource(track, loop=False)
    except InputError:
        return np.zeros(0, np.float32)
    blocks = []
    while block := source.read():
        blocks.append(block.pcm.mean(axis=1))
    source.close()
    return np.concatenate(blocks)


def _features(
    tracks: list[NDArray[np.float32]],
    gain_db: tuple[float, float],
    rng: np.random.Generator,
    silent_share: float = SILENT_SHARE,
) -> Sound:
    """Features of the tracks, each cut into pieces of random gain, some of them silent."""
    mfccs, intensities, ends, start = [], [], [], 0
    for pcm in tqdm(tracks, "listen", unit="track"):
        mono = np.clip(pcm * _gains(len(pcm), gain_db, silent_share, rng), -1.0, 1.0).astype(
            np.float32
        )
        extractor = Mfcc()
        mfcc = [np.broadcast_to(_silence(), (FRAMES - 1, COEFFICIENTS))]
        mono = mono[: len(mono) // HOP * HOP]
        mfcc += [extractor.next(hop)[None] for hop in mono.reshape(-1, HOP)]
        count = sum(map(len, mfcc))
        mfccs += mfcc
        intensities += [np.zeros(FRAMES - 1, np.float32), intensity(mono)]
        ends.append(np.arange(start + FRAMES - 1, start + count))
        start += count
    return Sound(np.concatenate(mfccs), np.concatenate(intensities), np.concatenate(ends))


def _gains(
    count: int, gain_db: tuple[float, float], silent_share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Factor for each sample, constant over pieces of some seconds."""
    gains = np.empty(count, np.float32)
    position = 0
    while position < count:
        length = int(rng.uniform(*PIECE_S) / HOP_S) * HOP
        silent = rng.random() < silent_share
        gains[position : position + length] = (
            0.0 if silent else 10.0 ** (rng.uniform(*gain_db) / 20.0)
        )
        position += length
    return gains


def _silence() -> NDArray[np.float32]:
    """MFCCs of digital silence, shape (13,)."""
    extractor = Mfcc()
    for _ in range(4):
        mfcc = extractor.next(np.zeros(HOP, np.float32))
    return mfcc


def _scale(mfcc: NDArray[np.float32]) -> Scale:
    low, high = np.percentile(mfcc, (0.1, 99.9), axis=0).astype(np.float32)
    low[0] = _silence()[0]  # the lowest level there is; nothing below it to tell apart
    return Scale(low, high)


def _train(
    networks: Networks, sound: Sound, scale: Scale, *, steps: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    encoder, decoder = networks
    for network in networks:
        network.to(memory_format=torch.channels_last)  # a quarter faster on a CPU
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    losses: dict[str, list[float]] = {"reconstruction": [], "intensity": []}
    bar = tqdm(range(steps), "train", unit="step")
    for _ in bar:
        ends = rng.choice(sound.ends, BATCH)
        batch = torch.from_numpy(picture(sound.windows(ends), *scale))
        wanted = torch.from_numpy(sound.intensity[ends])
        values = encoder(batch)
        rebuilt = _unexplained(decoder(values), batch)
        unordered = 1.0 - correlation(values.mean(dim=1), wanted)
        optimiser.zero_grad()
        (rebuilt + INTENSITY_SHARE * unordered).backward()
        optimiser.step()
        schedule.step()
        losses["reconstruction"].append(float(rebuilt))
        losses["intensity"].append(float(unordered))
        if len(losses["intensity"]) % 20 == 0:
            bar.set_postfix({k: f"{np.mean(v[-20:]):.3f}" for k, v in losses.items()})
    encoder.eval()
    decoder.eval()
    return losses


def _unexplained(rebuilt: Tensor, batch: Tensor) -> Tensor:
    """Share of the pictures' variance that is not rebuilt; the padding counts as error only."""
    sound = batch[..., :COEFFICIENTS]
    variance = (sound - sound.mean(dim=(0, 2), keepdim=True)).square().sum()
    return (rebuilt - batch).square().sum() / variance


@torch.inference_mode()
def _means(encoder: Encoder, windows: NDArray[np.float32], scale: Scale) -> NDArray[np.float32]:
    parts = np.array_split(windows, max(1, len(windows) // 512))
    means = [encoder(torch.from_numpy(picture(p, *scale))).mean(dim=1).numpy() for p in parts]
    return np.concatenate(means)


@torch.inference_mode()
def _quality(
    networks: Networks, unseen: Sound, scale: Scale, rng: np.random.Generator
) -> dict[str, float]:
    """How well unseen tracks are rebuilt, and how well the mean follows their intensity."""
    ends = rng.permutation(unseen.ends)[:4096]
    batch = torch.from_numpy(picture(unseen.windows(ends), *scale))
    values = networks.encoder(batch)
    unexplained = _unexplained(networks.decoder(values), batch)
    follows = correlation(values.mean(dim=1), torch.from_numpy(unseen.intensity[ends]))
    return {
        "explained_variance": round(1.0 - float(unexplained), 4),
        "mean_intensity_correlation": round(float(follows), 4),
    }


def _write(
    out: Path,
    encoder: Encoder,
    scale: Scale,
    *,
    bounds: NDArray[np.float32],
    record: dict[str, object],
) -> None:
    weights = {
        k: v.contiguous().numpy() for k, v in encoder.state_dict().items() if "num_batches" not in k
    }
    weights |= {"mfcc_low": scale.low, "mfcc_high": scale.high, "bounds": bounds}
    out.mkdir(parents=True, exist_ok=True)
    replace_file(out / "encoder.safetensors", save(weights))
    replace_file(out / "encoder.json", (json.dumps(record, indent=2) + "\n").encode())


def _plot(path: Path, losses: dict[str, list[float]]) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    smooth = np.ones(50) / 50
    for name, values in losses.items():
        axes.semilogy(np.convolve(values, smooth, "valid"), label=name)
    axes.set(xlabel="step", ylabel="unexplained share, 1 − correlation")
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
