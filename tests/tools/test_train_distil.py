"""The live networks begin as the generator's own weights, and learn to draw what it draws."""

import functools
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from tests.early import PYTHON, run
from tools.train import distil_start
from vjnode.faces.catalogue import load_face
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.distilled import PLANS, DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.folded_layers import quarters
from vjnode.generators.mobilestylegan.model import load

SIZE = 256

DRIVER = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.train import distil, distil_data, distil_loop, distil_pairs

# Few pictures, to save time: little can be learnt from them, but something is.
distil_pairs.SHARD = distil_data.SHARD = 4
distil.STARTED_ON = distil.FITTED_ON = 4
distil_loop.CHECKPOINT_EVERY = 2
folder, *words = sys.argv[1:]
distil.cache_dir = lambda *parts: Path(folder)
sys.argv = ["distil", *words]
distil.main()
"""

SOME = ("--threads", 1, "--pairs", 8, "--held-out", 4, "--batch", 2)


@functools.cache
def trained():
    """Train, go on, and train further by what was kept; return the folder, which lasts as long."""
    kept = TemporaryDirectory()
    folder = Path(kept.name)
    heads = folder / "heads"
    for name, words in {
        "first": ("--steps", 4, 2, "--out", heads),
        "second": ("--resume", "--steps", 6, 4, "--out", heads),
        "third": (
            *("--steps", 0, 2, "--rate", 0.1),
            *("--begin-from", heads / "heads.safetensors", "--out", folder / "more"),
        ),
    }.items():
        done = run(PYTHON, "-c", DRIVER, folder, SIZE, *SOME, *words)
        assert done.returncode == 0, done.stderr
        shutil.copy(Path(words[-1]) / "heads.json", folder / f"{name}.json")
    return kept


@pytest.fixture(scope="module")
def teacher():
    return load(generator_weights())[1]


@pytest.fixture(scope="module")
def codes():
    return torch.from_numpy(np.stack([load_face(index).codes for index in (0, 1)]))


@pytest.fixture(scope="module")
def given(teacher, codes):
    """Input of the first block of each size, from the refolded generator: by size."""
    folded = FoldedSynthesis(teacher, 1024)
    with torch.inference_mode():
        return {
            size: torch.cat(
                [
                    folded.trunk(
                        folded.root(one, torch.ones(1)), one, torch.ones(1), end=plan.trunk
                    )
                    for one in codes.split(1)
                ]
            )
            for size, plan in PLANS.items()
        }


@pytest.mark.parametrize("size", distilled_weights.SIZES)
def test_what_is_measured_is_what_the_generator_does(teacher, given, codes, size):
    """The generator's channels are in another order than the features that are measured."""
    index, seen = PLANS[size].trunk, {}
    block = teacher.blocks[index]
    hooks = [
        getattr(block, name).register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update({name: (module, *inputs)})
        )
        for name in ("conv1", "conv2")
    ]
    with torch.inference_mode():
        teacher(codes)
    for hook in hooks:
        hook.remove()
    layers = distil_start.measured(teacher, index, given[size], codes)
    with torch.inference_mode():
        for name, (conv, x, code) in seen.items():
            scaled = x * (conv.gain * conv.affine(code))
            wanted = F.conv2d(scaled, conv.depthwise, padding=1, groups=x.shape[1])
            found = layers[index, name, 1].mean
            assert torch.allclose(found, wanted.double().mean((0, 2, 3)), atol=1e-3)
            assert wanted.mean((0, 2, 3)).std() > 0.01  # a wrong order would show


@pytest.mark.parametrize("size", distilled_weights.SIZES)
def test_the_trained_first_block_still_makes_what_the_generator_s_does(teacher, given, codes, size):
    tail, index = load_tail(size), PLANS[size].trunk
    undone = quarters(512).argsort()
    with torch.inference_mode():
        wanted = teacher.blocks[index](given[size][:, undone], codes[:, 3 * index + 1 :][:, :3])
        found = tail.first(given[size], codes, torch.ones(1))
    # The block has the means of its groups in another order, the one that training began with.
    means = wanted[:, : tail.plan.groups].flatten(2).transpose(0, 1).flatten(1)
    own = found[:, : tail.plan.groups].flatten(2).transpose(0, 1).flatten(1)
    likeness = torch.corrcoef(torch.cat((own, means)))[: len(own), len(own) :]
    assert likeness.amax(1).median() > 0.9


@pytest.mark.slow
@pytest.mark.early(work=trained)
def test_training_learns_goes_on_and_writes_what_draws(teacher, early):
    folder = Path(early.name)
    first, second, third = (
        json.loads((folder / f"{name}.json").read_text())[str(SIZE)]
        for name in ("first", "second", "third")
    )
    assert (first["steps"], second["steps"]) == ({"later": 4, "all": 2}, {"later": 4, "all": 4})
    assert first["held_out"]["psnr_db"]["mean"] > 20
    assert second["held_out"]["psnr_db"]["mean"] > first["held_out"]["psnr_db"]["mean"] - 0.5
    assert (folder / "heads" / f"loss-{SIZE}.png").is_file()
    network = DistilledGenerator(teacher, load_tail(SIZE, folder / "heads" / "heads.safetensors"))
    codes = torch.from_numpy(load_face(0).codes.copy())[None]
    picture = network(codes, torch.ones(1))[0, ..., :3].float()
    with torch.inference_mode():
        wanted = F.avg_pool2d(teacher(codes), 1024 // SIZE)[0].permute(1, 2, 0)
    error = (picture / 127.5 - 1 - wanted.clamp(-1, 1)).square().mean() / 4
    assert -10 * error.log10() > 20
    assert third["steps"] == {"all": 2}
    assert third["begun_from"].items() > second.items()
    assert abs(third["held_out"]["psnr_db"]["mean"] - second["held_out"]["psnr_db"]["mean"]) < 0.5
