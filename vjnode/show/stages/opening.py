"""Opening of engines in a show that may end meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from vjnode.engines.crash_guard import forget_attempts
from vjnode.show.supervision.worker import Lifeline

FORGET_S = 0.1
"""Interval, s, of asking whether the show still goes on whose engine is being opened."""


@contextmanager
def forgiven(lifeline: Lifeline) -> Iterator[None]:
    """Within it an engine is opened: a show that ends meanwhile does not say that it is broken."""
    opened = threading.Event()

    def forget() -> None:
        while not opened.wait(FORGET_S):
            if not lifeline.running():
                forget_attempts()

    watcher = threading.Thread(target=forget, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        opened.set()
        watcher.join()
