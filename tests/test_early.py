"""Programs that begin early give way to tests that measure."""

import sys
import threading
import time

import pytest

from tests.early import PYTHON, run, standing_still
from tests.events import wait_for

COUNT = """
import sys, time
from pathlib import Path

file = Path(sys.argv[1])
while not Path(sys.argv[2]).exists():
    with file.open("ab") as end:
        end.write(b".")
    time.sleep(0.002)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot make a program stand still")
def test_what_runs_early_stands_still_while_a_test_measures(tmp_path):
    count, over = tmp_path / "count", tmp_path / "over"
    ended = []
    work = threading.Thread(target=lambda: ended.append(run(PYTHON, "-c", COUNT, count, over)))
    with standing_still():
        work.start()
        time.sleep(0.3)
        assert not count.exists()
    wait_for(count.exists)
    with standing_still():
        time.sleep(0.1)  # what it was doing is done
        before = count.stat().st_size
        time.sleep(0.3)
        assert count.stat().st_size == before
    wait_for(lambda: count.stat().st_size > before)
    over.touch()
    work.join()
    assert ended[0].returncode == 0, ended[0].stderr
