"""Main function of a show's child processes, and their messages to the parent.

A child is started without a job, which is sent to it later. So a child that has imported the
modules that most jobs need can wait for the next fault.
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
from vjnode.show.ipc.show_flags import ShowFlags
from vjnode.system import windows
from vjnode.system.console import errors_console

_PARENT_CHECK_S = 0.5


@dataclass(frozen=True)
class Job:
    """Job of a child process: a stage, its name in process lists, its show, its arguments."""

    stage: Callable[..., None]
    name: str
    flags: str
    arguments: tuple[object, ...]


@dataclass(frozen=True)
class Warm:
    """Message of a child that it has finished its imports and waits for a job."""


@dataclass(frozen=True)
class Begun:
    """Message of a child that it has received its job."""


@dataclass(frozen=True)
class Patience:
    """Message of a child that its next sign of life may take ``stall_s``; None: as usual."""

    stall_s: float | None


@dataclass(frozen=True)
class Ready:
    """Message of a child that it has opened its resources. about: these, for the report."""

    about: Mapping[str, object]


@dataclass(frozen=True)
class Failed:
    """Last message of a child that failed: the error's text, and the exit code for it."""

    text: str
    exit_code: int


class Lifeline:
    """A child's connection to its show: the flags and the parent."""

    def __init__(self, flags: ShowFlags, connection: Connection) -> None:
        self._flags = flags
        self._connection = connection
        self._parent = os.getppid()
        self._checked_s = 0.0
        self._orphaned = False

    def ready(self, about: Mapping[str, object] | None = None) -> None:
        """Tell the parent that everything is open; about: entries for its report."""
        self.tell(about or {})
        # Large objects are all created by now, so the collector need not scan them any more.
        gc.collect()
        gc.freeze()

    def tell(self, about: Mapping[str, object]) -> None:
        """Tell the parent entries for its report, instead of those before."""
        with suppress(OSError):  # if the parent is gone, ``running`` notices that
            self._connection.send(Ready(about))

    def expect_within(self, stall_s: float | None) -> None:
        """Tell the parent the longest time until the next progress, s; None: as usual again."""
        with suppress(OSError):  # if the parent is gone, ``running`` notices that
            self._connection.send(Patience(stall_s))

    def running(self) -> bool:
        """Return whether the show goes on; False also if the parent has died."""
        now_s = time.monotonic()
        if now_s - self._checked_s > _PARENT_CHECK_S:
            self._checked_s = now_s
            parent = multiprocessing.parent_process()
            if os.getppid() != self._parent or (parent is not None and not parent.is_alive()):
                self._orphaned = True
        return not (self._orphaned or self._flags.stopping)

    @property
    def parent_awake_s(self) -> float:
        """Time for which the show's parent has been awake, s."""
        return self._flags.awake_s

    def wait_for_begin(self) -> float | None:
        """Wait for the show to begin; return its epoch, monotonic s, or None if it ends first."""
        while self.running():
            if (epoch_s := self._flags.epoch_s) is not None:
                return epoch_s
            time.sleep(0.005)
        return None


def stop_signals() -> list[signal.Signals]:
    """Return the signals that end a show on this system, without those ignored already.

    They often reach a whole process group (Ctrl-C, a closed terminal, a service manager), but only
    the parent acts on them: it lets its children finish their work.
    """
    return heeded_signals(*STOP_SIGNALS)


@contextmanager
def stop_signals_ignored() -> Iterator[None]:
    """Make processes that are started within the context ignore the signals that end a show.

    A child inherits ignored signals; ignoring them in the child itself would be too late for one
    that arrives during its imports. Off the main thread this does nothing. On Windows, where
    ignored signals are not inherited, the child is started in a process group of its own.
    """
    if sys.platform == "win32":
        with windows.new_process_groups():
            yield
    elif threading.current_thread() is not threading.main_thread():
        yield
    else:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def child_main(connection: Connection, modules: tuple[str, ...]) -> None:
    """Run a child process: import ``modules``, wait for a job, do it, and end.

    It ends with ``os._exit``: a sound server or a driver that hangs in its clean-up must
    not prevent the end of a show.
    """
    setproctitle("vjnode: starting")
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    if sys.platform == "win32":
        windows.shut_down_late()
    log_to_stderr()
    code = 0
    try:
        for module in modules:
            with suppress(ImportError):  # a job that needs it will report that
                import_module(module)
        setproctitle("vjnode: spare")
        connection.send(Warm())
        job: Job = connection.recv()
        connection.send(Begun())
        setproctitle(f"vjnode: {job.name}")
        flags = ShowFlags(name=job.flags)
        if sys.platform == "win32":  # the first process that Windows notifies ends the show
            windows.heed_console(broken=lambda: None, closed=flags.stop)
        job.stage(Lifeline(flags, connection), *job.arguments)
    except EOFError:  # the show ended before there was a job
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
