"""The benchmark of engines: what it writes down, and that one that fails does not stop it."""

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vjnode.engines.cuda.capability import gpu_here
from vjnode.engines.processor import has_bf16
from vjnode.generators.mobilestylegan.layout import ROOT_SLOTS
from vjnode.runtime import load_openvino

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.mark.slow
def test_the_encoder_is_set_beside_torch(tmp_path):
    figures, text = tmp_path / "figures.json", tmp_path / "table.md"
    command = [
        sys.executable,
        "-m",
        "tools.bench.engines",
        "--model",
        "encoder",
        "--seconds",
        "0.5",
    ]
    command += ["--seconds", "0.5", "--json", figures, "--markdown", text]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    results = {one["contender"]: one for one in json.loads(figures.read_text())["results"]}
    torch, ours = results["torch eager"], results["openvino"]
    assert torch["peer"]
    assert torch["ratio"] == 1.0
    assert 0 < ours["p50_ms"] <= ours["p99_ms"]
    assert ours["ratio"] < 1
    assert ours["memory_mib"] > 1
    assert ours["load_ms"] > ours["first_ms"] > 0
    for line in text.read_text().splitlines():
        assert line in done.stdout
    assert "| openvino f32" in done.stdout


@pytest.mark.slow
def test_a_large_picture_takes_half_of_what_its_peer_does(tmp_path):
    """0.45 is what is aimed at, and reached on a machine that does nothing else."""
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "tools.bench.engines", "--model", "mobilestylegan"]
    command += ["--size", "1024", "--only", "openvino", "--seconds", "2", "--json", figures]
    subprocess.run(command, capture_output=True, check=True)
    results = {one["contender"]: one for one in json.loads(figures.read_text())["results"]}
    assert results["openvino"]["ratio"] <= 0.5
    assert results["random-face"]["ratio"] == 1.0
    assert results["torch eager on cpu"]["ratio"] > results["openvino"]["ratio"]
    for one in results.values():
        assert one["reason"] or re.search(r"\b(f32|fp32|bf16|int8|fp16)\b", one["name"]), one


@pytest.fixture
def contenders():
    from tools.bench import contenders as bench_contenders

    return bench_contenders


def test_a_peer_runs_in_the_precision_that_its_own_package_runs_in(contenders):
    opened = contenders._random_face(1)
    core = load_openvino().Core()
    default = core.get_property("CPU", "INFERENCE_PRECISION_HINT").get_type_name()
    if not has_bf16(core):  # which OpenVINO does not know of a processor that is held to less
        default = "f32"
    assert opened.name == f"random-face 2021.7.21.1 {default}, as its package runs it"
    assert opened.frame().shape == (1024, 1024, 3)


def test_each_precision_stands_beside_the_others(contenders):
    names = [one.name for one in contenders.contenders("mobilestylegan", 1024, None)]
    assert names[0] == "random-face"  # what all are compared with
    for precision in ("f32", "bf16"):
        assert {f"random-face in {precision}", f"vjnode in {precision}"} <= set(names)


def test_no_picture_has_the_pose_of_the_one_before(contenders):
    drawn = []

    class Engine:
        name, at_once = "an engine", 1

        def draw(self, latent):
            drawn.append(latent.codes()[:ROOT_SLOTS])

    opened = contenders._engine(lambda size, threads: Engine(), 1024, None)
    for _ in range(4):
        opened.frame()
    for one, other in itertools.pairwise(drawn):
        assert not np.isclose(one, other).all()


def test_what_cannot_run_is_listed_with_its_reason(tmp_path, monkeypatch):
    from tools.bench import engines as bench_engine
    from tools.bench.runner import Result

    good = Result("mobilestylegan", 1024, "a", peer=True, name="A", p50_ms=2.0, ratio=1.0)
    bad = Result("mobilestylegan", 1024, "b", peer=False, reason="no card")
    said = bench_engine.table([good, bad])
    assert "| peer: A | 2 |" in said
    assert "Ratios are to A." in said
    assert "Not run: b: no card." in said


@pytest.mark.skipif(gpu_here() is not None, reason="there is a CUDA card here")
def test_without_a_card_the_gpu_script_says_so_and_leaves_nothing(tmp_path):
    command = ["sh", TOOLS / "bench_gpu.sh", tmp_path / "results"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "no CUDA card" in done.stderr
    assert not (tmp_path / "results").exists()
