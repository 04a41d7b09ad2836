"""Live sound against a real sound server with a virtual device.

Every capture runs in a process of its own: PortAudio hangs for good when its server dies.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.audio.sounds import pink_noise, write_wav
from vjnode.audio.source import RATE_HZ

pytestmark = [pytest.mark.live, pytest.mark.timeout(60)]

CAPTURE = """
import json, os, sys, time
import numpy as np
from vjnode.audio.live import LiveSource
from vjnode.errors import SourceError

name, seconds, path = sys.argv[1] or None, float(sys.argv[2]), sys.argv[3]
say = lambda **what: print(json.dumps(what), flush=True)
try:
    source = LiveSource(name)
    block = source.read()
    say(name=source.name)
    blocks = []
    while block.t_s < seconds:
        block = source.read()
        blocks.append(block)
    np.savez(
        path,
        pcm=np.concatenate([b.pcm for b in blocks]),
        captured_s=[b.captured_s for b in blocks],
    )
    say(now_s=time.monotonic())
    source.close()
except SourceError as error:
    say(error=str(error), now_s=time.monotonic())
os._exit(0)
"""


@pytest.fixture(scope="module", autouse=True)
def _parts():
    for program in ("pulseaudio", "paplay"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if importlib.util.find_spec("pyaudio") is None:
        pytest.skip("PyAudio is not installed")


@pytest.fixture
def server(tmp_path):
    """A sound server of its own, with a null sink that PortAudio lists as 'node loop'."""
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PULSE_", "DBUS_"))}
    env = keep | {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(runtime), "VJNODE_CACHE": "off"}
    (tmp_path / ".asoundrc").write_text(
        'pcm.nodeloop { type pulse device "nl.monitor" hint { show on description "node loop" } }\n'
        'pcm.!default { type pulse device "nl.monitor" hint { show on description "default" } }\n'
    )
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
    for module in ("module-native-protocol-unix", f"module-null-sink sink_name=nl rate={RATE_HZ}"):
        command += ["-L", module]
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    process = subprocess.Popen(command, env=env, **quiet)
    deadline_s = time.monotonic() + 10
    while not (runtime / "pulse" / "native").exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            process.kill()
            pytest.skip("pulseaudio does not start here")
        time.sleep(0.05)
    process.env = env
    yield process
    process.kill()
    process.wait()


def capture(server, tmp_path, name, seconds):
    return subprocess.Popen(
        [sys.executable, "-c", CAPTURE, name, str(seconds), str(tmp_path / "heard.npz")],
        env=server.env,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def says(process):
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


@pytest.mark.parametrize("name", ["nodeloop", "NODEL", "", "nodeloop@alsa"])
def test_a_device_by_name_hears_what_is_played(server, tmp_path, name):
    played = pink_noise(1.0, dbfs=-20.0)
    song = write_wav(tmp_path / "song.wav", np.stack([played, -0.5 * played], axis=1))
    listener = capture(server, tmp_path, name, 3.0)
    said = says(listener)
    assert "error" not in said
    subprocess.run(["paplay", "-d", "nl", song], env=server.env, check=True, timeout=20)
    end_s = says(listener)["now_s"]
    assert listener.wait(10) == 0
    assert not listener.stderr.read()  # ALSA's and JACK's complaints stay off the console

    heard = np.load(tmp_path / "heard.npz")
    left, right = heard["pcm"].T
    size = 2 * len(left)
    spectrum = np.fft.rfft(left, size) * np.conj(np.fft.rfft(played, size))
    start = int(np.argmax(np.fft.irfft(spectrum)[: len(left) - len(played)]))
    part = slice(start, start + len(played))
    # A busy machine loses some samples; the others are exact but for the sink's 16 bits.
    assert np.corrcoef(left[part], played)[0, 1] > 0.98
    assert np.mean(np.abs(left[part] - played) < 2e-3) > 0.95
    assert np.mean(np.abs(right[part] + 0.5 * played) < 2e-3) > 0.95
    captured_s = heard["captured_s"]
    assert (np.diff(captured_s) >= -1e-6).all()
    assert 0.0 <= end_s - captured_s[-1] < 0.5


def test_a_killed_server_is_a_lost_source_within_a_second_and_a_half(server, tmp_path):
    listener = capture(server, tmp_path, "nodeloop", 60.0)
    assert "error" not in says(listener)
    time.sleep(0.5)
    killed_s = time.monotonic()
    server.send_signal(signal.SIGKILL)
    said = says(listener)
    assert "delivers no sound" in said["error"]
    assert said["now_s"] - killed_s < 1.5
    assert listener.wait(5) == 0


def test_a_frozen_server_is_a_lost_source_too(server, tmp_path):
    listener = capture(server, tmp_path, "nodeloop", 60.0)
    assert "error" not in says(listener)
    server.send_signal(signal.SIGSTOP)
    assert "delivers no sound" in says(listener)["error"]
    server.send_signal(signal.SIGCONT)
    assert listener.wait(5) == 0


def test_an_unknown_device_is_refused_with_the_list(server, tmp_path):
    listener = capture(server, tmp_path, "mixing desk", 1.0)
    said = says(listener)
    assert "'mixing desk'" in said["error"]
    assert "nodeloop" in said["error"]
    assert listener.wait(5) == 0


def test_devices_are_listed_with_channels_and_host_api(server):
    done = subprocess.run(
        [sys.executable, "-m", "vjnode", "devices"],
        env=server.env,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    row = next(line for line in done.stdout.splitlines() if line.startswith("nodeloop "))
    assert re.search(r"  \d+ channels  ALSA\b", row), done.stdout


def test_channels_that_a_real_device_has_not_are_refused(server, tmp_path):
    script = CAPTURE.replace("LiveSource(name)", "LiveSource(name, Channels(999, 1000))")
    script = script.replace("import LiveSource", "import LiveSource, Channels")
    done = subprocess.run(
        [sys.executable, "-c", script, "nodeloop", "1", str(tmp_path / "heard.npz")],
        env=server.env,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "channels=999-1000 is not there" in json.loads(done.stdout)["error"]


def test_what_is_played_through_the_speakers_arrives(server, tmp_path):
    listener = capture(server, tmp_path, "nodeloop", 3.0)
    says(listener)
    play = """
from vjnode.audio.open import open_source
from vjnode.audio.speakers import Speakers
source, speakers = open_source("tone", live=True), Speakers.open()
for _ in range(260):
    speakers.play(source.read())
speakers.close()
"""
    env = server.env | {"PULSE_SINK": "nl"}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", play], env=env, cwd=root, check=True, timeout=30)
    says(listener)
    assert listener.wait(10) == 0
    assert np.abs(np.load(tmp_path / "heard.npz")["pcm"]).max() > 0.02
