"""The status line serves the person at the terminal and never costs the show anything."""

import io
import os
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from tests.events import returns
from tests.output.shows import flat
from tests.terminal import open_terminal, read_up_to
from vjnode.show.status_line import PERIOD_S, StatusLine, status_text
from vjnode.system.console import Console

INFO = flat((1, 2, 3)).info

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.fixture
def terminal():
    with open_terminal() as terminal:
        yield terminal


def test_a_terminal_shows_the_newest_line(terminal):
    stream, far = terminal
    line = StatusLine(Console(stream))
    line.show(INFO, 10.0)
    assert read_up_to(far, status_text(INFO)) == f"\r\x1b[2K{status_text(INFO)}"
    line.show(INFO, 10.0 + PERIOD_S / 2)
    line.clear()
    assert read_up_to(far, "K") == "\r\x1b[2K"


def test_a_set_list_is_shown_and_what_waits():
    on = replace(INFO, entry="opening", coming="drop", waiting="face ada")
    assert status_text(on).endswith("opening → drop  waits: face ada")
    assert status_text(replace(on, coming="", waiting="")).endswith("opening → end")
    assert "→" not in status_text(INFO)


def test_a_paused_terminal_holds_nothing_up_and_goes_on_later(terminal):
    termios = pytest.importorskip("termios")
    stream, far = terminal
    line = StatusLine(Console(stream))
    termios.tcflow(stream.fileno(), termios.TCOOFF)
    assert returns(lambda: [line.show(INFO, float(n)) for n in range(5)])
    termios.tcflow(stream.fileno(), termios.TCOON)
    line.show(INFO, 9.0)
    assert read_up_to(far, status_text(INFO))


def test_a_terminal_that_is_gone_ends_the_line_and_not_the_show(terminal):
    stream, far = terminal
    line = StatusLine(Console(stream))
    os.close(far)
    for n in range(3):
        line.show(INFO, float(n))
    line.clear()


def test_a_file_gets_no_line():
    with closing(io.StringIO()) as log:
        line = StatusLine(Console(log))
        line.show(INFO, 1.0)
        line.clear()
        assert log.getvalue() == ""
