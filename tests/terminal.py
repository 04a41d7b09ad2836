"""A terminal for tests: paused, resumed or gone, as a person's may be."""

import os
from contextlib import contextmanager, suppress


@contextmanager
def open_terminal():
    """Give a terminal's near end, as a text stream, and its far end, as a number."""
    far, near = os.openpty()
    stream = open(near, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    yield stream, far
    for close in (stream.close, lambda: os.close(far)):
        with suppress(OSError):  # a test has closed it, or what is buffered has nowhere to go
            close()


def read_up_to(far, end):
    """Read what the terminal shows, as far as ``end``."""
    said = ""
    while not said.endswith(end):
        said += os.read(far, 4096).decode()
    return said
