import errno
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.processes import kill, lives, stop
from tests.show.supervision import stages
from vjnode.errors import VjnodeError
from vjnode.show.ipc.show_flags import ShowFlags
from vjnode.show.ipc.slot import Slot
from vjnode.show.supervision.child import BACK_OFF_S, StageSpec
from vjnode.show.supervision.supervisor import Supervisor
from vjnode.show.supervision.warm_spare import AGAIN_S, Spares


@pytest.fixture
def show():
    """A function that starts a supervised stage on a flags and a slot, its attributes."""
    flags, slot = ShowFlags(), Slot(128)
    supervisors = []

    def start(run, *arguments, stall_s=5.0, spare=False):
        spec = StageSpec(
            "worker",
            lambda _: (run, (slot.name, *arguments)),
            lambda: slot.sequence,
            stall_s=stall_s,
            start_s=60.0,
        )
        supervisor = Supervisor(
            [spec], flags.name, ("tests.show.supervision.stages",) if spare else ()
        )
        supervisors.append(supervisor)
        supervisor.start(timeout_s=60, going_on=lambda: True)
        now_s = time.monotonic()
        supervisor.begin(now_s)
        flags.begin(now_s)
        return supervisor

    start.flags, start.slot = flags, slot
    yield start
    for supervisor in supervisors:
        supervisor.kill()
    flags.close()
    slot.close()


def poll_until(supervisor, condition, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, supervisor.report()
        supervisor.poll(time.monotonic())
        time.sleep(0.01)


def wait_until_gone(pid, timeout_s=60.0):
    end = time.monotonic() + timeout_s
    while lives(pid):
        assert time.monotonic() < end, "a process does not end by itself"
        time.sleep(0.02)


def ticks(show):
    before = show.slot.sequence
    return lambda: show.slot.sequence > before


def test_a_killed_stage_is_replaced_and_the_fault_is_in_the_report(show):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    first = supervisor.children[0].pid
    kill(first)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].away_s)
    assert supervisor.children[0].pid != first
    assert supervisor.restarts == 1
    reason = supervisor.report()[0]["reason"]
    assert reason.startswith("ended") if sys.platform == "win32" else reason == "ended by SIGKILL"
    assert supervisor.report()[0]["away_s"] > 0


def test_a_stage_that_is_alive_but_does_nothing_is_replaced(show):
    supervisor = show(stages.tick_then_hang, 3, stall_s=0.5)
    poll_until(supervisor, lambda: supervisor.incidents)
    assert "no sign of life for 0.5 s" in supervisor.report()[0]["reason"]


def test_a_stopped_stage_is_replaced(show):
    supervisor = show(stages.tick, stall_s=0.5)
    poll_until(supervisor, ticks(show))
    stop(supervisor.children[0].pid)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].away_s)


def test_a_slow_start_is_not_taken_for_a_hang(show):
    supervisor = show(stages.start_slowly, 1.5, stall_s=0.3)
    poll_until(supervisor, lambda: supervisor.children[0].working)
    assert supervisor.restarts == 0


def test_a_stage_that_says_that_it_needs_longer_gets_longer(show):
    supervisor = show(stages.tick_then_open_slowly, 3.0, 60.0, stall_s=1.5)
    poll_until(supervisor, lambda: show.slot.sequence > 20)
    assert supervisor.restarts == 0


def test_and_no_longer_than_it_said(show):
    supervisor = show(stages.tick_then_open_slowly, 30.0, 0.8, stall_s=0.2)
    poll_until(supervisor, lambda: supervisor.incidents)
    assert "no sign of life for 0.8 s" in supervisor.report()[0]["reason"]


def test_a_wait_that_was_asked_for_is_not_held_against_the_stage_once_it_is_over(show):
    """A sound server takes seconds until its first samples, then no time at all."""
    supervisor = show(stages.open_slowly_and_tick_late, 3.0, 0.4, stall_s=1.5)
    poll_until(supervisor, lambda: show.slot.sequence > 20)
    assert supervisor.restarts == 0, supervisor.report()


