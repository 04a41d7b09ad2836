"""Train a live network (vjnode.generators.mobilestylegan.distilled) and write presets/heads/.

    python -m tools.train.distil 256                               draw pairs, train, measure
    torchrun --nproc-per-node 2 -m tools.train.distil 256          several processes
    python -m tools.train.distil 256 --resume                      continue an interrupted run
    python -m tools.train.distil 256 --resume --steps 9000 2000    train a finished run further
    python -m tools.train.distil 256 --begin-from presets/heads/heads.safetensors --steps 0 9000
                                                                  train a kept network further

It is initialised with the generator's weights and learns to draw the generator's pictures: at first
without training its first block, which is the largest and has the best start, then as a whole.
About an hour on two cores, and half an hour to draw the pairs.
"""

import argparse
import json
import math
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from safetensors.numpy import load_file, save
from torch import Tensor, distributed
from torch.nn import functional as F  # noqa: N812 (torch's own convention)
from tqdm import tqdm

from tools.train import distil_pairs as head_pairs
from tools.train import distil_start as head_start
from tools.train.distil_data import Data, first_block, given_to_first_block, parts, read
from tools.train.distil_pairs import PX, make_pairs, read_pairs
from tools.train.distil_start import TEXTURE
from tools.train.muon import Muon
from tools.train.record import Progress, commit
from vjnode.engines.build.manifest import sha256_of
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.distilled import PLANS, DistilledSynthesis, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.model import load
from vjnode.paths import cache_dir, replace_file, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

HELD_OUT_SEED = 1_000_000
LATER, ALL = PARTS = ("later", "all")
"""Parts that are trained: first the blocks after the first one, then that one too."""
STARTED_ON, FITTED_ON = 24, 48
"""Numbers of pairs from which kernels and ToRGB layers are solved."""
STARTED_SHARDS = 16
"""Number of shards of pairs whose codes give the usual factors."""
RATES = {LATER: 8e-3, ALL: 4e-3}
"""Highest learning rates, in root mean squares of the weights at the start."""
COARSE = 0.2
"""Weight of the coarsest picture in the loss, relative to the finest."""
LEAST_MATRIX = 12
"""Least sides of a weight that is trained as a matrix; a ToRGB layer has twelve outputs."""
CHECKPOINT_EVERY = 100


def main() -> None:
    """Draw, start, train, measure and write."""
    options = _options()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(options.threads or (1 if ranks > 1 else os.cpu_count() or 1))
    torch.manual_seed(options.seed)
    if ranks > 1:
        distributed.init_process_group("gloo", timeout=timedelta(hours=6))
    folder = cache_dir("training", "heads")
    if rank == 0:  # it draws the pairs of all processes
        make_pairs(folder, options.seed, options.pairs, head_pairs.any_code, "pairs")
        make_pairs(folder, HELD_OUT_SEED, options.held_out, head_pairs.shown_code, "held out")
    if ranks > 1:
        distributed.barrier()
    shards = make_pairs(folder, options.seed, options.pairs, head_pairs.any_code, "pairs")
    held = make_pairs(folder, HELD_OUT_SEED, options.held_out, head_pairs.shown_code, "held out")
    plan = PLANS[options.size]
    # Networks of other widths have checkpoints of their own.
    width = "-".join(map(str, (plan.middle, plan.fine_groups, *np.ravel((*plan.flat, plan.fine)))))
    kept = {part: folder / f"{options.size}-{part}-{width}.pt" for part in ("start", *PARTS)}
    if rank == 0 and not (options.resume and kept["start"].exists()):
        for path in kept.values():
            path.unlink(missing_ok=True)
        torch.save(_begun(options, shards), kept["start"])
    if ranks > 1:
        distributed.barrier()
    tail, start = DistilledSynthesis(options.size), torch.load(kept["start"], weights_only=True)
    tail.load_state_dict(start["tail"])
    done: dict[str, Progress] = {}
    for part, steps in zip(PARTS, options.steps, strict=True):
        if kept[part].exists():
            saved = torch.load(kept[part], weights_only=True)
            gone_on = part == LATER and kept[ALL].exists()
            if gone_on or saved["progress"]["step"] >= steps:
                tail.load_state_dict(saved["tail"])
                done[part] = Progress(**saved["progress"])
                continue
        if not steps:
            continue
        done[part] = _train(
            tail,
            read(tail, shards[rank::ranks], whole=part == ALL),
            part,
            steps,
            rate=options.rate * RATES[part],
            batch=options.batch // ranks,
            seed=options.seed,
            rank=rank,
            checkpoint=kept[part],
        )
    if rank == 0:
        record = _record(options, ranks, done, start["begun_from"]) | _held_out(
            tail, read(tail, held, whole=False)
        )
        print(json.dumps(record["held_out"], indent=2))
        _write(options.out, tail, record)
        losses = {part: progress.losses for part, progress in done.items()}
        _plot(options.out / f"loss-{tail.size}.png", losses)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train.distil", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "size", type=int, choices=distilled_weights.SIZES, help="of its pictures, px"
    )
    parser.add_argument("--pairs", type=int, default=2000, help="5 MB of memory each")
    parser.add_argument("--held-out", type=int, default=50)
    parser.add_argument("--steps", type=int, nargs=2, default=(1500, 3000), metavar=PARTS)
    parser.add_argument("--batch", type=int, default=4, help="of all processes together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: all, or one for each process")
    parser.add_argument(
        "--rate", type=float, default=1.0, help="of learning, a multiple of the usual one"
    )
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--begin-from", type=Path, help="networks that were trained before")
    parser.add_argument("--out", type=Path, default=shipped("heads"))
    options = parser.parse_args()
    if not any(options.steps):
        parser.error("--steps 0 0 trains nothing")
    return options


