"""Descent in stages: the optimiser is Adam, and what is broken off goes on to the same result."""

import random
import subprocess
import sys
import time

import pytest
import torch

from vjnode.errors import InputError
from vjnode.faces.photo.adam import Adam, pace
from vjnode.faces.photo.poses import order
from vjnode.faces.photo.settings import WEIGHTS
from vjnode.faces.photo.stages import Stage, Stages
from vjnode.faces.photo.state import State, StateFile


class BrokenOffError(Exception):
    """A program that ends in the middle."""


def test_the_optimiser_moves_as_torchs_does():
    target = torch.linspace(-1, 1, 7)
    ours, theirs = (torch.zeros(7, requires_grad=True) for _ in range(2))
    adam, their_adam = Adam({"x": ours}), torch.optim.Adam([theirs], lr=0.1, betas=(0.9, 0.99))
    for _ in range(20):
        (ours - target).square().sum().backward()
        adam.step(0.1)
        their_adam.zero_grad()
        (theirs - target).square().sum().backward()
        their_adam.step()
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_tensor_with_a_pace_of_its_own_moves_by_that():
    tensors = {name: torch.zeros(3, requires_grad=True) for name in "ab"}
    adam = Adam(tensors)
    (tensors["a"] + tensors["b"] - 1).square().sum().backward()
    adam.step(0.1, {"b": 0.25})
    assert torch.allclose(tensors["b"], 0.25 * tensors["a"])
    assert float(tensors["a"].detach().min()) > 0.09


def test_the_rate_rises_holds_and_falls():
    rates = [pace(step, 100, 0.5) for step in range(100)]
    assert rates[0] < rates[5] < rates[10] == rates[50] == 1
    assert rates[60] > rates[80] > rates[99] >= 0.02


@pytest.fixture
def run(tmp_path):
    """A function that runs two stages, breaks off after some rounds, and goes on if it is told."""

    def run(*, ends=None, resume=False):
        file = StateFile(tmp_path / "state.safetensors", "request", 0.0)
        left, rounds = [ends], []

        def progress(cost):
            rounds.append(cost)
            if left[0] is not None and len(rounds) - 2 == left[0]:
                raise BrokenOffError

        stages = Stages(file, file.load() if resume else State(), progress, lambda _: None)
        first, second = {"a": torch.zeros(3)}, {"b": torch.ones(2, 2)}

        def approach(tensor, goal):
            return lambda i: ((tensor - goal - 0.1 * i).square().sum(), tensor[None])

        stages.run(Stage(4, 0.1, 0.25, 1.0, first, approach(first["a"], 2.0)))
        second["b"] += float(first["a"].sum())
        stages.run(Stage(5, 0.01, 0.5, 2.0, second, approach(second["b"], -1.0)))
        return first["a"], second["b"]

    return run


@pytest.mark.parametrize("ends", range(1, 9))
def test_what_is_broken_off_goes_on_to_the_same_result(run, ends):
    whole = run()
    with pytest.raises(BrokenOffError):
        run(ends=ends)
    for one, other in zip(run(resume=True), whole, strict=True):
        assert torch.equal(one, other)


def test_only_the_same_request_is_gone_on_with(tmp_path, run):
    path = tmp_path / "state.safetensors"
    with pytest.raises(InputError, match="nothing to go on with; leave --resume out"):
        run(resume=True)
    run()
    with pytest.raises(InputError, match="of another photo, or has other options"):
        StateFile(path, "another", 0.0).load()
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="cannot be gone on with"):
        StateFile(path, "request", 0.0).load()


def test_a_state_that_cannot_be_saved_is_told_once_and_ends_nothing(tmp_path, caplog):
    file = StateFile(tmp_path / "gone" / "state.safetensors", "request", 0.0)
    stages = Stages(file, State(), lambda _: None, lambda _: None)
    tensor = {"a": torch.zeros(3)}

    def loss(_):
        return (tensor["a"] - 1).square().sum(), tensor["a"]

    stages.run(Stage(4, 0.1, 0.25, 1.0, tensor, loss))
    assert (tensor["a"] > 0).all()
    (said,) = [one.message for one in caplog.records]
    assert "cannot be written" in said
    assert "could not be resumed" in said


def test_what_a_killed_process_left_of_a_save_is_removed(tmp_path):
    left, other = tmp_path / ".nova.safetensors.x7", tmp_path / ".novalis.safetensors.x7"
    left.touch()
    other.touch()
    StateFile(tmp_path / "nova.safetensors", "request", 0.0)
    assert list(tmp_path.iterdir()) == [other]


def test_every_expression_comes_at_every_weight():
    drawn = order(5, 20, 1)
    assert sorted(drawn) == [(which, weight) for which in range(5) for weight in sorted(WEIGHTS)]
    assert {which for which, _ in drawn[:5]} == set(range(5))
    assert order(5, 12, 1) == drawn[:12]
    assert order(5, 12, 2) != drawn[:12]
    assert order(0, 12, 1) == []


CHILD = """
import sys
import torch
from pathlib import Path
from vjnode.faces.photo.stages import Stage, Stages
from vjnode.faces.photo.state import State, StateFile

path, resume = Path(sys.argv[1]), sys.argv[2] == "resume"
file = StateFile(path, "request", 0.0)
stages = Stages(file, file.load() if resume else State(), lambda _: print(flush=True), lambda _: 0)
tensors = [{"x": torch.linspace(-1, 1, 50_000)} for _ in range(2)]

def loss(x, turn):
    return lambda i: ((x - torch.sin(turn * i + x.detach())).square().sum(), x[None])

for turn, each in enumerate(tensors, 1):
    stages.run(Stage(150, 0.05, 0.5, 1.0, each, loss(each["x"], turn)))
torch.save([each["x"].detach() for each in tensors], sys.argv[3])
"""


def test_a_process_that_is_killed_while_it_saves_leaves_what_can_be_gone_on_with(tmp_path):
    """A new state is saved after every round, so that it is killed in the middle of a write."""
    state, chance = tmp_path / "state.safetensors", random.Random(7)

    def run(resume, out, rounds=None):
        command = [sys.executable, "-c", CHILD, str(state), resume, str(tmp_path / out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            for _ in range(rounds or 0):
                child.stdout.readline()
            if rounds is not None:
                time.sleep(chance.uniform(0.0, 0.02))
                child.kill()
            child.stdout.read()

    run("anew", "whole")
    run("anew", "none", 60)
    run("resume", "gone on")
    whole, found = (torch.load(tmp_path / name) for name in ("whole", "gone on"))
    assert not (tmp_path / "none").exists()
    assert all(torch.equal(*pair) for pair in zip(whole, found, strict=True))
