import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.show import stages
from tests.show.process import lives
from vjnode.errors import VjnodeError
from vjnode.show.board import Board
from vjnode.show.slot import Slot
from vjnode.show.supervisor import StageSpec, Supervisor


@pytest.fixture
def show():
    """A board, a slot, and a way to start a supervised stage on them."""
    board, slot = Board(), Slot(8)
    supervisors = []

    def start(run, *arguments, stall_s=5.0):
        spec = StageSpec(
            "worker",
            lambda _: (run, (slot.name, *arguments)),
            lambda: slot.sequence,
            stall_s=stall_s,
            start_s=20.0,
        )
        supervisor = Supervisor([spec], board.name)
        supervisors.append(supervisor)
        supervisor.start(timeout_s=20, going_on=lambda: True)
        now_s = time.monotonic()
        supervisor.begin(now_s)
        board.begin(now_s)
        return supervisor

    start.board, start.slot = board, slot
    yield start
    for supervisor in supervisors:
        supervisor.kill()
    board.close()
    slot.close()


def poll_until(supervisor, condition, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, supervisor.report()
        supervisor.poll(time.monotonic())
        time.sleep(0.01)


def ticks(show):
    before = show.slot.sequence
    return lambda: show.slot.sequence > before


def test_a_killed_stage_is_replaced_and_the_fault_is_in_the_report(show):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    first = supervisor.children[0].pid
    os.kill(first, signal.SIGKILL)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].away_s)
    assert supervisor.children[0].pid != first
    assert supervisor.restarts == 1
    assert supervisor.report()[0]["reason"] == "ended by SIGKILL"
    assert 0 < supervisor.report()[0]["away_s"] < 10


def test_a_stage_that_is_alive_but_does_nothing_is_replaced(show):
    supervisor = show(stages.tick_then_hang, 3, stall_s=0.5)
    poll_until(supervisor, lambda: supervisor.incidents)
    assert "no sign of life for 0.5 s" in supervisor.report()[0]["reason"]


def test_a_stopped_stage_is_replaced(show):
    supervisor = show(stages.tick, stall_s=0.5)
    poll_until(supervisor, ticks(show))
    os.kill(supervisor.children[0].pid, signal.SIGSTOP)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].away_s)


def test_what_cannot_be_opened_is_told_before_the_show(show):
    with pytest.raises(VjnodeError, match="no such thing") as caught:
        show(stages.cannot_open)
    assert caught.value.exit_code == 2


def test_the_end_is_quick_and_leaves_no_process(show):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    pid = supervisor.children[0].pid
    began = time.monotonic()
    show.board.stop()
    supervisor.stop()
    assert time.monotonic() - began < 1.5
    assert not lives(pid)


def test_even_a_hung_stage_does_not_keep_the_show_from_ending(show):
    supervisor = show(stages.tick_then_hang, 1)
    pid = supervisor.children[0].pid
    show.board.stop()
    supervisor.stop()
    assert not lives(pid)


def test_children_end_when_their_parent_is_gone(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from tests.show import stages\n"
        "from vjnode.show.board import Board\n"
        "from vjnode.show.slot import Slot\n"
        "from vjnode.show.supervisor import StageSpec, Supervisor\n"
        "if __name__ == '__main__':\n"
        "    board, slot = Board(), Slot(8)\n"
        "    spec = StageSpec('worker', lambda _: (stages.tick, (slot.name,)),\n"
        "                     lambda: slot.sequence, 5.0, 20.0)\n"
        "    supervisor = Supervisor([spec], board.name)\n"
        "    supervisor.start(timeout_s=20, going_on=lambda: True)\n"
        "    board.begin(time.monotonic())\n"
        "    print(supervisor.children[0].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    end = time.monotonic() + 5
    while lives(child):
        assert time.monotonic() < end, "the child outlived its parent"
        time.sleep(0.05)
