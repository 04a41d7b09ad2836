"""Faults in a real show: it goes on, or is there again."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from tests.events import HANG_S, wait_for
from tests.live.fairness import play_fairly
from tests.show.measures import frames_between, missed
from tests.show.process import ROOT, free_port
from tests.terminal import open_terminal
from vjnode.control.presets import scan_presets
from vjnode.faces.catalogue import expression_names, face_names

pytestmark = pytest.mark.slow


def test_the_picture_goes_on_while_the_engine_is_killed_and_comes_back(start):
    def scenario():
        show = start("--audio", "demo", "--output", "null")
        show.wait_until_live()
        killed_s = time.monotonic()
        os.kill(show.children()["engine"], signal.SIGKILL)
        show.wait_for_log("engine is back")
        back_s = time.monotonic()
        time.sleep(1.0)
        assert show.end()[0] == 0
        report = show.report()
        assert report["restarts"] == 1
        assert report["incidents"][0]["stage"] == "engine"
        since = frames_between(show, killed_s, float("inf"))
        gap_s = np.diff(since).max()
        live = {one["captured_s"] for one in show.trace() if one["published_s"] > since[-1] - 0.5}
        return missed(
            (f"back after {back_s - killed_s:.1f} s", back_s - killed_s < 10),
            (f"{len(since)} frames since then", len(since) > 0.8 * (since[-1] - killed_s) * 60),
            (f"a gap of {gap_s:.2f} s", gap_s < 0.25),
            (f"{len(live)} new ones in the last half second", len(live) > 10),
            since_s=killed_s,
        )

    play_fairly(scenario)


@pytest.mark.parametrize("stage", ["audio", "null"])
def test_a_killed_stage_is_back_soon(start, stage):
    show = start("--audio", "tone", "--output", "null")
    show.wait_until_live()
    os.kill(show.children()[stage], signal.SIGKILL)
    show.wait_for_log(f"{stage} is back")
    assert show.end()[0] == 0
    assert show.report()["restarts"] == 1


def test_a_terminal_that_takes_nothing_holds_no_show_up(tmp_path):
    """A paused terminal, or a Windows console that was clicked into, is like that."""
    termios = pytest.importorskip("termios")
    report, trace = tmp_path / "report.json", tmp_path / "trace.jsonl"
    with open_terminal() as (stream, _):
        termios.tcflow(stream.fileno(), termios.TCOOFF)
        command = [sys.executable, "-m", "vjnode", "run", "--audio", "tone", "--output", "null"]
        command += ["--size", "256", "--report", str(report), "--trace", str(trace)]
        command += ["--osc", f"127.0.0.1:{free_port()}"]
        with subprocess.Popen(command, cwd=ROOT, stderr=stream) as show:
            try:
                wait_for(lambda: trace.is_file() and trace.read_text().count("\n") > 60)
                show.terminate()
                assert show.wait(HANG_S) == 0
            finally:
                show.kill()
        figures = json.loads(report.read_text())
        assert (figures["restarts"], figures["frames"] > 60) == (0, True)


def test_a_full_disk_ends_the_trace_and_not_the_show(start):
    def scenario():
        show = start("--audio", "tone", "--output", "null", "--duration", 2, "--trace", "/dev/full")
        show.wait_for_log(r"live: ")
        live_s = time.monotonic()
        assert show.process.wait(240) == 0, show.log
        assert show.report()["restarts"] == 0
        assert show.log.count("breaks off") == 1
        frames = show.report()["frames"]
        return missed((f"{frames} frames in 2 s", frames > 0.9 * 2 * 60), since_s=live_s)

    play_fairly(scenario)


def test_a_missing_device_is_a_face_at_rest_and_not_the_end(start):
    show = start("--audio", "device:no such thing", "--output", "null", "--duration", 3)
    assert show.process.wait(240) == 0, show.log
    assert "no sound" in show.log
    assert {line["weight"] for line in show.trace()[60:]} == {0.0}


SET = """version = 1
[[entry]]
preset = "dream"
[[entry]]
preset = "riot"
notes = "strobe"
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL as POSIX has it")
def test_a_show_that_was_killed_goes_on_where_it_was(start, tmp_path):
    (tmp_path / "set.toml").write_text(SET)
    state = tmp_path / "state.json"
    arguments = ("--set-list", tmp_path / "set.toml", "--state", state, "--audio", "demo")
    show = start(*arguments, "--output", "null")
    show.wait_until_live()
    client = SimpleUDPClient("127.0.0.1", show.port)
    client.send_message("/vjnode/set/next", 1)
    client.send_message("/vjnode/gain", 2.5)
    wait_for(lambda: '"gain": 2.5' in state.read_text())
    show.process.send_signal(signal.SIGKILL)
    show.process.wait(HANG_S)
    show = start(*arguments, "--output", "null", "--duration", 2)
    assert show.process.wait(HANG_S) == 0, show.log
    assert "the show goes on after a crash" in show.log
    face = scan_presets(faces=face_names(), expressions=expression_names())["riot"].face
    assert {(one["face"], one["gain"]) for one in show.trace()} == {(face, 2.5)}
    assert '"ended": true' in state.read_text()
