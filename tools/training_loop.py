"""How the encoder is trained: its start, the loss, the steps, and checkpoints between them."""

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
from vjnode.drive.encoder import Decoder, Encoder, correlation, init_least_squares, init_principal
from vjnode.drive.window import FRAMES

ANYWHERE, TRACKS, PASSAGES, REBUILT = 16, 2, 8, 4
"""A batch per process: so many strips from anywhere, and from so many tracks so many each. Of each
strip so many windows are rebuilt."""
INTENSITY_SHARE = 2.0
"""Weight of the order of intensities beside what is not rebuilt."""
RATES = (1e-4, 5e-5)
"""Highest learning rates of encoder and decoder, which start near where they are going."""
STARTED_ON = 12_000
"""Windows that they start from."""
FINISHED_ON, FINISHING, EPOCHS = 40_000, 200, 6
"""Windows, of a batch, and rounds over them, with which the decoder is fitted in the end."""
CHECKPOINT_EVERY = 100


@dataclass
class Progress:
    """What a checkpoint keeps. minutes: of all processes at work, over all runs."""

    step: int = 0
    minutes: float = 0.0
    losses: dict[str, list[float]] = field(
        default_factory=lambda: {"reconstruction": [], "intensity": []}
    )


class Pair(nn.Module):
    """Encoder and decoder, trained together.

    Batch normalisation keeps the statistics that the start has given it: those of single batches
    are noise, which hides the finer half of a window.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.eval()

    def start_from(self, sound: Sound, scale: Scale, seed: int) -> None:
        """Make of both nets the best linear ones for what ``sound`` is like."""
        starts = np.random.default_rng(seed).choice(sound.starts, STARTED_ON)
        init_principal(self.encoder, scale.pictures(sound.strips(starts[: STARTED_ON // 8])))
        init_least_squares(self.decoder, *self.encoded(sound.strips(starts), scale))

    @torch.no_grad()
    def encoded(self, strips: NDArray[np.float32], scale: Scale) -> tuple[Tensor, Tensor]:
        """Return the values, (n, 512), of the first window of each strip, and those windows."""
        values, wanted = [], []
        for part in np.array_split(strips[:, :FRAMES], -(-len(strips) // 500)):
            pictures = scale.pictures(part)
            values.append(self.encoder(pictures)[:, 0])
            wanted.append(pictures[:, 0, :, :COEFFICIENTS])
        return torch.cat(values), torch.cat(wanted)

    def forward(self, pictures: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of all windows, (n, t), and ``which`` of them rebuilt."""
        values = self.encoder(pictures)
        return values.mean(dim=2), self.decoder(values[:, which].flatten(0, 1))


def train(
    pair: Pair,
    sound: Sound,
    scale: Scale,
    steps: int,
    *,
    seed: int,
    rank: int,
    checkpoint: Path,
    resume: bool,
) -> Progress:
    """Train until ``steps`` are made, in step with the other processes if there are any.

    A run that is resumed with the steps that it was begun with goes on as if it had not been
    ended. With more steps, those that are left are a round of their own.
    """
    pair.to(memory_format=torch.channels_last)
    progress, saved = Progress(), None
    if resume and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        pair.load_state_dict(saved["pair"])
        progress = Progress(**saved["progress"])
    first, begun = progress.step, progress.step
    goes_on = saved is not None and saved["steps"] == steps
    if goes_on:
        begun = saved["begun"]
    parts = [pair.encoder.parameters(), pair.decoder.parameters()]
    optimiser = torch.optim.AdamW([{"params": part} for part in parts], weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATES, total_steps=max(1, steps - begun), pct_start=0.1
    )
    if goes_on:
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
    trainee = nn.parallel.DistributedDataParallel(pair) if distributed.is_initialized() else pair
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
        # Drawn from the step's own seed, so that a resumed run sees what it would have seen.
        rng = np.random.default_rng((seed, rank, step))
        starts = _draw(sound, passages, rng)
        pictures = scale.pictures(sound.strips(starts))
        which = torch.from_numpy(rng.choice(STRIP, REBUILT, replace=False))
        means, rebuilt = trainee(pictures, which)
        unexplained = unexplained_share(rebuilt, windows(pictures, which))
        unordered = 1.0 - _order(means, torch.from_numpy(sound.wanted(starts)))
        optimiser.zero_grad()
        (unexplained + INTENSITY_SHARE * unordered).backward()
        optimiser.step()
        schedule.step()
        progress.losses["reconstruction"].append(float(unexplained.detach()))
        progress.losses["intensity"].append(float(unordered.detach()))
        progress.step, progress.minutes = step + 1, (time.monotonic() - begun_s) / 60.0
        if step % 20 == 0:
            bar.set_postfix({k: f"{np.mean(v[-20:]):.3f}" for k, v in progress.losses.items()})
        if rank == 0 and (step + 1) % CHECKPOINT_EVERY == 0:
            kept = {"progress": asdict(progress), "steps": steps, "begun": begun}
            kept |= {"pair": pair.state_dict()}
            kept |= {"optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    return progress


def finish(pair: Pair, sound: Sound, scale: Scale, seed: int) -> None:
    """Fit the decoder once more, to the encoder as it has become, which rests."""
    rng = np.random.default_rng((seed, 1))
    values, wanted = pair.encoded(sound.strips(rng.choice(sound.starts, FINISHED_ON)), scale)
    init_least_squares(pair.decoder, values, wanted)
    optimiser = torch.optim.AdamW(pair.decoder.parameters(), weight_decay=1e-4)
    count = -(-len(values) // FINISHING)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATES[1], total_steps=EPOCHS * count, pct_start=0.1
    )
    for _ in tqdm(range(EPOCHS), "finish", unit="epoch"):
        for part in torch.from_numpy(rng.permutation(len(values))).split(FINISHING):
            loss = unexplained_share(pair.decoder(values[part]), wanted[part])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


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


def windows(pictures: Tensor, which: Tensor) -> Tensor:
    """Normalised MFCCs of the windows that begin at frames ``which``, shape (n, 32, 13)."""
    frames = which[:, None] + torch.arange(FRAMES)
    return pictures[:, 0][:, frames, :COEFFICIENTS].flatten(0, 1)


def unexplained_share(rebuilt: Tensor, windows: Tensor) -> Tensor:
    """Share of the windows' variance about the mean of each coefficient that is not rebuilt."""
    variance = (windows - windows.mean(dim=(0, 1))).square().sum()
    return (rebuilt - windows).square().sum() / variance