def _begun(options: argparse.Namespace, shards: list[Path]) -> dict[str, object]:
    """Return the initial weights of a training, and the record of the network they are from."""
    if options.begin_from is None:
        tail = _started(options.size, shards[:STARTED_SHARDS])
        return {"tail": tail.state_dict(), "begun_from": {}}
    tail = load_tail(options.size, options.begin_from)
    records = options.begin_from.with_suffix(".json")
    known = json.loads(records.read_text()).get(str(options.size), {}) if records.exists() else {}
    known = {"sha256": sha256_of(options.begin_from), **known}
    return {"tail": tail.state_dict(), "begun_from": known}


def _started(size: int, shards: list[Path]) -> DistilledSynthesis:
    """Return a tail with the generator's weights and fitted ToRGB layers."""
    _, teacher = load(generator_weights())
    tail, first = DistilledSynthesis(size), read_pairs(shards[:1])
    given, codes = given_to_first_block(tail, first), torch.from_numpy(first.codes)
    layers = head_start.measured(
        teacher, tail.plan.trunk, given[:STARTED_ON].float(), codes[:STARTED_ON]
    )
    many = torch.from_numpy(read_pairs(shards).codes)
    tail = head_start.start(teacher, layers, many, size)
    data = Data(first_block(tail, given, codes), codes, torch.from_numpy(first.pictures))
    for level in (0, 1):
        head_start.fit_head(tail, level, parts(data, FITTED_ON))
    return tail


def _train(
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
        x = tail.first(x, codes, TEXTURE)
    coarse, fine = _errors(tail.pictures(x, codes, TEXTURE), wanted)
    return fine.mean() + COARSE * coarse.mean(), float(fine.mean().detach())


def _errors(pictures: list[Tensor], wanted: Tensor) -> list[Tensor]:
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


def _record(
    options: argparse.Namespace,
    ranks: int,
    done: dict[str, Progress],
    begun_from: dict[str, object],
) -> dict[str, object]:
    """Return the record of the training: its settings, data and progress."""
    return ({"begun_from": begun_from} if begun_from else {}) | {
        "pairs": options.pairs,
        "seed": options.seed,
        "truncations": head_pairs.TRUNCATIONS,
        "steps": {part: progress.step for part, progress in done.items()},
        "rate": options.rate,
        "batch": options.batch,
        "processes": ranks,
        "minutes": {part: round(progress.minutes, 4) for part, progress in done.items()},
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "torch": torch.__version__,
    }


@torch.inference_mode()
def _held_out(tail: DistilledSynthesis, data: Data) -> dict[str, object]:
    """Return the quality of the pictures of held-out faces, PSNR in dB."""
    errors = [
        _errors([picture.clamp(-1, 1) for picture in tail.pictures(x, c, TEXTURE)], wanted)[-1]
        for x, c, wanted in parts(data, len(data.codes))
    ]
    psnr = -10 * np.log10(torch.cat(errors).numpy())
    figures = {"mean": psnr.mean(), "lowest": psnr.min(), "highest": psnr.max()}
    about = {
        "faces": len(psnr),
        "seed": HELD_OUT_SEED,
        "truncations": head_pairs.SHOWN_TRUNCATIONS,
        "psnr_db": {name: round(float(value), 2) for name, value in figures.items()},
    }
    return {"held_out": about}


def _write(out: Path, tail: DistilledSynthesis, record: dict[str, object]) -> None:
    """Write the tail and its record into the files of all sizes, replacing older ones."""
    out.mkdir(parents=True, exist_ok=True)
    weights, about = out / "heads.safetensors", out / "heads.json"
    others = load_file(weights) if weights.exists() else {}
    before, prefix = json.loads(about.read_text()) if about.exists() else {}, f"{tail.size}."
    tensors = {name: value for name, value in others.items() if not name.startswith(prefix)}
    tensors |= {prefix + name: value.half().numpy() for name, value in tail.state_dict().items()}
    records = dict(sorted((before | {str(tail.size): record}).items()))
    replace_file(weights, save(tensors))
    replace_file(about, (json.dumps(records, indent=2) + "\n").encode())


def _plot(path: Path, losses: dict[str, list[float]]) -> None:
    figure, axes = plt.subplots(
        1, len(losses), figsize=(9, 3.5), layout="constrained", squeeze=False
    )
    for ax, (part, values) in zip(axes[0], losses.items(), strict=True):
        width = max(1, min(50, len(values) // 4))
        ax.plot(-10 * np.log10(np.convolve(values, np.ones(width) / width, "valid")))
        ax.set(xlabel="step", ylabel="PSNR, dB", title=f"{part}, on what is trained with")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
