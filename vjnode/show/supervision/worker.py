"""What every child process of a show does besides its work: start, sign of life, end.

A child is started without knowing what it is for, and is then sent its job. So one that has
imported what most jobs need can wait for the next fault.
"""

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection

from setproctitle import setproctitle

from vjnode.errors import VjnodeError
from vjnode.runtime import STOP_SIGNALS, heeded_signals, log_to_stderr
from vjnode.show.ipc.show_flags import Board
from vjnode.system import windows
from vjnode.system.console import errors_console

_PARENT_CHECK_S = 0.5


@dataclass(frozen=True)
class Job:
    """What a child process is sent to do: a stage, its name in lists, its show, its arguments."""

    stage: Callable[..., None]
    name: str
    board: str
    arguments: tuple[object, ...]


@dataclass(frozen=True)
class Warm:
    """A child's word that it has imported what it was told to, and waits for a job."""


@dataclass(frozen=True)
class Begun:
    """A child's word that it has got its job."""


@dataclass(frozen=True)
class Patience:
    """A child's word that its next sign of life may take up to ``stall_s``; None: as usual."""

    stall_s: float | None


@dataclass(frozen=True)
class Ready:
    """A child's word that it has opened what it needs. about: what that is, for the report."""

    about: Mapping[str, object]


@dataclass(frozen=True)
class Failed:
    """A child's last word: what went wrong, and the exit code that fits it."""

    text: str
    exit_code: int


class Lifeline:
    """A child's tie to its show: the board, and a parent that is still there."""

    def __init__(self, board: Board, connection: Connection) -> None:
        self._board = board
        self._connection = connection
        self._parent = os.getppid()
        self._checked_s = 0.0
        self._orphaned = False

    def ready(self, about: Mapping[str, object] | None = None) -> None:
        """Tell the parent that everything is open, and what it should report of that."""
        self._connection.send(Ready(about or {}))
        # From here on nothing large is made any more, so what is there need not be swept.
        gc.collect()
        gc.freeze()

    def expect_within(self, stall_s: float | None) -> None:
        """Tell the parent how long it may have to wait for progress, s; None: as usual again."""
        with suppress(OSError):  # a parent that is gone is found so by ``running``
            self._connection.send(Patience(stall_s))

    def running(self) -> bool:
        """Whether the show goes on; False as well when the parent has died."""
        now_s = time.monotonic()
        if now_s - self._checked_s > _PARENT_CHECK_S:
            self._checked_s = now_s
            parent = multiprocessing.parent_process()
            if os.getppid() != self._parent or (parent is not None and not parent.is_alive()):
                self._orphaned = True
        return not (self._orphaned or self._board.stopping)

    @property
    def parent_awake_s(self) -> float:
        """Return for how long the show's parent has been awake, s."""
        return self._board.awake_s

    def wait_for_begin(self) -> float | None:
        """Wait for the show to begin; returns its epoch, monotonic s, or None when it ends."""
        while self.running():
            if (epoch_s := self._board.epoch_s) is not None:
                return epoch_s
            time.sleep(0.005)
        return None


def stop_signals() -> list[signal.Signals]:
    """Return the signals that end a show on this system, but for those that are ignored already.

    They often reach a whole process group (Ctrl-C, a closed terminal, a service manager), but
    they are the parent's to act on: it lets its children finish what they have in hand.
    """
    return heeded_signals(*STOP_SIGNALS)


@contextmanager
def stop_signals_ignored() -> Iterator[None]:
    """Within it, a process that is started is deaf to what ends a show.

    A child inherits that a signal is ignored; doing it in the child would be too late for
    one that comes while it is still importing. Off the main thread it does nothing. On Windows,
    where nothing of that is inherited, it is started in a process group of its own.
    """
    if sys.platform == "win32":
        with windows.new_process_groups():
            yield
    elif threading.current_thread() is not threading.main_thread():
        yield
    else:
        before = {one: signal.signal(one, signal.SIG_IGN) for one in stop_signals()}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def child_main(connection: Connection, modules: tuple[str, ...]) -> None:
    """Be a child process: import ``modules``, wait for a job, do it, and end.

    It ends with ``os._exit``: a sound server or a driver that hangs in its clean-up must
    not keep a show from ending.
    """
    setproctitle("vjnode: starting")
    for one in stop_signals():
        signal.signal(one, signal.SIG_IGN)
    if sys.platform == "win32":
        windows.shut_down_late()
    log_to_stderr()
    code = 0
    try:
        for module in modules:
            with suppress(ImportError):  # who needs it will say so
                import_module(module)
        setproctitle("vjnode: spare")
        connection.send(Warm())
        job: Job = connection.recv()
        connection.send(Begun())
        setproctitle(f"vjnode: {job.name}")
        board = Board(name=job.board)
        if sys.platform == "win32":  # whichever process the system tells first, tells the show
            windows.heed_console(broken=lambda: None, closed=board.stop)
        job.stage(Lifeline(board, connection), *job.arguments)
    except EOFError:  # the show was over before there was anything to do
        pass
    except VjnodeError as error:
        connection.send(Failed(str(error), error.exit_code))
        code = error.exit_code
    except Exception as error:  # the top of a supervised loop
        logging.getLogger(__name__).exception("stage died")
        connection.send(Failed(f"{type(error).__name__}: {error}", 1))
        code = 1
    finally:
        errors_console().flush()
        os._exit(code)
