"""The tool that trains the encoder, on a few seconds of sound and with small batches."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.audio.sounds import blocks, pink_noise, write_wav
from tests.early import PYTHON, run
from tools.data.grooves import groove
from vjnode.modulation.encoder.weights import load_trained
from vjnode.modulation.listener import Listener

ROOT = Path(__file__).parents[2]

SMALL = {
    "CHECKPOINT_EVERY": 2,
    "STARTED_ON": 100,
    "FITTED_ON": 400,
    "EPOCHS": 1,
    "ANYWHERE": 2,
    "TRACKS": 1,
    "PASSAGES": 2,
}
"""Constants of the training loop: few and small batches, and a checkpoint every second step."""

DRIVER = f"""
import sys

sys.path.insert(0, {str(ROOT)!r})
from tools.train import encoder, encoder_loop

vars(encoder_loop).update({SMALL})
encoder.main()
"""

pytestmark = pytest.mark.slow


def with_music(folder):
    """Write some music into a folder, which has room for the features that are heard in it."""
    (folder / "music").mkdir()
    for i, name in enumerate(("alder", "birch", "cedar", "douglas")):
        song = [pink_noise(1.0, dbfs=-40.0 - 3 * i, seed=i), groove("rock", 110 + 10 * i, 3.0)[0]]
        write_wav(folder / "music" / f"{name}.wav", np.concatenate(song))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return with_music(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def train():
    """Run the tool here, for six steps of training; imports it once, which takes long.

    steps_left: how many steps it makes before it is interrupted, if it is.
    graph: whether it makes the graph as well, which takes as long as all the rest.
    """
    from tools.train import encoder, encoder_loop, encoder_sound

    def train(folder, out, *options, steps_left=None, graph=False):
        class Interrupted(encoder_loop.tqdm):
            def __iter__(self):
                for i, item in enumerate(super().__iter__()):
                    if i == steps_left:
                        raise KeyboardInterrupt
                    yield item

        command = ["encoder", "--music", folder / "music", "--out", folder / out, "--steps", 6]
        threads = torch.get_num_threads()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in SMALL.items():
                patch.setattr(encoder_loop, name, value)
            patch.setattr(encoder_loop, "tqdm", Interrupted)
            if not graph:
                patch.setattr(encoder, "export_onnx", lambda _: b"")
            # A process that has threads, as that of the tests, is better not forked.
            patch.setattr(encoder_sound, "ProcessPoolExecutor", ThreadPoolExecutor)
            patch.setenv("VJNODE_CACHE", str(folder / "cache"))
            patch.setattr(sys, "argv", [*map(str, command), *options])
            try:
                encoder.main()
            finally:
                torch.set_num_threads(threads)

    return train


@pytest.fixture(scope="module")
def straight(folder, train):
    """The folder that a run without an interruption has written."""
    train(folder, "straight", graph=True)
    return folder / "straight"


def test_what_it_writes_can_be_listened_with(straight):
    listener = Listener(load_trained(straight / "encoder.safetensors"))
    drives = [listener.hear(block) for block in blocks(pink_noise(0.5, dbfs=-20.0))]
    assert all(0.0 <= drive.weight <= 1.0 for drive in drives)
    assert (straight / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_it_writes_down_how_it_was_made(straight):
    record = json.loads((straight / "encoder.json").read_text())
    assert record["music"] == ["music"]
    assert record["tracks"] == {"train": 3, "held_out": 1}
    assert set(record["hours"]) == {"train", "held_out"}
    assert (record["processes"], record["seed"]) == (1, 1)
    assert record["steps"] == 6
    assert record["minutes"] > 0.0
    assert set(record["loss_last_100"]) == {"reconstruction", "intensity"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert re.fullmatch(r"([0-9a-f]{7,}\+?)?", record["commit"])  # empty outside a repository
    assert set(record["held_out"]) >= {
        *("explained_variance", "pca_explained_variance"),
        *("dimensions_used", "mean_intensity_correlation"),
    }
    assert 1 <= record["held_out"]["dimensions_used"] <= 512
    knots = load_trained(straight / "encoder.safetensors").knots
    assert record["knots"] == pytest.approx(knots.tolist(), abs=1e-4)
    assert record["mean_of_silence"] < record["knots"][0]


def test_a_run_that_was_ended_goes_on_as_if_nothing_had_been(folder, train, straight):
    with pytest.raises(KeyboardInterrupt):
        train(folder, "resumed", steps_left=5)
    assert not (folder / "resumed").exists()
    train(folder, "resumed", "--resume", steps_left=3)  # four of six steps are done
    wanted, found = (
        load_file(path / "encoder.safetensors") for path in (straight, folder / "resumed")
    )
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


def test_a_run_that_is_done_can_be_trained_further(folder, train, straight):
    further = folder / "further"
    train(folder, "further", "--resume", "--steps", "8", steps_left=3)
    record = json.loads((further / "encoder.json").read_text())
    assert record["steps"] == 8
    before, after = (
        load_file(path / "encoder.safetensors")["intensity.0.0.weight"]
        for path in (straight, further)
    )
    assert np.abs(after - before).max() > 0.0


def train_together():
    """Train in two processes, as ``torchrun`` starts them; return their record."""
    with TemporaryDirectory() as name:
        folder = with_music(Path(name))
        (folder / "driver.py").write_text(DRIVER)
        done = run(
            *(PYTHON, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
            *(folder / "driver.py", "--steps", 6),
            *("--music", folder / "music", "--out", folder / "together"),
            VJNODE_CACHE=folder / "cache",
            OMP_NUM_THREADS=1,
        )
        assert done.returncode == 0, done.stderr
        load_trained(folder / "together" / "encoder.safetensors")
        return json.loads((folder / "together" / "encoder.json").read_text())


@pytest.mark.early(work=train_together)
def test_several_processes_train_together(early):
    assert (early["processes"], early["batch"]["strips"]) == (2, 8)


def test_too_little_music_is_told(tmp_path, train):
    (tmp_path / "music").mkdir()
    with pytest.raises(SystemExit, match="no audio files"):
        train(tmp_path, "out")
    write_wav(tmp_path / "music" / "alder.wav", pink_noise(1.0, dbfs=-20.0))
    with pytest.raises(SystemExit, match="name folders with more tunes"):
        train(tmp_path, "out")
