"""Set-up of every process of vjnode: log, signals, clock, and OpenVINO without telemetry."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType

from vjnode.system.console import ConsoleHandler, errors_console

monotonic_s: Callable[[], float] = time.perf_counter if sys.platform == "win32" else time.monotonic
"""Clock of a show, s: the same for all of its processes, and finer than any frame.

On Windows, before Python 3.13, ``time.monotonic`` moves in steps of 15.6 ms, about a frame;
``time.perf_counter`` is monotonic there as well, and the same in every process.
"""

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that end a program: by Ctrl-C, a service manager, a closed terminal, Ctrl-Break."""


def log_to_stderr() -> None:
    """Set up the log to stderr, one line per event; logging calls do not wait for the console."""
    logging.basicConfig(
        handlers=[ConsoleHandler(errors_console())],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )


def heeded_signals(*names: str) -> list[signal.Signals]:
    """Return those of ``names`` that this system has and this process does not ignore.

    Ignored signals stay ignored: nohup, or a shell's background job, relies on that.
    """
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def load_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry, and return it.

    By default, each import and each conversion is reported to an analytics server without asking.
    If its telemetry package cannot be imported, OpenVINO works without it; so this makes that
    import fail, before OpenVINO is imported for the first time in this process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # noqa: PLC0415 - after the line above

    module: ModuleType = openvino
    return module


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
