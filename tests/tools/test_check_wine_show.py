"""The tool that plays shows under Wine leaves none of their processes, whatever went wrong."""

import importlib
import os
import sys

import pytest

from tests.events import wait_for
from tests.processes import lives

# Python itself: a ``python3`` may be a script that starts others, with the same words.
WINE = f"""#!/bin/sh
'{sys.executable}' -c 'import time; time.sleep(1000)' --multiprocessing-fork &
echo live
wait
"""


@pytest.fixture
def wine_show(tmp_path, monkeypatch):
    """The tool, with a Wine that only starts a child and waits for it."""
    pytest.importorskip("termios")
    (tmp_path / "wine").write_text(WINE)
    (tmp_path / "wine").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("WINEPREFIX", str(tmp_path / "prefix"))
    monkeypatch.setenv("WINDOWS_PYTHON", "python.exe")
    yield importlib.import_module("tools.check.wine_show")
    sys.modules.pop("tools.check.wine_show")


def test_a_check_that_fails_leaves_no_process_of_the_show(wine_show):
    show, children = wine_show.Show(), []

    def play():
        with show:
            show.play("live", 60.0)
            children.extend(wait_for(wine_show.processes))
            sys.exit("that is not what has been played")

    with pytest.raises(SystemExit):
        play()
    [child] = children
    assert os.waitpid(show.pid, 0)[0] == show.pid
    wait_for(lambda: not lives(child))
