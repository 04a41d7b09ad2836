"""Training loop of encoder and decoder: initialisation, loss, steps and checkpoints."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from tqdm import tqdm

from tools.train.encoder_sound import Scale, Sound
from tools.train.record import Progress
from vjnode.audio.features.analyser import COEFFICIENTS
from vjnode.modulation.encoder.input import FRAMES
from vjnode.modulation.encoder.network import (
    Decoder,
    Encoder,
    correlation,
    init_least_squares,
    init_principal,
)

ANYWHERE, TRACKS, PASSAGES = 16, 4, 8
"""Numbers in a batch per process: strips from anywhere, tracks, and strips from each of these."""
RATE = 3e-3
"""Highest learning rate of the encoder."""
STARTED_ON = 2_000
"""Number of strips from which the encoder is initialised."""
FITTED_ON, FITTING, EPOCHS, FIT_RATE = 20_000, 200, 2, 2e-5
"""Decoder training: number of windows, batch size, epochs, highest learning rate."""
CHECKPOINT_EVERY = 100


def start(encoder: Encoder, sound: Sound, scale: Scale, seed: int) -> None:
    """Initialise ``encoder`` to describe ``sound``; its mean has no meaning yet."""
    starts = np.random.default_rng(seed).choice(sound.starts, STARTED_ON)
    init_principal(encoder.eval().describing, scale.pictures(sound.strips(starts)))


def train(
    encoder: Encoder,
    sound: Sound,
    scale: Scale,
    steps: int,
    *,
    seed: int,
    rank: int,
    checkpoint: Path,
    resume: bool,
) -> Progress:
    """Train the intensity branch until ``steps`` are made, in step with other processes, if any.

    A run that is resumed with its original number of steps continues as if it had not been
    interrupted. With more steps, the remaining ones are a round of their own.
    """
    progress = Progress()
    same_round: dict[str, Any] | None = None
    if resume and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        encoder.load_state_dict(saved["encoder"])
        progress = Progress(**saved["progress"])
        same_round = saved if saved["steps"] == steps else None
    first = progress.step
    begun = first if same_round is None else same_round["begun"]
    branch: nn.Module = encoder.intensity.train()
    optimiser = torch.optim.Adam(branch.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=max(1, steps - begun), pct_start=0.1
    )
    if same_round is not None:
        optimiser.load_state_dict(same_round["optimiser"])
        schedule.load_state_dict(same_round["schedule"])
    if distributed.is_initialized():
        branch = nn.parallel.DistributedDataParallel(branch)
    passages = sound.passages()
    begun_s = time.monotonic() - 60.0 * progress.minutes
    bar = tqdm(
        range(first, steps),
        "train",
        unit="step",
        initial=first,
        total=steps,
        disable=rank > 0,
        mininterval=1.0,
    )
    for step in bar:
        # Drawn by the step's own seed, so that a resumed run sees the same data.
        starts = _draw(sound, passages, np.random.default_rng((seed, rank, step)))
        means = branch(scale.pictures(sound.strips(starts))).mean(dim=(1, 3))
        unordered = 1.0 - _order(means, torch.from_numpy(sound.wanted(starts)))
        optimiser.zero_grad()
        torch.autograd.backward(unordered)
        optimiser.step()
        schedule.step()
        progress.losses.append(float(unordered.detach()))
        progress.step, progress.minutes = step + 1, (time.monotonic() - begun_s) / 60.0
        if step % 20 == 0:
            bar.set_postfix(intensity=f"{np.mean(progress.losses[-20:]):.4f}")
        if rank == 0 and (step + 1) % CHECKPOINT_EVERY == 0:
            kept: dict[str, object] = {"encoder": encoder.state_dict()}
            kept |= {"progress": asdict(progress), "steps": steps, "begun": begun}
            kept |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    encoder.eval()
    return progress


def fit_decoder(
    encoder: Encoder, sound: Sound, scale: Scale, seed: int
) -> tuple[Decoder, list[float]]:
    """Train a decoder for the trained encoder, which stays fixed; return it and its losses."""
    rng = np.random.default_rng((seed, 1))
    values, wanted = encoded(encoder, sound.strips(rng.choice(sound.starts, FITTED_ON)), scale)
    decoder, losses = Decoder().eval(), []
    init_least_squares(decoder, values, wanted)
    optimiser = torch.optim.Adam(decoder.parameters())
    count = -(-len(values) // FITTING)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, FIT_RATE, total_steps=EPOCHS * count, pct_start=0.1
    )
    for _ in tqdm(range(EPOCHS), "decoder", unit="epoch"):
        for part in torch.split(torch.from_numpy(rng.permutation(len(values))), FITTING):
            loss = unexplained_share(decoder(values[part]), wanted[part])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
    return decoder, losses


@torch.no_grad()
def encoded(encoder: Encoder, strips: NDArray[np.float32], scale: Scale) -> tuple[Tensor, Tensor]:
    """Return values, (n, 512), of each strip's first window, and these windows, (n, 32, 13)."""
    values, wanted = [], []
    for part in np.array_split(strips[:, :FRAMES], -(-len(strips) // 500)):
        pictures = scale.pictures(part)
        values.append(encoder(pictures)[:, 0])
        wanted.append(pictures[:, 0, :, :COEFFICIENTS])
    return torch.cat(values), torch.cat(wanted)


def _draw(
    sound: Sound, passages: list[NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return random starts of a batch: ``ANYWHERE``, then ``PASSAGES`` of each of ``TRACKS``."""
    tracks = rng.choice(len(passages), TRACKS)
    drawn = [rng.choice(passages[track], PASSAGES) for track in tracks]
    return np.concatenate([rng.choice(sound.starts, ANYWHERE), *drawn])


def _order(means: Tensor, wanted: Tensor) -> Tensor:
    """Return how well means follow intensity, 1 at best; shapes (n, STRIP), n as in ``_draw``.

    Over all levels the order is mostly that of the levels, and over all tracks mostly that of
    their sounds; within a track it is that of the music, which is therefore counted separately.
    """
    within = [
        correlation(mean, want)
        for mean, want in zip(
            torch.split(means[ANYWHERE:], PASSAGES),
            torch.split(wanted[ANYWHERE:], PASSAGES),
            strict=True,
        )
    ]
    return 0.5 * correlation(means, wanted) + 0.5 * torch.stack(within).mean()


def unexplained_share(rebuilt: Tensor, windows: Tensor) -> Tensor:
    """Return the share of the windows' variance, by coefficient means, that is not rebuilt."""
    variance = (windows - windows.mean(dim=(0, 1))).square().sum()
    return (rebuilt - windows).square().sum() / variance
