"""MIDI over the virtual ports of a real JACK server: played, pulled out, plugged in again."""

import ctypes.util
import os
import shutil
import subprocess
import sys
import time

import pytest

from tests.test_style import ROOT

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
def jack(tmp_path):
    """The environment of programs that use a JACK server of the test's own."""
    if shutil.which("jackd") is None:
        pytest.skip("jackd is not installed")
    pytest.importorskip("rtmidi2")
    name = f"vjnode-{os.getpid()}"
    command = ["jackd", "-r", "-n", name, "-d", "dummy", "-r", "44100", "-p", "256"]
    own = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}
    with (
        (tmp_path / "jackd.log").open("wb") as log,
        subprocess.Popen(command, env=own, stdout=log, stderr=log) as server,
    ):
        time.sleep(1.0)
        if server.poll() is not None:
            pytest.skip("jackd does not start here")
        # The package brings a client library that is older than the server's.
        library = ctypes.util.find_library("jack")
        yield {
            **own,
            "JACK_DEFAULT_SERVER": name,
            "JACK_NO_START_SERVER": "1",
            **({"LD_PRELOAD": library} if library else {}),
        }
        server.terminate()


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
