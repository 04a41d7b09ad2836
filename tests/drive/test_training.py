"""The tool that trains the encoder, on a few seconds of sound."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.audio.sounds import blocks, clicks, pink_noise, write_wav
from vjnode.drive.stream import Listener
from vjnode.drive.trained import load_trained

TOOL = Path(__file__).parents[2] / "tools" / "train_encoder.py"


def train(tmp_path, *options):
    command = [sys.executable, TOOL, "--music", tmp_path / "music", "--out", tmp_path / "out"]
    return subprocess.run(
        [*command, *options], cwd=TOOL.parents[1], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_what_it_writes_can_be_listened_with(tmp_path):
    (tmp_path / "music").mkdir()
    for i in range(3):
        song = np.concatenate(
            [pink_noise(2.0, dbfs=-30.0, seed=i), clicks(np.arange(0.1, 1.9, 0.25), 2.0)]
        )
        write_wav(tmp_path / "music" / f"{i}.wav", song)
    done = train(tmp_path, "--steps", "12", "--passes", "1", "--threads", "1")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "encoder.json").read_text())
    assert record["tracks"] == {"train": 2, "held_out": 1}
    assert record["bounds"][0] < record["bounds"][1]
    assert (tmp_path / "out" / "loss.png").stat().st_size > 1000
    listener = Listener(load_trained(tmp_path / "out" / "encoder.safetensors"))
    drives = [listener.hear(block) for block in blocks(pink_noise(0.5, dbfs=-20.0))]
    assert all(0.0 <= drive.weight <= 1.0 for drive in drives if drive)


@pytest.mark.slow
def test_without_music_it_says_so(tmp_path):
    (tmp_path / "music").mkdir()
    done = train(tmp_path)
    assert done.returncode != 0
    assert "no audio files" in done.stderr
