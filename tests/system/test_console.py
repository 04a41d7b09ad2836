"""The log and the status line: nobody in a show waits for whoever should read them."""

import io
import logging
import os
import re
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.events import returns
from tests.terminal import open_terminal, read_up_to
from vjnode.system.console import Console, ConsoleHandler, errors_console


def log_to(stream):
    log = logging.Logger("show")
    log.addHandler(ConsoleHandler(Console(stream)))
    return log


@contextmanager
def a_pipe():
    """Give its near end, as a text stream, and its far end, which nobody reads."""
    far, near = os.pipe()
    with open(far, "rb") as reader, open(near, "w", encoding="utf-8") as stream:  # noqa: PTH123
        yield stream, reader


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_paused_terminal_holds_back_the_log_and_nobody_who_logs():
    termios = pytest.importorskip("termios")
    with open_terminal() as (stream, far):
        log = log_to(stream)
        log.warning("before")
        assert read_up_to(far, "before\r\n")
        termios.tcflow(stream.fileno(), termios.TCOOFF)
        assert returns(lambda: [log.error("fault %d", n) for n in range(3)])
        termios.tcflow(stream.fileno(), termios.TCOON)
        log.info("after")
        said = read_up_to(far, "after\r\n").split()
        assert said == ["fault", "0", "fault", "1", "fault", "2", "after"]


@pytest.mark.parametrize("length", [1000, 100_000], ids=["each fits", "none fits"])
def test_a_reader_that_has_stopped_reading_stops_nobody_and_learns_what_it_missed(length):
    with a_pipe() as (stream, reader):
        log = log_to(stream)
        assert returns(lambda: [log.error("%0*d", length, n) for n in range(1, 1001)])
        come, left_out = [], 0
        while not come or come[-1] < 1000:
            line = reader.readline().decode().rstrip()
            if missed := re.match(r"vjnode: (\d+) lines .* left out", line):
                left_out += int(missed[1])
            else:
                assert len(line) == length
                come.append(int(line[-4:]))
        assert left_out > 0
        assert come == sorted(come)
        assert len(come) + left_out == 1000


TALKER = """
import logging
from vjnode.runtime import log_to_stderr
log_to_stderr()
for n in range(100):
    logging.getLogger("show").error("%010000d", n)
print("done", flush=True)
"""


def test_a_process_ends_though_nobody_reads_what_it_says():
    with subprocess.Popen(
        [sys.executable, "-c", TALKER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as talker:
        assert talker.stdout.readline() == "done\n"
        assert talker.wait(20) == 0


def test_the_last_words_of_a_process_are_not_lost():
    done = subprocess.run(
        [sys.executable, "-c", TALKER], capture_output=True, text=True, check=True
    )
    assert [int(line[-4:]) for line in done.stderr.splitlines()] == list(range(100))


WHILE_QUIET = """
import logging
from vjnode.audio.sources.portaudio import quiet_stderr
from vjnode.system.console import errors_console
from vjnode.runtime import log_to_stderr
log_to_stderr()
with quiet_stderr():
    logging.getLogger("show").error("heard")
    errors_console().flush()
"""


def test_the_log_is_written_though_a_library_is_kept_quiet_meanwhile():
    run = [sys.executable, "-c", WHILE_QUIET]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "heard" in done.stderr


def test_what_is_no_file_gets_the_log_as_well():
    text = io.StringIO()
    log = log_to(text)
    log.error("fault")
    log.handlers[0].flush()
    assert text.getvalue() == "fault\n"


def test_what_a_console_cannot_show_is_replaced():
    with io.TextIOWrapper(io.BytesIO(), encoding="cp437") as stream:
        console = Console(stream)
        console.write("Realtek® Audio │█")
        console.flush()
        assert stream.buffer.getvalue() == "Realtek? Audio │█".encode("cp437")


def test_a_process_without_a_console_says_nothing(monkeypatch):
    """As one that pythonw.exe runs on Windows."""
    monkeypatch.setattr(sys, "stderr", None)
    console = errors_console.__wrapped__()
    assert not console.is_terminal
    console.write("fault")
    console.flush()
    assert console.idle


def test_a_console_that_is_gone_holds_nobody_up():
    with a_pipe() as (stream, reader):
        log = log_to(stream)
        reader.close()
        log.error("fault")
        log.handlers[0].flush()
        assert log.handlers[0]._console.idle
