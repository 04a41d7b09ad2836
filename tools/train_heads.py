"""Train the live networks (vjnode.face.heads) and write presets/heads/.

    python tools/train_heads.py                             draw pairs, train, measure
    torchrun --nproc-per-node 2 tools/train_heads.py        several processes, one thread each
    python tools/train_heads.py --resume                    go on where a run was ended
    python tools/train_heads.py --resume --steps 9000 9000  train one that is done further

They are started from the generator's weights and learn to draw what it draws: first all that makes
256 px, less block 3, which stays the generator's; then what makes 512 px of that. Some forty
minutes and a quarter of an hour on two cores.
"""

import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import head_pairs
import head_start
import matplotlib as mpl
import numpy as np
import torch
from head_pairs import PX, SHARD, Pairs, make_pairs, read_pairs
from head_start import TEXTURE
from muon import Muon
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, distributed
from torch.nn import functional as F  # noqa: N812 (torch's own convention)
from tqdm import tqdm
from training_record import Progress, commit

from vjnode.face.fetch import generator_weights
from vjnode.face.heads import FINE, FINE_GROUPS, FLAT, MIDDLE, Tail
from vjnode.face.layout import DIM, SLOTS
from vjnode.face.mobilestylegan import load
from vjnode.storage import cache_dir, replace_file, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

HELD_OUT_SEED = 1_000_000
STARTED_ON, FITTED_ON = 24, 48
"""Pairs from which kernels and heads are solved."""
STARTED_SHARDS = 16
"""Shards of pairs whose codes say what factors are usual."""
RATE = 8e-3
"""Highest learning rate, in root mean squares of the weights at the start."""
COARSE = 0.2
"""How much the coarsest picture counts beside the finest."""
LEAST_MATRIX = 12
"""Sides of a weight that counts as a matrix; a head has twelve outputs."""
CHECKPOINT_EVERY = 100


