"""Training data of the reduced networks in memory: inputs, codes and target pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from tools.train.distil_pairs import SHARD, Pairs, read_pairs
from tools.train.distil_start import NOISE_STRENGTH
from vjnode.generators.mobilestylegan.distilled import DistilledSynthesis
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.layout import TRUNK
from vjnode.generators.mobilestylegan.model import load


@dataclass
class Data:
    """Pairs, with the first block's outputs or inputs.

    x: these, [N, C, px, px], float16. pictures: [N, PX, PX, 3], uint8.
    """

    x: Tensor
    codes: Tensor
    pictures: Tensor

    def batch(self, places: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Return features, codes, and pictures [n, 3, PX, PX], −1…1, of the pairs at ``places``."""
        part = torch.from_numpy(places)
        pictures = self.pictures[part].permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return self.x[part].float(), self.codes[part], pictures


def read(tail: DistilledSynthesis, shards: list[Path], *, whole: bool) -> Data:
    """Return the pairs of ``shards``, read one shard at a time, because x is large.

    whole: x is the first block's input, to train that block too; else its output.
    """
    found: Data | None = None
    for number, shard in enumerate(tqdm(shards, "reading", unit="shard")):
        pairs, here = read_pairs([shard]), slice(number * SHARD, (number + 1) * SHARD)
        codes, x = torch.from_numpy(pairs.codes), given_to_first_block(tail, pairs)
        if not whole:
            x = first_block(tail, x, codes)
        values = (x, codes, torch.from_numpy(pairs.pictures))
        if found is None:
            found = Data(*(v.new_empty((len(shards) * SHARD, *v.shape[1:])) for v in values))
        for into, value in zip(vars(found).values(), values, strict=True):
            into[here] = value
    assert found is not None  # noqa: S101 - there are shards
    return found


@torch.inference_mode()
def given_to_first_block(tail: DistilledSynthesis, pairs: Pairs) -> Tensor:
    """Return the first block's input, [N, 512, px/2, px/2], float16, on the CPU."""
    x = torch.from_numpy(pairs.features)
    if tail.plan.trunk == TRUNK:
        return x
    _, teacher = load(generator_weights())
    blocks = FoldedSynthesis(teacher, 1024).blocks[TRUNK : tail.plan.trunk]
    found = []
    codes = torch.from_numpy(pairs.codes)
    for features, code in zip(torch.split(x, 1), torch.split(codes, 1), strict=True):
        y = features.float()
        for i, block in enumerate(blocks, TRUNK):
            y = block(y, code[:, 3 * i + 1 : 3 * i + 4], NOISE_STRENGTH)
        found.append(y.half())
    return torch.cat(found)


@torch.inference_mode()
def first_block(tail: DistilledSynthesis, given: Tensor, codes: Tensor) -> Tensor:
    """Return the first block's output for its input ``given``, float16."""
    parts = zip(torch.split(given, 4), torch.split(codes, 4), strict=True)
    return torch.cat([tail.first(x.float(), c, NOISE_STRENGTH).half() for x, c in parts])


def parts(data: Data, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return the first ``count`` pairs in batches."""
    return [data.batch(part) for part in np.array_split(np.arange(count), -(-count // 4))]
