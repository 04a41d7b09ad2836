import io
import logging
import os
import subprocess
import sys

import pytest

from tests.terminal import open_terminal, promptly, read_up_to
from vjnode.runtime import PatientHandler, monotonic_s


def test_openvino_is_imported_without_its_telemetry():
    code = "import sys; from vjnode.runtime import load_openvino; print(load_openvino().Core);"
    code += "print(sorted(m for m in sys.modules if m.startswith('openvino_telemetry.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_clock_of_a_show_is_finer_than_a_frame():
    steps_s = []
    now_s = monotonic_s()
    for _ in range(20):
        while (then_s := monotonic_s()) == now_s:
            pass
        steps_s.append(then_s - now_s)
        now_s = then_s
    assert min(steps_s) < 0.001


def test_the_clock_of_a_show_is_the_same_in_every_process():
    code = "from vjnode.runtime import monotonic_s; print(monotonic_s())"
    before_s = monotonic_s()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert before_s < float(done.stdout) < monotonic_s()


@pytest.fixture
def log():
    """Give a function that makes a log to a stream."""

    def log(stream):
        log = logging.Logger("show")
        log.addHandler(PatientHandler(stream))
        return log

    return log


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_paused_terminal_holds_back_the_log_and_nobody_who_logs(log):
    termios = pytest.importorskip("termios")
    with open_terminal() as (stream, far):
        events = log(stream)
        events.warning("before")
        termios.tcflow(stream.fileno(), termios.TCOOFF)
        assert promptly(lambda: [events.error("fault %d", n) for n in range(3)])
        termios.tcflow(stream.fileno(), termios.TCOON)
        events.info("after")
        said = read_up_to(far, "after\r\n").split()
        assert said == ["before", "fault", "0", "fault", "1", "fault", "2", "after"]


@pytest.mark.skipif(sys.platform == "win32", reason="select knows only sockets there")
def test_a_reader_that_has_stopped_reading_stops_nobody_who_logs(log):
    far, near = os.pipe()
    with open(near, "w", encoding="utf-8") as stream:  # noqa: PTH123
        events = log(stream)
        assert promptly(lambda: [events.error("%01000d", n) for n in range(200)])
    os.close(far)


def test_what_is_no_file_gets_the_log_as_well(log):
    text = io.StringIO()
    log(text).error("fault")
    assert text.getvalue() == "fault\n"
