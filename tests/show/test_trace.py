"""A live show's trace has every frame where the disk lets it, and costs the show nothing."""

import threading
import time
from contextlib import closing

import pytest

from tests.output.shows import flat, hearing
from tests.show.process import read_trace
from vjnode.errors import VjnodeError
from vjnode.show.file_thread import QUEUED
from vjnode.show.trace import LiveTrace, TraceWriter

INFO = flat((1, 2, 3)).info


def write(trace, frames):
    for frame in frames:
        trace.write(hearing(INFO, t_s=frame / 60), frame=frame, published_s=100 + frame / 60)


def test_every_frame_is_there_and_a_restart_goes_on(tmp_path):
    path = tmp_path / "trace.jsonl"
    with closing(LiveTrace(path, again=False)) as trace:
        write(trace, range(200))
    with closing(LiveTrace(path, again=True)) as trace:
        write(trace, range(200, 300))
    lines = read_trace(path)
    assert [line["frame"] for line in lines] == list(range(300))
    assert lines[60]["published_s"] == 101


def test_a_disk_that_hangs_costs_lines_and_not_time(tmp_path, monkeypatch, caplog):
    goes_on, written = threading.Event(), []

    def hang(*_, **__):
        goes_on.wait()
        written.append(1)

    monkeypatch.setattr(TraceWriter, "write", hang)
    trace = LiveTrace(tmp_path / "trace.jsonl", again=False)
    write(trace, range(QUEUED + 100))
    assert 99 <= trace.dropped <= 100  # one may be in the writer's hands
    trace.close()
    assert not written  # so neither has waited for the disk
    assert "the end of the trace" in caplog.text
    assert f"lacks {trace.dropped} lines" in caplog.text
    goes_on.set()


def test_a_trace_that_cannot_be_written_is_told_before_the_show(tmp_path):
    with pytest.raises(VjnodeError, match="cannot be written"):
        LiveTrace(tmp_path, again=False)


def test_and_during_the_show_it_is_done_without(tmp_path, caplog):
    with closing(LiveTrace(tmp_path, again=True)) as trace:
        for start in range(0, 2 * QUEUED, 100):
            write(trace, range(start, start + 100))
            time.sleep(0.01)
    assert trace.dropped == 0
    assert caplog.text.count("the show goes on without it") == 1


def test_without_a_path_there_is_none(tmp_path):
    with closing(LiveTrace(None, again=False)) as trace:
        write(trace, range(10))
    assert not list(tmp_path.iterdir())
