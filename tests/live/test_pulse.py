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
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.audio.sounds import pink_noise, write_wav
from tests.events import HANG_S
from tests.live.fairness import Miss, play_fairly
from vjnode.audio.sources.base import BLOCK_S, RATE_HZ

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

CAPTURE = """
import json, os, sys, threading, time
import numpy as np
from vjnode.audio.sources.device import LiveSource
from vjnode.errors import SourceError

name, path = sys.argv[1] or None, sys.argv[2]
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), told.set()), daemon=True).start()
say = lambda **what: print(json.dumps(what), flush=True)
try:
    source = LiveSource(name)
    block = source.read()
    say(name=source.name)
    blocks = []
    while not told.is_set():
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
    with a_server(tmp_path) as server:
        yield server


@contextmanager
def a_server(tmp_path):
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
    deadline_s = time.monotonic() + HANG_S
    while not (runtime / "pulse" / "native").exists():
        if process.poll() is not None or time.monotonic() > deadline_s:
            process.kill()
            pytest.skip("pulseaudio does not start here")
        time.sleep(0.05)
    process.env = env
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def capture(server, tmp_path, name):
    """Listen until told to end by closed stdin."""
    return subprocess.Popen(
        [sys.executable, "-c", CAPTURE, name, str(tmp_path / "heard.npz")],
        env=server.env,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def says(process):
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)


def share_found(pcm, played):
    """Part of ``played`` that is on the left, and minus a half of it on the right, in pieces."""
    left, right = pcm.T
    size = 1 << (len(left) + 2000).bit_length()
    spectrum, found = np.fft.rfft(left, size), []
    for piece in played[: len(played) // 2000 * 2000].reshape(-1, 2000):
        likeness = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, size)), size)
        start = int(np.argmax(likeness[: len(left) - len(piece)]))
        part = slice(start, start + len(piece))
        off = max(np.abs(left[part] - piece).max(), np.abs(right[part] + 0.5 * piece).max())
        found.append(off < 2e-3)
    return np.mean(found)


@pytest.mark.parametrize("name", ["nodeloop", "NODEL", "", "nodeloop@alsa"])
def test_a_device_by_name_hears_what_is_played(server, tmp_path, name):
    played = pink_noise(1.0, dbfs=-20.0)
    song = write_wav(tmp_path / "song.wav", np.stack([played, -0.5 * played], axis=1))

    def scenario():
        listener = capture(server, tmp_path, name)
        said = says(listener)
        assert "error" not in said
        began_s = time.monotonic()
        subprocess.run(["paplay", "-d", "nl", song], env=server.env, check=True)
        time.sleep(0.5)  # the last of it is still on its way
        listener.stdin.close()
        end_s = says(listener)["now_s"]
        assert listener.wait(HANG_S) == 0
        assert not listener.stderr.read()  # ALSA's and JACK's complaints stay off the console

        heard = np.load(tmp_path / "heard.npz")
        captured_s = heard["captured_s"]
        assert (np.diff(captured_s) >= -1e-6).all()
        assert captured_s[-1] <= end_s
        found = {
            # A busy machine loses some samples here and there; the pieces in between are exact
            # but for the sink's 16 bits.
            "what was played": share_found(heard["pcm"], played) > 0.5,
            "up to date": end_s - captured_s[-1] < 0.5,
            # The server hands blocks over in bursts; they are stamped as they were heard.
            "evenly stamped": np.median(np.abs(np.diff(captured_s) - BLOCK_S)) < 0.0005,
        }
        return [Miss(f"not {what}", began_s, end_s) for what, good in found.items() if not good]

    play_fairly(scenario)


def test_a_killed_server_is_a_lost_source_within_a_second_and_a_half(tmp_path):
    def scenario():
        with a_server(Path(tempfile.mkdtemp(dir=tmp_path))) as server:
            listener = capture(server, tmp_path, "nodeloop")
            assert "error" not in says(listener)
            time.sleep(0.5)
            killed_s = time.monotonic()
            server.send_signal(signal.SIGKILL)
            said = says(listener)
            assert "delivers no sound" in said["error"]
            assert listener.wait(HANG_S) == 0
        if said["now_s"] - killed_s < 1.5:
            return []
        return [Miss(f"told after {said['now_s'] - killed_s:.2f} s", killed_s, said["now_s"])]

    play_fairly(scenario)


def test_a_frozen_server_is_a_lost_source_too(server, tmp_path):
    listener = capture(server, tmp_path, "nodeloop")
    assert "error" not in says(listener)
    server.send_signal(signal.SIGSTOP)
    assert "delivers no sound" in says(listener)["error"]
    server.send_signal(signal.SIGCONT)
    assert listener.wait(HANG_S) == 0


def test_an_unknown_device_is_refused_with_the_list(server, tmp_path):
    listener = capture(server, tmp_path, "mixing desk")
    said = says(listener)
    assert "'mixing desk'" in said["error"]
    assert "nodeloop" in said["error"]
    assert listener.wait(HANG_S) == 0


def test_devices_are_listed_with_channels_and_host_api(server):
    done = subprocess.run(
        [sys.executable, "-m", "vjnode", "devices"],
        env=server.env,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    row = next(line for line in done.stdout.splitlines() if line.startswith("nodeloop "))
    assert re.search(r"  \d+ channels  ALSA\b", row), done.stdout


def test_channels_that_a_real_device_has_not_are_refused(server, tmp_path):
    script = CAPTURE.replace("LiveSource(name)", "LiveSource(name, Channels(999, 1000))")
    script = script.replace("import LiveSource", "import LiveSource, Channels")
    done = subprocess.run(
        [sys.executable, "-c", script, "nodeloop", str(tmp_path / "heard.npz")],
        env=server.env,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "channels=999-1000 is not there" in json.loads(done.stdout)["error"]


def test_what_is_played_through_the_speakers_arrives(server, tmp_path):
    listener = capture(server, tmp_path, "nodeloop")
    says(listener)
    play = """
from vjnode.audio.sources.registry import open_source
from vjnode.audio.monitor import Speakers
source, speakers = open_source("tone", live=True), Speakers.open()
for _ in range(260):
    speakers.play(source.read())
speakers.close()
"""
    env = server.env | {"PULSE_SINK": "nl"}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", play], env=env, cwd=root, check=True)
    listener.stdin.close()
    says(listener)
    assert listener.wait(HANG_S) == 0
    assert np.abs(np.load(tmp_path / "heard.npz")["pcm"]).max() > 0.02
