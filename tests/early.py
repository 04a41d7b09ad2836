"""Work of tests in programs of their own, begun with the first test, so that no core waits.

A test that is marked ``early(work=…)`` gets what ``work`` returned, or raised, by the fixture
``early``. ``work`` is called with the test's parameters, in a thread, one after the other, while
tests before it run: it does little but start programs, by ``run``, which give way to those tests.
These may change what all modules share, as ``sys.executable``: work takes what it needs beforehand.
"""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

_BEGUN = pytest.StashKey()
_THREAD = "early"

PYTHON = sys.executable
_ENVIRONMENT = dict(os.environ)
"""As they are before any test changes them for itself."""

_ROOT = Path(__file__).parents[1]

_NICE = None if sys.platform == "win32" else shutil.which("nice")

BEHIND = () if _NICE is None else (_NICE, "-n", "15")
"""Words before a command which have it give way to all others."""


class EarlyWork:
    """Begins the work of all tests that were chosen."""

    def __init__(self):
        self._thread = ThreadPoolExecutor(1, _THREAD)

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "early(work=…): has its work done before its turn")

    def pytest_collection_finish(self, session):
        if session.config.option.collectonly:
            return
        for item in session.items:
            if (mark := item.get_closest_marker("early")) is not None:
                spec = getattr(item, "callspec", None)
                work = self._thread.submit(mark.kwargs["work"], **(spec.params if spec else {}))
                item.stash[_BEGUN] = work

    def pytest_sessionfinish(self):
        self._thread.shutdown(wait=False, cancel_futures=True)

    @pytest.fixture
    def early(self, request):
        return request.node.stash[_BEGUN].result()


def is_early():
    """Return whether this is the thread that does early work, beside the test that runs."""
    return threading.current_thread().name.startswith(_THREAD)


def run(*command, **environment):
    """Run a program to its end, behind all others; return it, with its texts.

    environment: variables of its own, beside those that this run began with.
    """
    variables = {name: str(value) for name, value in environment.items()}
    return subprocess.run(
        [*BEHIND, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env=_ENVIRONMENT | variables,
        cwd=_ROOT,
    )
