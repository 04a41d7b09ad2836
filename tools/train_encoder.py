"""Train the sound encoder on music and write presets/encoder/.

    python tools/train_encoder.py                      fetch Debian's music, train, calibrate
    python tools/train_encoder.py --music DIR DIR ...  train on your own folders instead
    torchrun --nproc-per-node 2 tools/train_encoder.py several processes, one thread each
    python tools/train_encoder.py --resume             go on where a run was ended

Needs no labels; see vjnode.drive.encoder for the loss. About an hour on two cores.
"""

import argparse
import hashlib
import json
import os
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
import music
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from tqdm import tqdm

from vjnode.audio.analysis import COEFFICIENTS, Mfcc
from vjnode.audio.autogain import AutoGain
from vjnode.audio.loudness import KWeighting
from vjnode.audio.source import HOP, HOP_S
from vjnode.drive.encoder import Decoder, Encoder, correlation, init_linear, init_principal
from vjnode.drive.export import export_onnx
from vjnode.drive.intensity import intensity
from vjnode.drive.trained import Trained
from vjnode.drive.window import FRAMES, picture
from vjnode.storage import cache_dir, replace_file, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

OFFSETS_DB = ((-3.0, 3.0), (-30.0, 12.0))
"""Each track is heard twice: about as automatic gain delivers it, and at any level."""
PIECE_S = (1.5, 8.0)
SILENT_SHARE = 0.06
INTENSITY_SHARES = (0.3, 1.0)
"""Weight of the order of intensities beside what is not rebuilt; before and after settling."""
STRIPS, STRIP, REBUILT = 32, 16, 4
"""A batch per process: strips of so many windows in a row, of which so many are rebuilt."""
RATES = ((2e-4, 3e-3), (3e-4, 1.5e-3))
"""Highest learning rates of encoder and decoder, before and after settling. The encoder starts near
where it is going; a decoder that still knows nothing must not drive it away from there."""
AUDIBLE = 0.05
"""Intensity of pink noise at about -65 dBFS; fades below it say nothing about calm music."""
PERCENTILES = (12.0, 88.0, 99.95)
USED = 0.99
"""The bottleneck uses as many dimensions as hold this share of its variance."""
CHECKPOINT_EVERY = 100
SETTLED_SHARE = 0.25
"""Over the last part of the steps batch normalisation keeps the statistics that it has come to:
those of single batches are noise, which hides the finer half of a window."""


