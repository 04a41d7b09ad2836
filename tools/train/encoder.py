"""Train the sound encoder on music and write presets/encoder/.

    python -m tools.train.encoder                      fetch Debian's music, train, calibrate
    python -m tools.train.encoder --music DIR DIR ...  train on your own folders instead
    torchrun --nproc-per-node 2 -m tools.train.encoder  several processes, one thread each
    python -m tools.train.encoder --resume             continue an interrupted run
    python -m tools.train.encoder --resume --steps 9000            train a finished run further

Needs no labels; see vjnode.modulation.encoder.network for the loss. About an hour on two cores.
"""

import argparse
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed

from tools.data import music
from tools.train import encoder_loop as loop
from tools.train import encoder_sound as training_sound
from tools.train.encoder_sound import Scale, Sound
from tools.train.record import commit
from vjnode.audio.features.analyser import COEFFICIENTS
from vjnode.modulation.encoder.export import export_onnx
from vjnode.modulation.encoder.input import FRAMES
from vjnode.modulation.encoder.network import Decoder, Encoder, correlation
from vjnode.modulation.encoder.weights import Trained
from vjnode.paths import cache_dir, replace_file, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

AUDIBLE = 0.05
"""Intensity of pink noise at about -65 dBFS; fades below it do not count as calm music."""
PERCENTILES = (15.0, 85.0, 99.95)
USED = 0.99
"""Share of the bottleneck's variance that defines its number of used dimensions."""


def main() -> None:
    """Train, calibrate, measure and write."""
    options = _options()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if ranks > 1:
        distributed.init_process_group("gloo", timeout=timedelta(hours=6))

    work = cache_dir("training")
    if rank > 0:
        distributed.barrier()  # after it, the first process's data are in the cache
    folders = options.music or training_sound.debian(work)
    sound, train, held_out = training_sound.heard_all(folders, work, options.seed)
    if rank == 0 and ranks > 1:
        distributed.barrier()
    scale = training_sound.scale_of(sound.mfcc)
    encoder = Encoder()
    loop.start(encoder, sound, scale, options.seed)
    progress = loop.train(
        encoder,
        sound,
        scale,
        options.steps,
        seed=options.seed,
        rank=rank,
        checkpoint=work / "checkpoint.pt",
        resume=options.resume,
    )
    if rank == 0:
        torch.set_num_threads(options.threads * ranks)  # the other processes have finished
        decoder, fitting = loop.fit_decoder(encoder, sound, scale, options.seed)
        unseen = training_sound.heard(held_out, work, options.seed)
        knots, silence = _calibrate(encoder, sound, scale)
        strips = loop.ANYWHERE + loop.TRACKS * loop.PASSAGES
        record = {
            "music": [f.name for f in options.music or ()] or music.versions(folders[0]),
            "speech": [] if options.music else list(music.VOICES),
            "tracks": {"train": len(train), "held_out": len(held_out)},
            "long_tracks_held_out": _names(held_out, folders),
            "hours": {
                "train": round(sum(track.duration_s for track in train) / 3600, 2),
                "held_out": round(sum(track.duration_s for track in held_out) / 3600, 2),
            },
            "offsets_db": training_sound.OFFSETS_DB,
            "percentiles": PERCENTILES,
            "seed": options.seed,
            "steps": options.steps,
            "processes": ranks,
            "batch": {"strips": strips * ranks, "windows": training_sound.STRIP},
            "minutes": round(progress.minutes, 4),
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "torch": torch.__version__,
            "loss_last_100": {
                "intensity": round(float(np.mean(progress.losses[-100:])), 4),
                "reconstruction": round(float(np.mean(fitting[-100:])), 4),
            },
            "held_out": _quality(encoder, decoder, sound, unseen, scale),
            "mean_of_silence": round(silence, 5),
            "knots": [round(float(knot), 5) for knot in knots],
        }
        _write(options.out, encoder, scale, knots=knots, record=record)
        _plot(options.out / "loss.png", progress.losses, fitting)
        print(json.dumps(record, indent=2))
    if ranks > 1:
        distributed.destroy_process_group()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train.encoder", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--music", type=Path, nargs="+", help="folders of audio files")
    parser.add_argument("--out", type=Path, default=shipped("encoder"))
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    return parser.parse_args()


def _names(tracks: list[music.Track], folders: list[Path]) -> list[str]:
    """Return the long ones of ``tracks``, each as its path relative to its folder."""
    return [
        track.path.relative_to(folder).as_posix()
        for track in tracks
        for folder in folders
        if track.duration_s >= music.LONG_S and track.path.is_relative_to(folder)
    ]


@torch.inference_mode()
def _calibrate(encoder: Encoder, sound: Sound, scale: Scale) -> tuple[NDArray[np.float32], float]:
    """Return the means that correspond to the weights of ``LEVELS``, and the mean of silence."""
    silent = np.broadcast_to(training_sound.silence(), (1, FRAMES, COEFFICIENTS))
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
    # A small margin over silence, within which the face is at rest.
    silence_knot = silence + 0.02 * (intense - silence)
    calm = max(calm, silence_knot + 0.01 * (intense - silence))
    most = max(most, intense + 0.1 * (intense - silence))
    return np.array([silence_knot, calm, intense, most], np.float32), silence


@torch.inference_mode()
def _quality(
    encoder: Encoder, decoder: Decoder, sound: Sound, unseen: Sound, scale: Scale
) -> dict[str, float]:
    """Return figures on unseen tracks: of rebuilding, beside PCA's, and of following intensity."""
    rng = np.random.default_rng(2)
    starts = rng.choice(unseen.starts, min(8000, len(unseen.starts)), replace=False)
    values, windows = loop.encoded(encoder, unseen.strips(starts), scale)
    rebuilt = torch.cat([decoder(part) for part in torch.split(values, 500)])
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
    usual = loop.unexplained_share(rebuilt[plain], windows[plain])
    figures = {
        "explained_variance": 1.0 - float(loop.unexplained_share(rebuilt, windows)),
        "explained_variance_usual_level": 1.0 - float(usual),
        "dimensions_used": used,
        "pca_explained_variance": 1.0 - float(loop.unexplained_share(by_pca, windows)),
        "mean_intensity_correlation": float(follows),
    }
    return {name: round(value, 4) for name, value in figures.items()}


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


def _plot(path: Path, ordering: list[float], fitting: list[float]) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    curves = (
        ("encoder: 1 − correlation of mean and intensity", ordering),
        (
            "decoder: unexplained share",
            fitting,
        ),
    )
    for ax, (title, losses) in zip(axes, curves, strict=True):
        width = max(1, min(50, len(losses) // 4))
        ax.semilogy(np.convolve(losses, np.ones(width) / width, "valid"))
        ax.set(xlabel="step", title=title)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
