"""The parent of a show on its system: the tracker of shared memory, signals, the session's end."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import SimpleNamespace

import pytest

from tests.events import HANG_S
from tests.show.process import ROOT
from vjnode.show import parent as live


def missing():
    raise ModuleNotFoundError("No module named '_posixsubprocess'")


def test_a_show_starts_where_python_has_no_tracker_of_shared_memory(monkeypatch):
    with monkeypatch.context() as windows:
        windows.setattr(resource_tracker, "ensure_running", missing)
        windows.setattr(live.os, "name", "nt")
        live.start_tracker()


def test_where_there_is_one_it_is_started_before_anything_else(monkeypatch):
    started = []
    monkeypatch.setattr(resource_tracker, "ensure_running", lambda: started.append(1))
    live.start_tracker()
    assert started == [1]


TOLD = f"""
import sys
from vjnode.cli.main import stopped_by_signals
from vjnode.show.parent import told_by_signals
with stopped_by_signals(), told_by_signals() as told_to_stop:
    print("live", flush=True)
    if "--ask" in sys.argv:
        sys.stdin.readline()
        print("told to stop:", told_to_stop.is_set(), flush=True)
    told_to_stop.wait({HANG_S})
print("ended in order", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize(
    ("ignoring", "ignored"),
    [("trap '' HUP", "SIGHUP"), ("trap '' INT", "SIGINT")],
    ids=["as under nohup", "as in a script's background"],
)
def test_what_was_ignored_at_the_start_does_not_end_a_show(ignoring, ignored):
    with subprocess.Popen(
        ["sh", "-c", f'{ignoring}; exec "$@"', "sh", sys.executable, "-c", TOLD, "--ask"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as show:
        assert show.stdout.readline() == "live\n"
        show.send_signal(signal.Signals[ignored])
        show.stdin.write("\n")  # a signal that is heeded acts before this is read
        show.stdin.flush()
        assert show.stdout.readline() == "told to stop: False\n"
        show.terminate()
        assert show.stdout.readline() == "ended in order\n"
        assert show.wait(HANG_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_was_not_ignored_ends_it_in_order(name):
    with subprocess.Popen(
        [sys.executable, "-c", TOLD], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as show:
        assert show.stdout.readline() == "live\n"
        show.send_signal(signal.Signals[name])
        assert show.stdout.readline() == "ended in order\n"
        assert show.wait(HANG_S) == 0


def test_on_windows_the_end_of_the_session_ends_a_show(monkeypatch):
    told = []

    @contextmanager
    def heeded(ended):
        told.append(ended)
        yield
        told.remove(ended)

    monkeypatch.setattr(live, "session", SimpleNamespace(heeded=heeded))
    monkeypatch.setattr(sys, "platform", "win32")
    with live.told_by_signals() as told_to_stop:
        [ended] = told
        ended()
        assert told_to_stop.is_set()
    assert told == []


LOADED = """
import sys
from importlib import import_module
from vjnode.show import run
before = "openvino" in sys.modules
import_module(run.WARM_IMPORTS)
print(before, "openvino" in sys.modules, "openvino_telemetry" in sys.modules)
"""


def test_a_process_in_reserve_has_loaded_what_the_parent_does_without():
    run = [sys.executable, "-c", LOADED]
    said = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.split() == ["False", "True", "True"]  # the last of them is empty
