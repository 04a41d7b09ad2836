"""Waiting for what a test has set going, however long a busy machine takes over it."""

import threading
import time

HANG_S = 120.0
"""What has not happened by then never will; nothing else is to be concluded from it."""


def wait_for(condition, what=lambda: "it never came to that"):
    """Wait until ``condition()`` is true, and return what it said; what: tells why it is not."""
    end_s = time.monotonic() + HANG_S
    while not (value := condition()):
        assert time.monotonic() < end_s, what()
        time.sleep(0.005)
    return value


def returns(work):
    """Do ``work`` in a thread, since it may hang; whether it did not."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(HANG_S)
    return not thread.is_alive()
