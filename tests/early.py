"""Work of tests in programs of their own, begun with the first test, so that no core waits.

A test that is marked ``early(work=…)`` gets what ``work`` returned, or raised, by the fixture
``early``. ``work`` is called with the test's parameters, in a thread, one after the other, while
tests before it run: it does little but start programs, by ``run``, which give way to those tests,
and stand still while one of them measures what this machine can do.
These may change what all modules share, as ``sys.executable``: work takes what it needs beforehand.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_BEGUN = pytest.StashKey()
_THREAD = "early"

PYTHON = sys.executable
_ENVIRONMENT = dict(os.environ)
"""As they are before any test changes them for itself."""

_ROOT = Path(__file__).parents[1]

_POSIX = os.name == "posix"

_NICE = shutil.which("nice") if _POSIX else None

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
        _PROGRAMS.end()

    @pytest.fixture
    def early(self, request):
        return request.node.stash[_BEGUN].result()


def is_early():
    """Return whether this is the thread that does early work, beside the test that runs."""
    return threading.current_thread().name.startswith(_THREAD)


class _Programs:
    """Programs that run, each in a process group of its own, so that it stops with its children.

    Not in a session of its own: between sessions, Linux shares the processor evenly.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._running = set()
        self._still = 0

    def start(self, words, **settings):
        with self._lock:
            program = subprocess.Popen(words, process_group=0 if _POSIX else None, **settings)
            self._running.add(program)
            if self._still:
                self._tell([program], signal.SIGSTOP)
        return program

    def forget(self, program):
        with self._lock:
            self._running.discard(program)

    def end(self):
        with self._lock:
            self._tell(self._running, signal.SIGKILL if _POSIX else signal.SIGTERM)

    @contextmanager
    def standing_still(self):
        self._hold(1)
        try:
            yield
        finally:
            self._hold(-1)

    def _hold(self, more):
        if not _POSIX:
            return
        with self._lock:
            self._still += more
            self._tell(self._running, signal.SIGSTOP if self._still else signal.SIGCONT)

    @staticmethod
    def _tell(programs, number):
        for program in programs:
            with suppress(ProcessLookupError, PermissionError):
                (os.killpg if _POSIX else os.kill)(program.pid, number)


_PROGRAMS = _Programs()

standing_still = _PROGRAMS.standing_still
"""A context within which programs of early work stand still; not on Windows."""


def run(*command, **environment):
    """Run a program to its end, behind all others; return it, with its texts.

    environment: variables of its own, beside those that this run began with.
    """
    variables = {name: str(value) for name, value in environment.items()}
    words = [*BEHIND, *map(str, command)]
    program = _PROGRAMS.start(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_ENVIRONMENT | variables,
        cwd=_ROOT,
    )
    try:
        texts = program.communicate()
    finally:
        _PROGRAMS.forget(program)
    return subprocess.CompletedProcess(words, program.returncode, *texts)