@dataclass
class Data:
    """Pairs with what the first block makes of them. x: [N, 224, 64, 64], float16."""

    x: Tensor
    codes: Tensor
    pictures: Tensor

    def batch(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Features, codes, and pictures [n, 3, PX, PX], −1…1."""
        part = torch.from_numpy(places)
        pictures = self.pictures[part].permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return self.x[part].float(), self.codes[part], pictures


def main() -> None:
    """Draw, start, train, measure and write."""
    options = _options()
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(options.threads or (1 if ranks > 1 else os.cpu_count() or 1))
    torch.manual_seed(options.seed)
    if ranks > 1:
        distributed.init_process_group("gloo", timeout=timedelta(hours=6))
    folder = cache_dir("training", "heads")
    if rank == 0:  # it draws for all
        make_pairs(folder, options.seed, options.pairs, head_pairs.any_code, "pairs")
        make_pairs(folder, HELD_OUT_SEED, options.held_out, head_pairs.shown_code, "held out")
    if ranks > 1:
        distributed.barrier()
    shards = make_pairs(folder, options.seed, options.pairs, head_pairs.any_code, "pairs")
    held = make_pairs(folder, HELD_OUT_SEED, options.held_out, head_pairs.shown_code, "held out")
    # Networks of other widths have checkpoints of their own.
    width = "-".join(map(str, (MIDDLE, FINE_GROUPS, *np.ravel((*FLAT, *FINE)))))
    first, *rest = (folder / f"{part}-{width}.pt" for part in ("start", "tail-256", "tail-512"))
    kept = dict(zip((256, 512), rest, strict=True))
    if rank == 0 and not (options.resume and first.exists()):
        for path in kept.values():
            path.unlink(missing_ok=True)
        torch.save(_started(read_pairs(shards[:STARTED_SHARDS])).state_dict(), first)
    if ranks > 1:
        distributed.barrier()
    tail = Tail(256)
    tail.load_state_dict(torch.load(first, weights_only=True))
    mine, unseen = _data(tail, shards[rank::ranks]), _data(tail, held)
    train = {"batch": options.batch // ranks, "seed": options.seed, "rank": rank}
    trained = [name for name, _ in tail.named_parameters() if not name.startswith("block.")]
    small = _train(tail, mine, options.steps[0], trained, checkpoint=kept[256], **train)
    whole = Tail(512)
    torch.manual_seed(options.seed)
    head_start.start_finer(whole.requires_grad_(requires_grad=False))
    whole.load_state_dict(tail.state_dict(), strict=False)
    if not kept[512].exists():
        head_start.fit_head(whole, 2, _parts(mine, FITTED_ON // ranks))
    finer = [name for name, _ in whole.named_parameters() if name.startswith(("fine.1", "heads.2"))]
    large = _train(whole, mine, options.steps[1], finer, checkpoint=kept[512], **train)
    if rank == 0:
        record = {
            "pairs": options.pairs,
            "seed": options.seed,
            "truncations": head_pairs.TRUNCATIONS,
            "steps": {"256": small.step, "512": large.step},
            "batch": options.batch,
            "processes": ranks,
            "minutes": {"256": round(small.minutes, 4), "512": round(large.minutes, 4)},
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "torch": torch.__version__,
            "held_out": {
                "faces": len(unseen.codes),
                "seed": HELD_OUT_SEED,
                "truncations": head_pairs.SHOWN_TRUNCATIONS,
                "psnr_db": {str(256 << i): _figures(whole, i + 1, unseen) for i in range(2)},
            },
        }
        print(json.dumps(record["held_out"], indent=2))
        _write(options.out, whole, record)
        _plot(options.out / "loss.png", {256: small.losses, 512: large.losses})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3200)
    parser.add_argument("--held-out", type=int, default=50)
    parser.add_argument("--steps", type=int, nargs=2, default=(3000, 1000), metavar=("256", "512"))
    parser.add_argument("--batch", type=int, default=8, help="of all processes together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0: all, or one for each process")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--out", type=Path, default=shipped("heads"))
    return parser.parse_args()


def _started(pairs: Pairs) -> Tail:
    """Return a tail for 256 px from the generator's weights, its heads fitted."""
    _, teacher = load(generator_weights())
    codes, features = torch.from_numpy(pairs.codes), torch.from_numpy(pairs.features)
    layers = head_start.measured(teacher, features[:STARTED_ON].float(), codes[:STARTED_ON])
    tail = head_start.start(teacher, layers, codes)
    x = _first_block(tail, pairs)
    data = Data(x, codes, torch.from_numpy(pairs.pictures))
    for level in (0, 1):
        head_start.fit_head(tail, level, _parts(data, FITTED_ON))
    return tail


def _data(tail: Tail, shards: list[Path]) -> Data:
    """Return the pairs of ``shards``, read one by one: what the first block gets is the largest."""
    count, channels = len(shards) * SHARD, tail.block.conv2.bias.shape[0]
    data = Data(
        torch.empty(count, channels, head_start.PX, head_start.PX, dtype=torch.float16),
        torch.empty(count, SLOTS, DIM),
        torch.empty(count, PX, PX, 3, dtype=torch.uint8),
    )
    for number, shard in enumerate(tqdm(shards, "reading", unit="shard")):
        pairs, here = read_pairs([shard]), slice(number * SHARD, (number + 1) * SHARD)
        data.x[here] = _first_block(tail, pairs)
        data.codes[here] = torch.from_numpy(pairs.codes)
        data.pictures[here] = torch.from_numpy(pairs.pictures)
    return data


@torch.inference_mode()
def _first_block(tail: Tail, pairs: Pairs) -> Tensor:
    """Return what the first block makes of the pairs' features, float16."""
    codes, features = torch.from_numpy(pairs.codes), torch.from_numpy(pairs.features)
    parts = zip(features.split(4), codes.split(4), strict=True)
    return torch.cat([tail.block([f.float()], c[:, 10:13], TEXTURE).half() for f, c in parts])


def _parts(data: Data, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    return [data.batch(part) for part in np.array_split(np.arange(count), -(-count // 4))]


def _train(
    tail: Tail,
    data: Data,
    steps: int,
    trained: list[str],
    *,
    batch: int,
    seed: int,
    rank: int,
    checkpoint: Path,
) -> Progress:
    """Train the named weights of ``tail`` until ``steps`` are made, from a checkpoint if there is.

    A run that is resumed with more steps than it was begun with makes a round of the rest.
    """
    weights = dict(tail.named_parameters())
    for name, weight in weights.items():
        weight.requires_grad_(name in trained)
    mine = [weights[name] for name in trained]
    optimisers = _optimisers(mine)
    rates = [group["lr"] for one in optimisers for group in one.param_groups]
    progress, begun = Progress(), 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        progress = Progress(**saved["progress"])
        # What a run before this one has trained may be better by now than it was then.
        tail.load_state_dict({name: saved["tail"][name] for name in trained}, strict=False)
        begun = saved["begun"] if saved["steps"] == steps else progress.step
        for one, state in zip(optimisers, saved["optimisers"], strict=True):
            one.load_state_dict(state)
    begun_s = time.monotonic() - 60.0 * progress.minutes
    ranks = distributed.get_world_size() if distributed.is_initialized() else 1
    bar = tqdm(
        range(progress.step, steps),
        f"train {tail.size} px",
        initial=progress.step,
        total=steps,
        disable=rank > 0,
        mininterval=1.0,
    )
    for step in bar:
        done = (step - begun) / max(steps - begun, 1)
        share = min(1.0, (step - begun + 1) / 60) * (0.5 + 0.5 * math.cos(math.pi * done))
        groups = [group for one in optimisers for group in one.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * share
        # Drawn from the step's own seed, so that a resumed run sees what it would have seen.
        places = np.random.default_rng((seed, rank, step)).choice(len(data.codes), batch)
        loss, finest = _loss(tail, data.batch(places))
        tail.zero_grad()
        loss.backward()
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
            kept = {"tail": tail.state_dict(), "optimisers": states}
            kept |= {"progress": vars(progress), "steps": steps, "begun": begun}
            torch.save(kept, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
    return progress


def _optimisers(weights: list[torch.nn.Parameter]) -> list[torch.optim.Optimizer]:
    """Return what trains the matrices among ``weights``, and what trains the rest."""

    def group(one: torch.nn.Parameter) -> dict[str, object]:
        size = max(float(one.detach().square().mean().sqrt()), 1e-2)
        return {"params": [one], "lr": RATE * size}

    matrices = [one for one in weights if one.ndim > 1 and min(one.shape[:2]) >= LEAST_MATRIX]
    rest = [one for one in weights if all(one is not other for other in matrices)]
    adam = torch.optim.Adam([group(one) for one in rest], betas=(0.9, 0.98))
    return [Muon([group(one) for one in matrices]), adam]


def _loss(tail: Tail, batch: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, float]:
    """Return what to minimise, and the mean squared error of the finest picture in 0…1."""
    x, codes, wanted = batch
    errors = _errors(tail.pictures(x, codes, TEXTURE), wanted)
    errors = [error.mean() for error in errors]
    coarse = errors[0] if errors[0].requires_grad else 0.0
    return errors[-1] + COARSE * coarse, float(errors[-1].detach())


def _errors(pictures: list[Tensor], wanted: Tensor) -> list[Tensor]:
    """Mean squared errors, each [n], of pictures of several sizes, in 0…1."""
    return [
        (0.5 * (one - F.avg_pool2d(wanted, PX // one.shape[-1]))).square().mean((1, 2, 3))
        for one in pictures
    ]


def _share_gradients(weights: list[torch.nn.Parameter], ranks: int) -> None:
    """Make the gradients of all processes their mean."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([one.flatten() for one in gradients])
    distributed.all_reduce(flat)
    parts = (flat / ranks).split([one.numel() for one in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


@torch.inference_mode()
def _figures(tail: Tail, level: int, data: Data) -> dict[str, float]:
    """PSNR of pictures of one size over unseen faces, dB."""
    errors = [
        _errors([picture.clamp(-1, 1) for picture in tail.pictures(x, c, TEXTURE)], wanted)[level]
        for x, c, wanted in _parts(data, len(data.codes))
    ]
    psnr = -10 * np.log10(torch.cat(errors).numpy())
    figures = {"mean": psnr.mean(), "lowest": psnr.min(), "highest": psnr.max()}
    return {name: round(float(value), 2) for name, value in figures.items()}


def _write(out: Path, tail: Tail, record: dict[str, object]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.half().numpy() for name, value in tail.state_dict().items()}
    replace_file(out / "heads.safetensors", save(tensors))
    replace_file(out / "heads.json", (json.dumps(record, indent=2) + "\n").encode())


def _plot(path: Path, losses: dict[int, list[float]]) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for ax, (size, values) in zip(axes, losses.items(), strict=True):
        width = max(1, min(50, len(values) // 4))
        ax.plot(-10 * np.log10(np.convolve(values, np.ones(width) / width, "valid")))
        ax.set(xlabel="step", ylabel="PSNR, dB", title=f"{size} px, on what is trained with")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
