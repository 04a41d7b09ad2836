"""Train a reduced network (vjnode.generators.mobilestylegan.distilled) and write presets/heads/.

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
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from safetensors.numpy import load_file, save
from torch import distributed

from tools.train import distil_pairs, distil_start
from tools.train.distil_data import Data, first_block, given_to_first_block, parts, read
from tools.train.distil_loop import ALL, LATER, PARTS, RATES, errors, train
from tools.train.distil_pairs import make_pairs, read_pairs
from tools.train.distil_start import NOISE_STRENGTH
from tools.train.record import Progress, commit
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.distilled import PLANS, DistilledSynthesis, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.model import load
from vjnode.paths import cache_dir, replace_file, sha256_of, shipped

mpl.use("Agg")
from matplotlib import pyplot as plt

HELD_OUT_SEED = 1_000_000
STARTED_ON, FITTED_ON = 24, 48
"""Numbers of pairs from which kernels and ToRGB layers are solved."""
STARTED_SHARDS = 16
"""Number of shards of pairs whose codes give the usual factors."""


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
        make_pairs(folder, options.seed, options.pairs, distil_pairs.any_latent, "pairs")
        make_pairs(folder, HELD_OUT_SEED, options.held_out, distil_pairs.shown_latent, "held out")
    if ranks > 1:
        distributed.barrier()
    shards = make_pairs(folder, options.seed, options.pairs, distil_pairs.any_latent, "pairs")
    shown = distil_pairs.shown_latent
    held = make_pairs(folder, HELD_OUT_SEED, options.held_out, shown, "held out")
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
        done[part] = train(
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
    layers = distil_start.measured(
        teacher, tail.plan.trunk, given[:STARTED_ON].float(), codes[:STARTED_ON]
    )
    many = torch.from_numpy(read_pairs(shards).codes)
    tail = distil_start.start(teacher, layers, many, size)
    data = Data(first_block(tail, given, codes), codes, torch.from_numpy(first.pictures))
    for level in (0, 1):
        distil_start.fit_head(tail, level, parts(data, FITTED_ON))
    return tail


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
        "truncations": distil_pairs.TRUNCATIONS,
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
    found = [
        errors([picture.clamp(-1, 1) for picture in tail.pictures(x, c, NOISE_STRENGTH)], wanted)[
            -1
        ]
        for x, c, wanted in parts(data, len(data.codes))
    ]
    psnr = -10 * np.log10(torch.cat(found).numpy())
    figures = {"mean": psnr.mean(), "lowest": psnr.min(), "highest": psnr.max()}
    about = {
        "faces": len(psnr),
        "seed": HELD_OUT_SEED,
        "truncations": distil_pairs.SHOWN_TRUNCATIONS,
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