def test_a_parent_that_was_held_up_itself_blames_nobody(show):
    """A machine that stood still for a while stood still for all of its processes."""
    supervisor = show(stages.tick, stall_s=1.0)
    poll_until(supervisor, ticks(show))
    child = supervisor.children[0]
    child.spec = replace(child.spec, progress=lambda: 5)  # no sign of progress from now on
    supervisor.poll(time.monotonic())
    begun_s = time.monotonic()
    for later_s in (30.0, 30.05, 60.0, 60.1):
        supervisor.poll(begun_s + later_s)
    assert not supervisor.incidents
    for n in range(30):
        supervisor.poll(begun_s + 60.2 + n * 0.05)
    assert "no sign of life" in supervisor.report()[0]["reason"]


def test_the_process_in_reserve_steps_in_and_is_replaced(show):
    supervisor = show(stages.tick, spare=True)
    reserve = supervisor._spares
    poll_until(supervisor, lambda: reserve._spare is not None and reserve._spare.warm)
    waiting = reserve._spare.process.pid
    poll_until(supervisor, ticks(show))
    kill(supervisor.children[0].pid)
    poll_until(supervisor, lambda: supervisor.restarts and supervisor.children[0].working)
    assert supervisor.children[0].pid == waiting
    poll_until(supervisor, lambda: reserve._spare is not None and reserve._spare.warm)
    following = reserve._spare.process.pid
    supervisor.kill()
    assert not lives(waiting)
    assert not lives(following)


@pytest.mark.parametrize("hit", [kill, stop])
def test_a_reserve_that_has_fallen_itself_costs_little(show, hit):
    supervisor = show(stages.tick, spare=True)
    reserve = supervisor._spares
    poll_until(supervisor, lambda: reserve._spare is not None and reserve._spare.warm)
    poll_until(supervisor, ticks(show))
    hit(reserve._spare.process.pid)
    kill(supervisor.children[0].pid)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].away_s)
    assert len(supervisor.incidents) == 1


def test_who_falls_again_and_again_is_started_more_and_more_seldom(show):
    supervisor = show(stages.fall_at_once, spare=True)
    starts = []

    def counted():
        if supervisor.restarts > len(starts):
            starts.append(time.monotonic())
        return len(starts) >= 4

    poll_until(supervisor, counted)
    waits = np.diff(starts)
    for wait, least in zip(waits, BACK_OFF_S[1:], strict=False):
        assert wait > least
    assert max(BACK_OFF_S[:4]) <= 2.0
    assert all(one["reason"] == "RuntimeError: it fell" for one in supervisor.report())


@pytest.fixture
def full(monkeypatch):
    """A system that starts no process while the list that this returns is not empty."""
    full, spawn = [], multiprocessing.get_context("spawn").Process
    start = spawn.start

    def start_if_possible(process):
        if full:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        start(process)

    monkeypatch.setattr(spawn, "start", start_if_possible)
    return full


def test_a_stage_that_cannot_be_started_is_tried_again_and_ends_nothing(show, full):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    full.append("no process left")
    kill(supervisor.children[0].pid)
    poll_until(supervisor, lambda: supervisor.incidents and supervisor.incidents[0].faults >= 3)
    assert supervisor.restarts == 2
    full.clear()
    poll_until(supervisor, lambda: supervisor.incidents[0].away_s)
    assert [one["reason"] for one in supervisor.report()] == ["ended by SIGKILL"]


def test_without_room_for_a_reserve_the_show_goes_on_and_asks_now_and_then(show, full, caplog):
    supervisor = show(stages.tick)
    supervisor._spares = spares = Spares(("tests.show.supervision.stages",))
    full.append("no process left")
    gc.collect()  # what other tests have left counts for nothing
    handles = len(list(Path("/proc/self/fd").iterdir()))
    for n in range(100):
        spares.poll(1000.0 + n * 0.1)
    assert caplog.text.count("no process in reserve") == 10.0 / AGAIN_S
    assert len(list(Path("/proc/self/fd").iterdir())) == handles
    full.clear()
    spares.poll(1000.0 + 2 * AGAIN_S)
    poll_until(supervisor, lambda: spares._spare is not None and spares._spare.warm)