@dataclass(frozen=True)
class Sound:
    """Features of many tracks in a row.

    mfcc: shape (n, 13), float32. intensity: shape (n,), float32. starts: frames at which a
    strip begins that lies in one track. plain: which frames are at the usual level, shape (n,).
    """

    mfcc: NDArray[np.float32]
    intensity: NDArray[np.float32]
    starts: NDArray[np.int64]
    plain: NDArray[np.bool_]

    def strips(self, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        """MFCCs of strips, shape (len(starts), FRAMES - 1 + STRIP, 13)."""
        return self.mfcc[starts[:, None] + np.arange(FRAMES - 1 + STRIP)]

    def wanted(self, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Intensity at the end of each window of the strips, shape (len(starts), STRIP)."""
        return self.intensity[starts[:, None] + np.arange(FRAMES - 1, FRAMES - 1 + STRIP)]


@dataclass(frozen=True)
class Scale:
    """MFCC values that are mapped to 0 and 1, each of shape (13,)."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def pictures(self, mfcc: NDArray[np.float32]) -> Tensor:
        """Return the encoder's input, shape (n, 3, t, 32)."""
        return torch.from_numpy(picture(mfcc, self.low, self.high))


class Pair(nn.Module):
    """Encoder and decoder, trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        init_linear(self.decoder)

    def forward(self, pictures: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of all windows, (n, t), and ``which`` of them rebuilt."""
        values = self.encoder(pictures)
        return values.mean(dim=2), self.decoder(values[:, which].flatten(0, 1))


def main() -> None:
    """Train, calibrate, measure and write."""
    options = _options()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if ranks > 1:
        distributed.init_process_group("gloo")
    started = time.monotonic()

    work = cache_dir("training")
    if rank == 0:  # the others find in the cache what the first has fetched and heard
        folders = options.music or _debian_sound(work)
        sound, train, held_out = _heard_all(folders, work, options.seed)
    if ranks > 1:
        distributed.barrier()
    if rank > 0:
        folders = options.music or _debian_sound(work)
        sound, train, held_out = _heard_all(folders, work, options.seed)
    scale = _scale(sound.mfcc)
    pair = Pair()
    start = np.random.default_rng(options.seed).choice(sound.starts, 1000)
    init_principal(pair.encoder, scale.pictures(sound.strips(start)))
    losses = _train(pair, sound, scale, options, rank=rank, ranks=ranks, work=work)
    if rank == 0:
        unseen = _heard(held_out, work, options.seed)
        knots, silence = _calibrate(pair.encoder, sound, scale)
        record = {
            "music": [f.name for f in options.music or ()] or music.versions(folders[0]),
            "speech": [] if options.music else list(music.VOICES),
            "tracks": {"train": len(train), "held_out": len(held_out)},
            "hours": {
                "train": round(sum(track.duration_s for track in train) / 3600, 2),
                "held_out": round(sum(track.duration_s for track in held_out) / 3600, 2),
            },
            "offsets_db": OFFSETS_DB,
            "percentiles": PERCENTILES,
            "seed": options.seed,
            "steps": options.steps,
            "processes": ranks,
            "batch": {"strips": STRIPS * ranks, "windows": STRIP, "rebuilt": REBUILT},
            "minutes": round((time.monotonic() - started) / 60, 1),
            "date": datetime.now(UTC).date().isoformat(),
            "commit": _commit(),
            "torch": torch.__version__,
            "loss_last_100": {k: round(float(np.mean(v[-100:])), 4) for k, v in losses.items()},
            "held_out": _quality(pair, sound, unseen, scale),
            "mean_of_silence": round(silence, 5),
            "knots": [round(float(knot), 5) for knot in knots],
        }
        _write(options.out, pair.encoder, scale, knots=knots, record=record)
        _plot(options.out / "loss.png", losses)
        print(json.dumps(record, indent=2))
    if ranks > 1:
        distributed.destroy_process_group()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--music", type=Path, nargs="+", help="folders of audio files")
    parser.add_argument("--out", type=Path, default=shipped("encoder"))
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return parser.parse_args()


def _debian_sound(work: Path) -> list[Path]:
    """Folders with Debian's music and, where espeak-ng is installed, with speech."""
    readme = Path(__file__).parents[1] / "README.md"
    music.speech(work / "speech", readme.read_text()[:3000])
    return [music.fetch(), work / "speech"]


def _heard_all(
    folders: list[Path], work: Path, seed: int
) -> tuple[Sound, list[music.Track], list[music.Track]]:
    """Return the sound that is trained on, its tracks, and those that are held out."""
    tracks = music.tracks(folders)
    train = [track for track in tracks if not track.held_out]
    held_out = [track for track in tracks if track.held_out]
    if not (train and held_out):
        raise SystemExit(
            f"of {len(tracks)} tracks none is left to "
            f"{'hold out' if train else 'train on'}; name folders with more tunes"
        )
    return _heard(train, work, seed), train, held_out


def _heard(tracks: list[music.Track], work: Path, seed: int) -> Sound:
    """Features of all tracks, from ``work`` if they are there already."""
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
    """MFCCs, intensities and plainness of one track, heard once for each of ``OFFSETS_DB``."""
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
    """Factor for each sample as the show would apply it."""
    weighting, gain = KWeighting(), AutoGain()
    gains = [gain.step(weighting.power(hop)) for hop in mono.reshape(-1, HOP)]
    return np.repeat(10.0 ** (np.array(gains, np.float32) / 20.0), HOP)


def _offsets(
    count: int, offset_db: tuple[float, float], silent_share: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Factor for each sample, constant over pieces of some seconds."""
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


def _silence() -> NDArray[np.float32]:
    """MFCCs of digital silence, shape (13,)."""
    extractor = Mfcc()
    for _ in range(4):
        mfcc = extractor.next(np.zeros(HOP, np.float32))
    return mfcc


def _scale(mfcc: NDArray[np.float32]) -> Scale:
    low, high = np.percentile(mfcc[::7], (0.1, 99.9), axis=0).astype(np.float32)
    low[0] = _silence()[0]  # the lowest level there is; nothing below it to tell apart
    return Scale(low, high)


def _train(
    pair: Pair,
    sound: Sound,
    scale: Scale,
    options: argparse.Namespace,
    *,
    rank: int,
    ranks: int,
    work: Path,
) -> dict[str, list[float]]:
    pair.to(memory_format=torch.channels_last)
    checkpoint = work / "checkpoint.pt"
    state: dict[str, Any] = {"step": 0, "losses": {"reconstruction": [], "intensity": []}}
    if options.resume and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        pair.load_state_dict(state["pair"])
    losses: dict[str, list[float]] = state["losses"]
    settled = round(options.steps * (1.0 - SETTLED_SHARE))
    trainee = nn.parallel.DistributedDataParallel(pair) if ranks > 1 else pair
    bar = tqdm(
        range(state["step"], options.steps),
        "train",
        unit="step",
        initial=state["step"],
        total=options.steps,
        disable=rank > 0,
        mininterval=1.0,
    )
    for step in bar:
        if step in (0, state["step"], settled):
            optimiser, schedule = _optimisation(pair, settled, options.steps, step)
            if step == state["step"] and step not in (0, settled):
                optimiser.load_state_dict(state["optimiser"])
                schedule.load_state_dict(state["schedule"])
        # Drawn from the step's own seed, so that a resumed run sees what it would have seen.
        rng = np.random.default_rng((options.seed, rank, step))
        starts = rng.choice(sound.starts, STRIPS)
        pictures = scale.pictures(sound.strips(starts))
        which = torch.from_numpy(rng.choice(STRIP, REBUILT, replace=False))
        means, rebuilt = trainee(pictures, which)
        unexplained = _unexplained(rebuilt, _windows(pictures, which))
        wanted = torch.from_numpy(sound.wanted(starts))
        plain = torch.from_numpy(sound.plain[starts])
        # Over all levels the order is mostly that of the levels; at one level it is the music's.
        ordered = correlation(means, wanted) + correlation(means[plain], wanted[plain])
        unordered = 1.0 - 0.5 * ordered
        optimiser.zero_grad()
        (unexplained + INTENSITY_SHARES[step >= settled] * unordered).backward()
        optimiser.step()
        schedule.step()
        losses["reconstruction"].append(float(unexplained.detach()))
        losses["intensity"].append(float(unordered.detach()))
        if step % 20 == 0:
            bar.set_postfix({k: f"{np.mean(v[-20:]):.3f}" for k, v in losses.items()})
        if rank == 0 and (step + 1) % CHECKPOINT_EVERY == 0:
            kept = {"step": step + 1, "losses": losses, "pair": pair.state_dict()}
            kept |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    pair.eval()
    return losses


def _optimisation(
    pair: Pair, settled: int, steps: int, step: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return what steers the steps around ``step``: before or after normalisation has settled."""
    last = step >= settled
    if last:
        for module in pair.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    parts = [pair.encoder.parameters(), pair.decoder.parameters()]
    optimiser = torch.optim.AdamW([{"params": part} for part in parts], weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        RATES[last],
        total_steps=max(1, steps - settled if last else settled),
        pct_start=0.1,
    )
    return optimiser, schedule


def _windows(pictures: Tensor, which: Tensor) -> Tensor:
    """Normalised MFCCs of the windows that begin at frames ``which``, shape (n, 32, 13)."""
    frames = which[:, None] + torch.arange(FRAMES)
    return pictures[:, 0][:, frames, :COEFFICIENTS].flatten(0, 1)


def _unexplained(rebuilt: Tensor, windows: Tensor) -> Tensor:
    """Share of the windows' variance about the mean of each coefficient that is not rebuilt."""
    variance = (windows - windows.mean(dim=(0, 1))).square().sum()
    return (rebuilt - windows).square().sum() / variance


@torch.inference_mode()
def _calibrate(encoder: Encoder, sound: Sound, scale: Scale) -> tuple[NDArray[np.float32], float]:
    """Means that stand for the weights of ``vjnode.drive.trained.LEVELS``, and that of silence."""
    silent = np.broadcast_to(_silence(), (1, FRAMES, COEFFICIENTS))
    silence = float(encoder(scale.pictures(silent)).mean())
    rng = np.random.default_rng(1)
    starts = sound.starts[sound.plain[sound.starts]]
    starts = rng.choice(starts, min(4000, len(starts)))
    means = np.concatenate(
        [
            encoder(scale.pictures(sound.strips(part))).mean(dim=2).numpy()
            for part in np.array_split(starts, 100)
        ]
    )
    audible = means[sound.wanted(starts) > AUDIBLE]
    calm, intense, most = np.percentile(audible, PERCENTILES)
    if intense <= silence:
        raise SystemExit(
            f"the mean is {silence:.4f} for silence and {intense:.4f} for intense music; "
            "it must rise, so train for more steps"
        )
    # A margin over silence, so that what is not quite silent is not quite rest.
    silence_knot = silence + 0.02 * (intense - silence)
    calm = max(calm, silence_knot + 0.01 * (intense - silence))
    most = max(most, intense + 0.1 * (intense - silence))
    return np.array([silence_knot, calm, intense, most], np.float32), silence


@torch.inference_mode()
def _quality(pair: Pair, sound: Sound, unseen: Sound, scale: Scale) -> dict[str, float]:
    """How well unseen tracks are rebuilt, beside PCA, and how the mean follows intensity."""
    rng = np.random.default_rng(2)
    starts = rng.choice(unseen.starts, min(8000, len(unseen.starts)), replace=False)
    pictures = scale.pictures(unseen.strips(starts)[:, :FRAMES])
    windows = pictures[:, 0, :, :COEFFICIENTS]
    values = torch.cat([pair.encoder(part)[:, 0] for part in pictures.split(500)])
    rebuilt = torch.cat([pair.decoder(part) for part in values.split(500)])
    plain = torch.from_numpy(unseen.plain[starts])
    spectrum = torch.linalg.svdvals(values - values.mean(dim=0)).square()
    used = int((spectrum.cumsum(0) / spectrum.sum() < USED).sum()) + 1
    others = rng.choice(sound.starts, min(20_000, len(sound.starts)))
    seen = scale.pictures(sound.strips(others)[:, :FRAMES])
    seen = seen[:, 0, :, :COEFFICIENTS].flatten(1)
    centre = seen.mean(dim=0)
    axes = torch.linalg.eigh((seen - centre).T @ (seen - centre)).eigenvectors[:, -used:]
    flat = windows.flatten(1) - centre
    by_pca = ((flat @ axes) @ axes.T + centre).reshape(windows.shape)
    follows = correlation(values.mean(dim=1), torch.from_numpy(unseen.wanted(starts)[:, 0]))
    figures = {
        "explained_variance": 1.0 - float(_unexplained(rebuilt, windows)),
        "explained_variance_usual_level": 1.0 - float(_unexplained(rebuilt[plain], windows[plain])),
        "dimensions_used": used,
        "pca_explained_variance": 1.0 - float(_unexplained(by_pca, windows)),
        "mean_intensity_correlation": float(follows),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def _commit() -> str:
    """Return the commit that is trained with; ``+`` marks changes that are not in it."""
    git = ["git", "-C", str(Path(__file__).parent)]
    head = subprocess.run(  # noqa: S603
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    dirty = subprocess.run([*git, "diff", "--quiet", "HEAD"], check=False)  # noqa: S603
    return head.stdout.strip() + ("+" if dirty.returncode else "")


def _write(
    out: Path,
    encoder: Encoder,
    scale: Scale,
    *,
    knots: NDArray[np.float32],
    record: dict[str, object],
) -> None:
    weights = {
        k: v.contiguous().numpy() for k, v in encoder.state_dict().items() if "num_batches" not in k
    }
    out.mkdir(parents=True, exist_ok=True)
    trained = Trained(weights, scale.low, scale.high, knots, export_onnx(encoder))
    trained.save(out / "encoder.safetensors")
    replace_file(out / "encoder.json", (json.dumps(record, indent=2) + "\n").encode())


def _plot(path: Path, losses: dict[str, list[float]]) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    width = max(1, min(50, len(losses["intensity"]) // 4))
    for name, values in losses.items():
        axes.semilogy(np.convolve(values, np.ones(width) / width, "valid"), label=name)
    axes.set(xlabel="step", ylabel="unexplained share, 1 − correlation")
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
