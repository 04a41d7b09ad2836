"""A session is written beside the show: nothing waits for its disk, and a kill costs a second."""

import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from itertools import pairwise

import pytest

from tests.events import wait_for
from tests.show.process import ROOT
from tests.show.session.made import HEADER, heard, steered, ticks, write_session
from vjnode.errors import InputError
from vjnode.show.file_thread import QUEUED
from vjnode.show.session.reader import open_session
from vjnode.show.session.recorder import SessionRecorder, SessionWriter, free_path
from vjnode.show.session.records import packed


def record(recorder, count, first=0):
    for number, (now_s, controls, drives) in enumerate(ticks(count)):
        if number >= first:
            recorder.tick(now_s, controls, packed(drives[0]) if drives else None)


def test_every_tick_is_there_and_a_restart_goes_on(tmp_path):
    path = tmp_path / "set.vjsession"
    with closing(SessionRecorder(path, HEADER, again=False)) as recorder:
        record(recorder, 200)
    with closing(SessionRecorder(path, HEADER, again=True)) as recorder:
        record(recorder, 300, first=200)
    found = list(open_session(path).ticks())
    assert [(tick.now_s, tick.controls, list(tick.drives)) for tick in found] == list(ticks(300))


def test_it_goes_on_where_the_file_never_came_to_be(tmp_path):
    path = tmp_path / "set.vjsession"
    with closing(SessionRecorder(path, HEADER, again=True)) as recorder:
        record(recorder, 10)
    assert open_session(path).ticks_count == 10


def test_a_disk_that_hangs_costs_ticks_and_not_time(tmp_path, monkeypatch, caplog):
    goes_on, path = threading.Event(), tmp_path / "set.vjsession"
    write = SessionWriter.write

    def hang(self, data):
        goes_on.wait()
        write(self, data)

    monkeypatch.setattr(SessionWriter, "write", hang)
    recorder = SessionRecorder(path, HEADER, again=False)
    record(recorder, QUEUED + 100)
    assert 99 <= recorder.dropped <= 100  # one may be in the writer's hands
    goes_on.set()
    assert wait_for(recorder._thread.queue.empty)
    late_s, controls = 2000.0, steered(9)
    recorder.tick(late_s, controls, packed(heard(1)))
    recorder.close()
    session = open_session(path)
    assert session.lost == recorder.dropped
    assert f"lacks {recorder.dropped} ticks" in caplog.text
    last = list(session.ticks())[-1]  # what changed meanwhile is known all the same
    assert (last.now_s, last.controls) == (late_s, controls)


def test_a_full_disk_ends_the_session_and_not_the_show(tmp_path, monkeypatch, caplog):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SessionWriter, "write", full)
    recorder = SessionRecorder(tmp_path / "set.vjsession", HEADER, again=False)
    record(recorder, 3 * QUEUED // 4)
    assert wait_for(recorder._thread.queue.empty)
    record(recorder, 3 * QUEUED // 4)
    recorder.close()
    assert recorder.dropped == 0
    assert caplog.text.count("No space left on device; the show goes on") == 1


def test_without_a_path_there_is_none(tmp_path):
    with closing(SessionRecorder(None, None, again=False)) as recorder:
        record(recorder, 10)
    assert not list(tmp_path.iterdir())


def test_no_session_is_overwritten(tmp_path, caplog):
    path = tmp_path / "set.vjsession"
    assert free_path(path) == path
    assert not path.exists()
    write_session(path, 1)
    assert free_path(path) == tmp_path / "set-2.vjsession"
    assert "is there already" in caplog.text
    with pytest.raises(InputError, match="there is no folder"):
        free_path(tmp_path / "nowhere" / "set.vjsession")


CHILD = """
import sys, time
from pathlib import Path
from tests.show.session.made import HEADER, steered
from vjnode.show.session.recorder import SessionRecorder
recorder = SessionRecorder(Path(sys.argv[1]), HEADER, again=False)
while True:
    now_s = time.monotonic()
    recorder.tick(now_s, steered(int(now_s * 10)), None)
    print(now_s, flush=True)
    time.sleep(0.005)
"""


def test_a_kill_costs_no_more_than_a_second(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    path = tmp_path / "set.vjsession"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        first_s = float(child.stdout.readline())
        told = [first_s]
        while told[-1] < first_s + 1.5:
            told.append(float(child.stdout.readline()))
    finally:
        child.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        child.wait()
    session = open_session(path)
    times = [tick.now_s for tick in session.ticks()]
    assert times == told[: len(times)]
    assert told[-1] - times[-1] < 1.0 + max_gap(told)


def max_gap(times):
    """Return the longest time, s, for which the machine held the child up."""
    return max(later - earlier for earlier, later in pairwise(times))
