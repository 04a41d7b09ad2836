"""How the encoder is trained: the loss, two phases of steps, and checkpoints between them."""

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from tqdm import tqdm
from training_sound import STRIP, Scale, Sound

from vjnode.audio.analysis import COEFFICIENTS
from vjnode.drive.encoder import Decoder, Encoder, correlation, init_linear, init_principal
from vjnode.drive.window import FRAMES

ANYWHERE, TRACKS, PASSAGES, REBUILT = 16, 2, 8, 4
"""A batch per process: so many strips from anywhere, and from so many tracks so many each. Of each
strip so many windows are rebuilt."""
INTENSITY_SHARES = (0.3, 2.0)
"""Weight of the order of intensities beside what is not rebuilt; before and after settling."""
RATES = ((2e-4, 3e-3), (3e-4, 1.5e-3))
"""Highest learning rates of encoder and decoder, before and after settling. The encoder starts near
where it is going; a decoder that still knows nothing must not drive it away from there."""
CHECKPOINT_EVERY = 100


@dataclass(frozen=True)
class Plan:
    """How many steps are made.

    lively: with the normalisation that each batch gives itself, which finds the way.
    settled: after that with the statistics that it has come to; those of single batches are noise,
        which hides the finer half of a window.
    """

    lively: int
    settled: int

    @property
    def total(self) -> int:
        """All steps."""
        return self.lively + self.settled


@dataclass
class Progress:
    """What a checkpoint keeps. minutes: of all processes at work, over all runs."""

    step: int = 0
    minutes: float = 0.0
    losses: dict[str, list[float]] = field(
        default_factory=lambda: {"reconstruction": [], "intensity": []}
    )


class Pair(nn.Module):
    """Encoder and decoder, trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        init_linear(self.decoder)

    def prepare(self, sound: Sound, scale: Scale, seed: int) -> None:
        """Start the encoder from what ``sound`` is like."""
        starts = np.random.default_rng(seed).choice(sound.starts, 1000)
        init_principal(self.encoder, scale.pictures(sound.strips(starts)))

    def forward(self, pictures: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of all windows, (n, t), and ``which`` of them rebuilt."""
        values = self.encoder(pictures)
        return values.mean(dim=2), self.decoder(values[:, which].flatten(0, 1))


def train(
    pair: Pair,
    sound: Sound,
    scale: Scale,
    plan: Plan,
    *,
    seed: int,
    rank: int,
    checkpoint: Path,
    resume: bool,
) -> Progress:
    """Make the steps of ``plan``, in step with the other processes if there are any.

    A run that is resumed with the plan that it was begun with goes on as if it had not been ended.
    With another plan, the steps that are left are a phase of their own.
    """
    pair.to(memory_format=torch.channels_last)
    progress, saved = Progress(), None
    if resume and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        pair.load_state_dict(saved["pair"])
        progress = Progress(**saved["progress"])
    trainee = nn.parallel.DistributedDataParallel(pair) if distributed.is_initialized() else pair
    # A checkpoint at the end of the lively phase belongs to that; what follows begins anew.
    goes_on = saved is not None and saved["plan"] == [plan.lively, plan.settled]
    goes_on = goes_on and progress.step != plan.lively
    trainee = nn.parallel.DistributedDataParallel(pair) if distributed.is_initialized() else pair
    passages = sound.passages()
    first, phase_begun = progress.step, progress.step
    begun_s = time.monotonic() - 60.0 * progress.minutes
    bar = tqdm(
        range(first, plan.total),
        "train",
        unit="step",
        initial=first,
        total=plan.total,
        disable=rank > 0,
        mininterval=1.0,
    )
    for step in bar:
        if step in (first, plan.lively):
            phase_begun = saved["phase_begun"] if goes_on and step == first else step
            optimiser, schedule = _optimisation(pair, plan, phase_begun)
            if goes_on and step == first:
                optimiser.load_state_dict(saved["optimiser"])
                schedule.load_state_dict(saved["schedule"])
        # Drawn from the step's own seed, so that a resumed run sees what it would have seen.
        rng = np.random.default_rng((seed, rank, step))
        starts = _draw(sound, passages, rng)
        pictures = scale.pictures(sound.strips(starts))
        which = torch.from_numpy(rng.choice(STRIP, REBUILT, replace=False))
        means, rebuilt = trainee(pictures, which)
        unexplained = unexplained_share(rebuilt, windows(pictures, which))
        unordered = 1.0 - _order(means, torch.from_numpy(sound.wanted(starts)))
        optimiser.zero_grad()
        (unexplained + INTENSITY_SHARES[step >= plan.lively] * unordered).backward()
        optimiser.step()
        schedule.step()
        progress.losses["reconstruction"].append(float(unexplained.detach()))
        progress.losses["intensity"].append(float(unordered.detach()))
        progress.step, progress.minutes = step + 1, (time.monotonic() - begun_s) / 60.0
        if step % 20 == 0:
            bar.set_postfix({k: f"{np.mean(v[-20:]):.3f}" for k, v in progress.losses.items()})
        if rank == 0 and (step + 1) % CHECKPOINT_EVERY == 0:
            kept = {"progress": asdict(progress), "plan": [plan.lively, plan.settled]}
            kept |= {"phase_begun": phase_begun, "pair": pair.state_dict()}
            kept |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    pair.eval()
    return progress


def _draw(
    sound: Sound, passages: list[NDArray[np.int64]], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the starts of a batch: ``ANYWHERE``, then ``PASSAGES`` for each of ``TRACKS``."""
    tracks = rng.choice(len(passages), TRACKS)
    drawn = [rng.choice(passages[track], PASSAGES) for track in tracks]
    return np.concatenate([rng.choice(sound.starts, ANYWHERE), *drawn])


def _order(means: Tensor, wanted: Tensor) -> Tensor:
    """How well the means follow intensity, 1 at best; shapes (n, STRIP), n as ``_draw`` has it.

    Over all levels the order is mostly that of the levels, and over all tracks mostly that of
    their sounds; within a track it is the music's, so that counts apart.
    """
    within = [
        correlation(mean, want)
        for mean, want in zip(
            means[ANYWHERE:].split(PASSAGES), wanted[ANYWHERE:].split(PASSAGES), strict=True
        )
    ]
    return 0.5 * correlation(means, wanted) + 0.5 * torch.stack(within).mean()


def _optimisation(
    pair: Pair, plan: Plan, step: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Return what steers a phase of steps that begins at ``step``."""
    settled = step >= plan.lively
    if settled:
        for module in pair.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    parts = [pair.encoder.parameters(), pair.decoder.parameters()]
    optimiser = torch.optim.AdamW([{"params": part} for part in parts], weight_decay=1e-4)
    steps = (plan.total if settled else plan.lively) - step
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATES[settled], total_steps=max(1, steps), pct_start=0.1
    )
    return optimiser, schedule


def windows(pictures: Tensor, which: Tensor) -> Tensor:
    """Normalised MFCCs of the windows that begin at frames ``which``, shape (n, 32, 13)."""
    frames = which[:, None] + torch.arange(FRAMES)
    return pictures[:, 0][:, frames, :COEFFICIENTS].flatten(0, 1)


def unexplained_share(rebuilt: Tensor, windows: Tensor) -> Tensor:
    """Share of the windows' variance about the mean of each coefficient that is not rebuilt."""
    variance = (windows - windows.mean(dim=(0, 1))).square().sum()
    return (rebuilt - windows).square().sum() / variance
