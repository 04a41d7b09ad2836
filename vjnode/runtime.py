"""Set-up of every process of vjnode: its log, signals, clock, and a silent OpenVINO."""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from types import ModuleType

from vjnode.system.console import ConsoleHandler, errors_console

monotonic_s: Callable[[], float] = time.perf_counter if sys.platform == "win32" else time.monotonic
"""The clock of a show, s: one for all of its processes, and finer than any frame.

On Windows, before Python 3.13, ``time.monotonic`` moves in steps of 15.6 ms, about a frame;
``time.perf_counter`` is as good a clock there, and the same in every process.
"""

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that end a program: of Ctrl-C, a service manager, a closed terminal, Ctrl-Break."""


def log_to_stderr() -> None:
    """Write the log to stderr, one line an event; nobody who logs waits for that."""
    logging.basicConfig(
        handlers=[ConsoleHandler(errors_console())],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )


def heeded_signals(*names: str) -> list[signal.Signals]:
    """Return those of ``names`` that this system has and this process does not ignore.

    What is ignored stays so: nohup, or a shell's job in the background, has its reason.
    """
    known = [signal.Signals[name] for name in names if hasattr(signal, name)]
    return [one for one in known if signal.getsignal(one) is not signal.SIG_IGN]


def load_openvino() -> ModuleType:
    """Import OpenVINO with its telemetry left out.

    As it comes, each import and each conversion is reported to an analytics server without
    asking. When its telemetry package cannot be imported, it does without; so that is what it
    is told, before it is imported for the first time in this process.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino  # noqa: PLC0415 - after the line above

    module: ModuleType = openvino
    return module


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
