"""MIDI over the virtual ports of a real JACK server: played, pulled out, plugged in again."""

import shutil
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.test_style import ROOT
from tools.check.virtual_midi import jack_server

MAPPING = """version = 1
match = ["Desk"]
[[control]]
on = "cc 1"
do = "gain"
[[control]]
on = "note 1"
do = "blackout"
light = [0, 127]
"""


@pytest.fixture
def jack():
    """The environment of programs that use a JACK server of the test's own."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    pytest.importorskip("rtmidi2")
    with ExitStack() as stack:
        try:
            environment = stack.enter_context(jack_server())
        except RuntimeError:
            pytest.skip("jackd does not start here")
        yield environment


@pytest.mark.live
def test_a_controller_plays_and_is_plugged_in_again(jack, tmp_path):
    path = tmp_path / "desk.toml"
    path.write_text(MAPPING, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.midi_over_jack", str(path)],
        cwd=ROOT,
        env=jack,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "played" in done.stdout
