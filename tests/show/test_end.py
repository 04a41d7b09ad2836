"""The ends of a real show: quick, in order, and nothing outlives them."""

import os
import signal
import time

import av
import numpy as np
import pytest

from tests.events import HANG_S, wait_for
from tests.live.fairness import play_fairly
from tests.processes import lives
from tests.show.measures import missed
from vjnode.show.ipc.show_flags import ShowFlags

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("whole_group", [False, True])
def test_the_end_is_quick_and_leaves_nothing_behind(start, name, whole_group):
    def scenario():
        show = start("--audio", "demo", "--output", "null")
        show.wait_until_live()
        children = show.children()
        assert {"audio", "engine", "null"} <= set(children)
        memory = show.shared_memory()
        assert memory
        told_s = time.monotonic()
        code, took_s = show.end(signal.Signals[name], whole_group=whole_group)
        assert code == 0
        assert show.report()["frames"] == len(show.trace())
        assert not [block for block in memory if block.exists()]
        wait_until_gone(children)  # Python's own tracker of memory ends just after the program
        assert "Traceback" not in show.log
        return missed((f"it took {took_s:.1f} s to end", took_s < 2), since_s=told_s)

    play_fairly(scenario)


def wait_until_gone(children, timeout_s=60):
    end = time.monotonic() + timeout_s
    while living := [name for name, pid in children.items() if lives(pid)]:
        assert time.monotonic() < end, living
        time.sleep(0.02)


def frames_in(film):
    """Return how many frames a recording holds, even while it is being made."""
    try:
        with av.open(str(film)) as video:
            return sum(1 for _ in video.decode(video=0))
    except (FileNotFoundError, av.error.InvalidDataError):
        return 0


def test_a_child_that_is_told_that_the_console_closes_ends_the_show_in_order(start, tmp_path):
    """On Windows it may be told before its parent is; here it says so as it would there."""
    film = tmp_path / "show.mp4"
    show = start("--audio", "demo", "--output", f"record:{film}")
    show.wait_until_live()
    wait_for(lambda: frames_in(film) > 30)
    board = next(path for path in show.shared_memory() if is_flags(path))
    joined = ShowFlags(name=board.name)
    joined.stop()
    joined.close()
    assert show.process.wait(HANG_S) == 0
    assert show.report()["restarts"] == 0
    assert frames_in(film) > 30


def is_flags(path):
    """Return whether it is a show's notice board: 64 bytes, of which the second 8 are its epoch."""
    data = np.fromfile(path, np.float64)
    return data.size == 8 and data[0] == 0 and abs(time.monotonic() - data[1]) < 60


def test_nothing_outlives_a_killed_parent(start):
    show = start("--audio", "tone", "--output", "null")
    show.wait_until_live()
    children, memory = show.children(), show.shared_memory()
    assert memory
    os.kill(show.process.pid, signal.SIGKILL)
    show.process.wait()
    wait_until_gone(children)
    assert not [block for block in memory if block.exists()]


def test_a_recording_is_whole_when_the_whole_group_is_told_to_end(start, tmp_path):
    def scenario():
        show = start("--audio", "demo", "--output", f"record:{tmp_path / 'show.mp4'}")
        show.wait_until_live()
        live_s = time.monotonic()
        time.sleep(2)
        assert show.end(signal.SIGTERM, whole_group=True)[0] == 0
        with av.open(str(tmp_path / "show.mp4")) as video:
            frames = sum(1 for _ in video.decode(video=0))
        sent = show.report()["frames"]
        assert 0 < frames <= sent
        return missed((f"{frames} frames of {sent} in it", frames >= sent - 3), since_s=live_s)

    play_fairly(scenario)
