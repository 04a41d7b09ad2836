"""The live networks begin as the generator's own weights, and learn to draw what it draws."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from vjnode.faces.catalogue import load_face
from vjnode.generators.mobilestylegan import distilled_weights
from vjnode.generators.mobilestylegan.distilled import PLANS, DistilledGenerator, load_tail
from vjnode.generators.mobilestylegan.download import generator_weights
from vjnode.generators.mobilestylegan.folded import FoldedSynthesis
from vjnode.generators.mobilestylegan.folded_layers import quarters
from vjnode.generators.mobilestylegan.model import load


@pytest.fixture(scope="module")
def tools():
    with pytest.MonkeyPatch.context() as patch:
        from tools.train import distil as train_heads
        from tools.train import distil_data as head_data
        from tools.train import distil_loop as head_loop
        from tools.train import distil_pairs as head_pairs
        from tools.train import distil_start as head_start

        # Few pictures, to save time: little can be learnt from them, but something is.
        for module in (head_pairs, head_data):
            patch.setattr(module, "SHARD", 4)
        patch.setattr(train_heads, "STARTED_ON", 4)
        patch.setattr(train_heads, "FITTED_ON", 4)
        patch.setattr(head_loop, "CHECKPOINT_EVERY", 2)
        yield {"start": head_start, "train": train_heads}


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
def test_what_is_measured_is_what_the_generator_does(tools, teacher, given, codes, size):
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
    layers = tools["start"].measured(teacher, index, given[size], codes)
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
def test_training_learns_goes_on_and_writes_what_draws(tools, teacher, tmp_path, monkeypatch):
    train, size = tools["train"], 256
    monkeypatch.setattr(train, "cache_dir", lambda *parts: tmp_path)
    out = tmp_path / "heads"
    some = ["train_heads.py", str(size), "--pairs", "8", "--held-out", "4", "--batch", "2"]
    monkeypatch.setattr("sys.argv", [*some, "--steps", "4", "2", "--out", str(out)])
    train.main()
    first = json.loads((out / "heads.json").read_text())[str(size)]
    monkeypatch.setattr("sys.argv", [*some, "--resume", "--steps", "6", "4", "--out", str(out)])
    train.main()
    second = json.loads((out / "heads.json").read_text())[str(size)]
    assert (first["steps"], second["steps"]) == ({"later": 4, "all": 2}, {"later": 4, "all": 4})
    assert first["held_out"]["psnr_db"]["mean"] > 20
    assert second["held_out"]["psnr_db"]["mean"] > first["held_out"]["psnr_db"]["mean"] - 0.5
    assert (out / f"loss-{size}.png").is_file()
    network = DistilledGenerator(teacher, load_tail(size, out / "heads.safetensors"))
    codes = torch.from_numpy(load_face(0).codes.copy())[None]
    picture = network(codes, torch.ones(1))[0, ..., :3].float()
    with torch.inference_mode():
        wanted = F.avg_pool2d(teacher(codes), 1024 // size)[0].permute(1, 2, 0)
    error = (picture / 127.5 - 1 - wanted.clamp(-1, 1)).square().mean() / 4
    assert -10 * error.log10() > 20

    more = ["--steps", "0", "2", "--rate", "0.1", "--begin-from", str(out / "heads.safetensors")]
    monkeypatch.setattr("sys.argv", [*some, *more, "--out", str(tmp_path / "more")])
    train.main()
    third = json.loads((tmp_path / "more" / "heads.json").read_text())[str(size)]
    assert third["steps"] == {"all": 2}
    assert third["begun_from"].items() > second.items()
    assert abs(third["held_out"]["psnr_db"]["mean"] - second["held_out"]["psnr_db"]["mean"]) < 0.5
