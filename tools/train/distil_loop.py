"""Training loop of the reduced networks: loss, optimisers, steps and checkpoints."""

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed
from torch.nn import functional as F  # noqa: N812 (torch's own convention)
from tqdm import tqdm

from tools.train.distil_data import Data
from tools.train.distil_pairs import PX
from tools.train.distil_start import NOISE_STRENGTH
from tools.train.muon import Muon
from tools.train.record import Progress
from vjnode.generators.mobilestylegan.distilled import DistilledSynthesis

LATER, ALL = PARTS = ("later", "all")
"""Parts that are trained: first the blocks after the first one, then that one too."""
RATES = {LATER: 8e-3, ALL: 4e-3}
"""Highest learning rates, in root mean squares of the weights at the start."""
COARSE = 0.2
"""Weight of the coarsest picture in the loss, relative to the finest."""
LEAST_MATRIX = 12
"""Least sides of a weight that is trained as a matrix; a ToRGB layer has twelve outputs."""
CHECKPOINT_EVERY = 100


def train(
    tail: DistilledSynthesis,
    data: Data,
    part: str,
    steps: int,
    *,
    rate: float,
    batch: int,
    seed: int,
    rank: int,
    checkpoint: Path,
) -> Progress:
    """Train a part of ``tail`` until ``steps`` are made, from a checkpoint if there is one.

    A run that is resumed with more steps than it was started with makes the rest a round of its
    own.
    """
    mine = []
    for name, weight in tail.named_parameters():
        if weight.requires_grad_(part == ALL or not name.startswith("block.")).requires_grad:
            mine.append(weight)
    optimisers = _optimisers(mine, rate)
    rates = [group["lr"] for one in optimisers for group in one.param_groups]
    progress, begun = Progress(), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        progress = Progress(**saved["progress"])
        tail.load_state_dict(saved["tail"])
        begun = saved["begun"] if saved["steps"] == steps else progress.step
        for one, state in zip(optimisers, saved["optimisers"], strict=True):
            one.load_state_dict(state)
    begun_s = time.monotonic() - 60.0 * progress.minutes
    ranks = distributed.get_world_size() if distributed.is_initialized() else 1
    bar = tqdm(
        range(progress.step, steps),
        f"train {part}",
        initial=progress.step,
        total=steps,
        disable=rank > 0,
        mininterval=1.0,
    )
    for step in bar:
        done = (step - begun) / max(steps - begun, 1)
        share = min(1.0, (step - begun + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * done))
        groups = [group for one in optimisers for group in one.param_groups]
        for group, highest in zip(groups, rates, strict=True):
            group["lr"] = highest * share
        # Drawn by the step's own seed, so that a resumed run sees the same data.
        places = np.random.default_rng((seed, rank, step)).choice(len(data.codes), batch)
        loss, finest = _loss(tail, part, data.batch(places))
        tail.zero_grad()
        torch.autograd.backward(loss)
        if ranks > 1:
            _share_gradients(mine, ranks)
        for one in optimisers:
            one.step()
        progress.losses.append(finest)
        progress.step, progress.minutes = step + 1, (time.monotonic() - begun_s) / 60.0
        if step % 20 == 0:
            bar.set_postfix(dB=f"{-10 * np.log10(np.mean(progress.losses[-50:])):.2f}")
        if rank == 0 and ((step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == steps):
            states = [one.state_dict() for one in optimisers]
            kept: dict[str, object] = {"tail": tail.state_dict(), "optimisers": states}
            kept |= {"progress": vars(progress), "steps": steps, "begun": begun}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    return progress


def _optimisers(weights: list[torch.nn.Parameter], rate: float) -> list[torch.optim.Optimizer]:
    """Return the optimisers of the matrices among ``weights``, and of the rest."""

    def group(weight: torch.nn.Parameter) -> dict[str, object]:
        size = max(float(weight.detach().square().mean().sqrt()), 1e-2)
        return {"params": [weight], "lr": rate * size}

    matrices = [
        weight for weight in weights if weight.ndim > 1 and min(weight.shape[:2]) >= LEAST_MATRIX
    ]
    rest = [weight for weight in weights if all(weight is not matrix for matrix in matrices)]
    adam = torch.optim.Adam([group(weight) for weight in rest], betas=(0.9, 0.98))
    return [Muon([group(weight) for weight in matrices]), adam]


def _loss(
    tail: DistilledSynthesis, part: str, batch: tuple[Tensor, Tensor, Tensor]
) -> tuple[Tensor, float]:
    """Return the loss, and the mean squared error of the finest picture in 0…1."""
    x, codes, wanted = batch
    if part == ALL:
        x = tail.first(x, codes, NOISE_STRENGTH)
    coarse, fine = errors(tail.pictures(x, codes, NOISE_STRENGTH), wanted)
    return fine.mean() + COARSE * coarse.mean(), float(fine.mean().detach())


def errors(pictures: list[Tensor], wanted: Tensor) -> list[Tensor]:
    """Return the mean squared errors, each [n], of pictures of several sizes, in 0…1."""
    return [
        (0.5 * (picture - F.avg_pool2d(wanted, PX // picture.shape[-1]))).square().mean((1, 2, 3))
        for picture in pictures
    ]


def _share_gradients(weights: list[torch.nn.Parameter], ranks: int) -> None:
    """Replace the gradients by their mean over all processes."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    parts = torch.split(flat / ranks, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
