"""Priorities of threads: a show's clocks have precedence over drawing in advance."""

import ctypes
import os
import sys
import threading

from vjnode.system import windows

QOS_CLASS_USER_INTERACTIVE, QOS_CLASS_UTILITY, QOS_CLASS_BACKGROUND = 0x21, 0x11, 0x09
"""Quality-of-service classes of macOS, from its <sys/qos.h>."""


def lower_priority(niceness: int | None) -> None:
    """Lower the priority of this thread below that of the show's clock.

    On Linux the threads that it creates inherit that. Elsewhere they do not, and threads that an
    engine creates itself are handled by ``put_clock_first``.

    niceness: 1 to 19, where a larger value means a lower priority; None: below everything.
    On Linux a niced thread still delays a clock that wakes up beside it by some milliseconds; an
    idle one does not.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        if niceness is None:
            os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
    elif sys.platform == "win32":
        windows.set_thread_priority(windows_priority(niceness))
    elif sys.platform == "darwin":
        _set_qos_class(*qos_class(niceness))


def put_clock_first() -> None:
    """Raise the priority of this thread, a clock, above those that libraries create here.

    On Linux those have inherited a lower priority. Windows ranks a thread by its process's class
    and its own place within that: in a process below normal whose clock is at the top of the class,
    the clock is at normal, and all else below. On macOS threads without a class come after those
    of a class that a user watches.
    """
    if sys.platform == "win32":
        windows.set_priority_class(windows.BELOW_NORMAL_PRIORITY_CLASS)
        windows.set_thread_priority(windows.THREAD_PRIORITY_HIGHEST)
    elif sys.platform == "darwin":
        _set_qos_class(QOS_CLASS_USER_INTERACTIVE, 0)


def windows_priority(niceness: int | None) -> int:
    """Return the Windows priority for ``niceness``, within a process's class."""
    if niceness is None:
        return windows.THREAD_PRIORITY_IDLE
    if niceness > 10:
        return windows.THREAD_PRIORITY_LOWEST
    return windows.THREAD_PRIORITY_BELOW_NORMAL


def qos_class(niceness: int | None) -> tuple[int, int]:
    """Return the macOS class for ``niceness``, and the place within it, from −15 to 0."""
    if niceness is None:
        return QOS_CLASS_BACKGROUND, 0
    return QOS_CLASS_UTILITY, -min(niceness, 15)


def _set_qos_class(qos_class: int, place: int) -> None:
    """Set this thread's class; if the system refuses, the class stays unchanged."""
    function = ctypes.CDLL(None).pthread_set_qos_class_self_np
    function.restype, function.argtypes = ctypes.c_int, [ctypes.c_uint, ctypes.c_int]
    function(qos_class, place)
