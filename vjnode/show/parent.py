"""The parent of a show's processes: told to stop by signals, and survived by a tracker."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from types import FrameType

from vjnode.show.supervision.worker import stop_signals, stop_signals_ignored
from vjnode.system.windows_session import session


def start_tracker() -> None:
    """Start Python's tracker of shared memory, deaf to what ends a show.

    It cleans up after a killed parent, so it must live on. Windows has none and needs none:
    there, memory goes with the last process that has it open.
    """
    if os.name == "posix":
        with stop_signals_ignored():
            resource_tracker.ensure_running()


@contextmanager
def told_by_signals() -> Iterator[threading.Event]:
    """Within it, Ctrl-C, SIGTERM, a closed terminal and a log-off on Windows set the event."""
    told_to_stop = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        del number, frame
        told_to_stop.set()

    with ExitStack() as stack:
        if sys.platform == "win32":
            stack.enter_context(session.heeded(told_to_stop.set))
        for one in stop_signals():
            stack.callback(signal.signal, one, signal.signal(one, tell))
        yield told_to_stop