def test_a_show_without_room_for_its_stages_says_so_before_it_begins(show, full):
    full.append("no process left")
    with pytest.raises(VjnodeError, match=r"worker cannot be started.*; end other programs"):
        show(stages.tick)


def test_faults_until_it_is_back_are_one_incident(show):
    supervisor = show(stages.tick, stall_s=5.0)
    poll_until(supervisor, ticks(show))
    child = supervisor.children[0]
    kill(child.pid)
    poll_until(supervisor, lambda: supervisor.restarts == 1)
    kill(child.pid)  # before its first sign of life
    poll_until(supervisor, lambda: supervisor.incidents[0].away_s)
    assert [one["faults"] for one in supervisor.report("worker")] == [2]
    assert supervisor.report("another") == []


def test_repeated_faults_leave_no_handles_behind(show):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    handles = []
    for n in range(4):
        supervisor.children[0]._row = 0  # no waiting
        kill(supervisor.children[0].pid)
        poll_until(
            supervisor,
            lambda n=n: supervisor.restarts == n + 1 and supervisor.children[0].working,
        )
        handles.append(len(list(Path("/proc/self/fd").iterdir())))
    assert handles[-1] == handles[0]


def test_garbage_collection_does_not_hold_up_a_stage(show):
    """The collector never again sweeps the objects that were there at the start."""
    supervisor = show(stages.measure_collection)
    poll_until(supervisor, lambda: show.slot.sequence > 0)
    took_s, unfrozen_s, frozen, kept = json.loads(show.slot.read())
    assert frozen > kept == 200_000
    assert took_s < 0.3 * unfrozen_s


def test_what_cannot_be_opened_is_told_before_the_show(show):
    with pytest.raises(VjnodeError, match="no such thing") as caught:
        show(stages.cannot_open)
    assert caught.value.exit_code == 2


def test_a_stage_ends_by_itself_and_leaves_no_process(show, caplog):
    supervisor = show(stages.tick)
    poll_until(supervisor, ticks(show))
    pid = supervisor.children[0].pid
    show.flags.stop()
    wait_until_gone(pid)
    supervisor.stop()
    assert "did not end by itself" not in caplog.text


def test_even_a_hung_stage_does_not_keep_the_show_from_ending(show):
    supervisor = show(stages.tick_then_hang, 1)
    pid = supervisor.children[0].pid
    show.flags.stop()
    supervisor.stop()
    assert not lives(pid)


def test_children_end_when_their_parent_is_gone(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from tests.show.supervision import stages\n"
        "from vjnode.show.ipc.show_flags import ShowFlags\n"
        "from vjnode.show.ipc.slot import Slot\n"
        "from vjnode.show.supervision.child import StageSpec\n"
        "from vjnode.show.supervision.supervisor import Supervisor\n"
        "if __name__ == '__main__':\n"
        "    flags, slot = ShowFlags(), Slot(8)\n"
        "    spec = StageSpec('worker', lambda _: (stages.tick, (slot.name,)),\n"
        "                     lambda: slot.sequence, 5.0, 20.0)\n"
        "    supervisor = Supervisor([spec], flags.name)\n"
        "    supervisor.start(timeout_s=20, going_on=lambda: True)\n"
        "    flags.begin(time.monotonic())\n"
        "    print(supervisor.children[0].pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_until_gone(child)


def test_a_child_that_is_ended_along_with_the_show_is_no_fault(show):
    """A Ctrl-Break, or a closed console, reaches children that do not ignore it yet."""
    ended = []

    def going_on():
        if not ended:
            ended.append(supervisor.children[0].pid)
            supervisor.children[0]._worker.process.kill()
            supervisor.children[0]._worker.process.join()
        return False

    spec = StageSpec("worker", lambda _: (stages.tick, (show.slot.name,)), lambda: 0, 5.0, 20.0)
    supervisor = Supervisor([spec], show.flags.name)
    try:
        assert supervisor.start(timeout_s=20, going_on=going_on) is False
    finally:
        supervisor.kill()
    assert ended
