"""``vjnode midi``, with ports of the stand-in for the package."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from tests.control.midi.plugs import STAND_IN, Plugs
from tests.events import wait_for
from tests.show.process import ROOT
from vjnode.cli.main import main
from vjnode.control.osc import OscServer


@pytest.fixture
def env(tmp_path):
    for name in ("ports", "config"):
        (tmp_path / name).mkdir()
    return {
        "PYTHONPATH": os.pathsep.join([STAND_IN, str(ROOT)]),
        "FAKE_MIDI": str(tmp_path / "ports"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }


@pytest.fixture
def plugs(env, tmp_path):
    return Plugs(tmp_path / "ports")


@pytest.fixture
def ask(env, monkeypatch, capsys):
    """Run the command here; returns its exit code and texts, as of a process."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(STAND_IN)

    def ask(*words):
        capsys.readouterr()
        code = main(["midi", *words])
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return ask


def test_controllers_are_listed_with_their_mappings(ask, plugs):
    plugs.plug("nanoKONTROL2 CTRL 20:0")
    plugs.plug("Stranger 24:0")
    told = ask("devices").stdout.splitlines()
    assert [line.split("  ")[0] for line in told] == ["Stranger", "nanoKONTROL2 CTRL"]
    assert [line.split()[-1] for line in told] == ["mapping", "nanokontrol2"]


def test_there_may_be_none(ask):
    assert ask("devices").returncode == 0
    for asked in (("monitor",), ("learn", "gain")):
        done = ask(*asked)
        assert (done.returncode, "no MIDI controller is plugged in" in done.stderr) == (2, True)


def test_a_mapping_is_listed(ask):
    told = ask("map", "nanokontrol2").stdout
    assert ["channel", "1", "cc", "0", "gain", "0", "to", "4"] in map(str.split, told.splitlines())
    assert "did you mean" in ask("map", "nanokontrol").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="its folder has no variable on Windows")
def test_a_control_is_learned_and_then_known(ask, plugs):
    plugs.plug("Stranger 24:0", "B0 15 05\n")
    done = ask("learn", "curve")
    assert done.returncode == 0, done.stderr
    assert "cc 21 of Stranger → curve" in done.stdout
    assert "stranger" in ask("devices").stdout
    assert "curve" in ask("map", "stranger").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a process alone")
def test_a_controller_plays_over_the_bridge_until_it_is_ended(env, plugs):
    plugs.plug("nanoKONTROL2 CTRL 20:0")
    done = []
    with (
        closing(OscServer("127.0.0.1", 0, lambda act, _: done.append(act.parameter.name))) as osc,
        subprocess.Popen(
            [sys.executable, "-m", "vjnode", "midi", "bridge", "--to", f"127.0.0.1:{osc.port}"],
            cwd=ROOT,
            env={**os.environ, **env},
            stderr=subprocess.PIPE,
            text=True,
        ) as bridge,
    ):
        while "nanoKONTROL2 CTRL plays" not in bridge.stderr.readline():
            assert bridge.poll() is None
        plugs.send("nanoKONTROL2 CTRL 20:0", "B0 2A 7F")
        wait_for(lambda: done == ["blackout"])
        bridge.send_signal(signal.SIGINT)
        assert bridge.wait() == 130


@pytest.mark.parametrize("words", [("gian",), ("preset/roit",), ("preset", "--value", "roit")])
def test_what_there_is_not_cannot_be_learned(ask, plugs, words):
    plugs.plug("Stranger 24:0")
    done = ask("learn", *words)
    assert (done.returncode, "did you mean" in done.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_process_that_reads_ports_goes_when_its_parent_is_killed(env, plugs):
    plugs.plug("nanoKONTROL2 CTRL 20:0", "FA\nB0 00 05\n")
    watching = subprocess.Popen(
        [sys.executable, "-m", "vjnode", "midi", "monitor"],
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "clock starts" in watching.stdout.readline()
    assert "cc 0" in watching.stdout.readline()
    watching.send_signal(signal.SIGKILL)
    watching.wait()
    wait_for(lambda: watching.stdout.read(1) == "")  # its child has the pipe, too, while it lives
    watching.stdout.close()
