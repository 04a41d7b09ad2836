"""A real show whose sound server is stopped and started again."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request

import numpy as np
import pytest

from tests.audio.sounds import pink_noise, write_wav
from tests.events import wait_for
from tests.live.attacks import gaps
from tests.live.fairness import Miss, play_fairly
from vjnode.audio.sources.base import RATE_HZ
from vjnode.paths import cache_dir

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]

SOUND_BACK_S = 2.0
LOUD_DB = -50.0

NULL_SINK_S = 2.0
"""Silence that a null sink hands on first when it has just begun, s."""


class PulseServer:
    """A sound server with a null sink, whose monitor PortAudio lists; noise is played into it."""

    def __init__(self, folder):
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PULSE_", "DBUS_"))}
        self.env = keep | {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(runtime),
            "VJNODE_CACHE": str(cache_dir()),
        }
        (folder / ".asoundrc").write_text(
            'pcm.nodeloop { type pulse device "nl.monitor" '
            'hint { show on description "node loop" } }\n'
        )
        self._socket = runtime / "pulse" / "native"
        noise = pink_noise(60.0, dbfs=-20.0)
        self._song = write_wav(folder / "noise.wav", np.stack([noise, noise], axis=1))
        self._processes = []

    def start(self):
        self._socket.unlink(missing_ok=True)
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
        command += ["-L", f"module-null-sink sink_name=nl rate={RATE_HZ}"]
        command += ["-L", "module-native-protocol-unix"]  # last: its socket is waited for
        self._run(*command)
        wait_for(self._socket.exists, lambda: "pulseaudio does not start here")
        self._run("paplay", "-d", "nl", self._song)

    def kill(self):
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.wait()

    def _run(self, *command):
        quiet = subprocess.DEVNULL
        self._processes.append(
            subprocess.Popen(command, env=self.env, stdin=quiet, stdout=quiet, stderr=quiet)
        )


@pytest.fixture
def server(tmp_path):
    for program in ("pulseaudio", "paplay"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if importlib.util.find_spec("pyaudio") is None:
        pytest.skip("PyAudio is not installed")
    server = PulseServer(tmp_path)
    server.start()
    yield server
    server.kill()


def status(url):
    """Return what the preview says of the newest frame, as a dictionary."""
    with urllib.request.urlopen(f"{url}/status") as answer:  # noqa: S310 - of this machine
        return json.loads(answer.read())


def test_a_sound_server_that_is_stopped_and_started_again(start, server):
    def scenario():
        outputs = ("--output", "null", "--output", "preview:127.0.0.1:0")
        show = start("--audio", "device:nodeloop", *outputs, env=server.env)
        (url,) = re.findall(r"preview at (\S+)", show.log)
        wait_for(lambda: status(url).get("level_db", -120.0) > LOUD_DB, lambda: show.log)
        server.kill()
        killed_s = time.monotonic()
        show.wait_for_log("no sound: ")
        time.sleep(3.0)
        server.start()
        again_s = time.monotonic()
        opened = "listening to device nodeloop"
        wait_for(lambda: show.log.count(opened) == 2, lambda: show.log)
        opened_s = time.monotonic()
        time.sleep(3.5)
        assert show.end()[0] == 0, show.log
        report, trace = show.report(), show.trace()
        fallen = [one for one in report["incidents"] if one["stage"] == "audio"]
        assert fallen, report["incidents"]
        loud = [one["published_s"] for one in trace if one["rms_db"] > LOUD_DB]
        assert min(loud) < killed_s
        silent = [one for one in trace if killed_s + 0.6 < one["published_s"] < again_s]
        misses = gaps(report, trace[0]["published_s"])
        if max(one["weight"] for one in silent) > 0.02:
            misses.append(Miss("the face is not at rest in silence", killed_s, again_s))
        if opened_s - again_s > SOUND_BACK_S:
            misses.append(Miss(f"listening after {opened_s - again_s:.2f} s", again_s, opened_s))
        back_s = min((at_s for at_s in loud if at_s > again_s), default=float("inf"))
        if back_s - opened_s > NULL_SINK_S + 0.25:
            what = f"sound after {back_s - again_s:.2f} s; {report['incidents']}"
            misses.append(Miss(what, again_s, back_s))
        if len(fallen) > 1:  # it fell with the server, and once only
            misses.append(Miss(f"sound fell again: {fallen}", killed_s, back_s))
        return misses

    play_fairly(scenario)
