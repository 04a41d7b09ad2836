"""Waiting for what a test has set going, however long a busy machine takes over it."""

import threading
import time

HANG_S = 120.0
"""Guard against a hang, s: what has not happened by then never will; no more follows from it."""


def wait_for(condition, what=lambda: "it never came to that"):
    """Wait until ``condition()`` is true, and return what it said; what: tells why it is not."""
    end_s = time.monotonic() + HANG_S
    while not (value := condition()):
        assert time.monotonic() < end_s, what()
        time.sleep(0.005)
    return value


def returns(work):
    """Do ``work`` in a thread, since it may hang; return whether it came to an end."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(HANG_S)
    return not thread.is_alive()
