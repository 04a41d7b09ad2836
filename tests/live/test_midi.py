"""MIDI over the virtual ports of a real JACK server: played, pulled out, plugged in again."""

import shutil
import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.test_style import ROOT
from tools.bench.played import bench_show
from tools.check.virtual_midi import PORT, ClockSender, jack_server

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
def installed():
    """Skip where there is no JACK server to start, or no package to use it with."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    pytest.importorskip("rtmidi2")


@pytest.fixture
def jack(installed):
    """The environment of programs that use a JACK server of the test's own."""
    with jack_server() as environment:
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


@pytest.mark.live
def test_a_show_that_ends_leaves_the_sound_server_to_others(installed):
    """JACK's server falls if it has news for a client that ended without a word a moment ago."""
    with jack_server(sturdy=False) as jack, closing(ClockSender(128.0, jack)) as clock:
        clock.begin()
        with bench_show(["--size", "256", "--midi", PORT], jack) as show:
            time.sleep(1.0)  # it plays
            clock.end()
            time.sleep(1.0)  # it has noticed
            show.end()
        # The server has news for all here: it ends, and the context raises if it falls.
