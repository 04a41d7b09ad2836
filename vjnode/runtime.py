"""How every process of vjnode is set up: its log, signals, clock, and a silent OpenVINO."""

import logging
import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import TextIO

monotonic_s: Callable[[], float] = time.perf_counter if sys.platform == "win32" else time.monotonic
"""The clock of a show, s: one for all of its processes, and finer than any frame.

On Windows, before Python 3.13, ``time.monotonic`` moves in steps of 15.6 ms, about a frame;
``time.perf_counter`` is as good a clock there, and the same in every process.
"""

HELD_EVENTS = 200
"""So many events of the log, the newest, are kept for a terminal that is paused."""


def log_to_stderr() -> None:
    """Write the log to stderr, one line an event."""
    logging.basicConfig(
        handlers=[PatientHandler()],
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )


class PatientHandler(logging.StreamHandler[TextIO]):
    """Writes the log to stderr; what that has no room for now comes with the next event.

    A paused terminal, or a reader that lags behind, makes whoever writes to it wait, and nothing
    in a show may wait for a person to look.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._held: deque[logging.LogRecord] = deque(maxlen=HELD_EVENTS)

    def emit(self, record: logging.LogRecord) -> None:
        """Write ``record`` after those that are still held back, or hold it back with them."""
        self._held.append(record)
        while self._held and takes_more(self.stream):
            super().emit(self._held.popleft())


def takes_more(stream: TextIO) -> bool:
    """Return whether ``stream`` takes text at once: a paused terminal (Ctrl-S) does not."""
    if os.name != "posix":
        return True  # select knows only sockets there
    try:
        return bool(select.select([], [stream], [], 0.0)[1])
    except (OSError, ValueError):  # nothing that the system could make anybody wait for
        return True


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
