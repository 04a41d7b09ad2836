"""Priorities of threads: a show's clocks go before all that is drawn for later."""

import ctypes
import os
import sys
import threading

from vjnode.system import windows

QOS_CLASS_USER_INTERACTIVE, QOS_CLASS_UTILITY, QOS_CLASS_BACKGROUND = 0x21, 0x11, 0x09
"""Quality-of-service classes of macOS, from its <sys/qos.h>."""


def lower_priority(niceness: int | None) -> None:
    """Let the show's own clock go before this thread.

    On Linux threads that it makes inherit that. Elsewhere they do not, and so those that an
    engine makes for itself are left to ``put_clock_first``.

    niceness: 1 to 19, of which the larger gives way to the smaller; None: give way to everything.
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
    """Let this thread, a clock, go before those that others make in this process for themselves.

    On Linux they have inherited to give way. Windows ranks a thread by its process's class and its
    own place within that: a process below normal whose clock is at the top of it has its clock at
    normal, and all else below. On macOS what nobody has ranked comes after what a user watches.
    """
    if sys.platform == "win32":
        windows.set_priority_class(windows.BELOW_NORMAL_PRIORITY_CLASS)
        windows.set_thread_priority(windows.THREAD_PRIORITY_HIGHEST)
    elif sys.platform == "darwin":
        _set_qos_class(QOS_CLASS_USER_INTERACTIVE, 0)


def windows_priority(niceness: int | None) -> int:
    """Return what ``niceness`` is on Windows, within a process's class."""
    if niceness is None:
        return windows.THREAD_PRIORITY_IDLE
    if niceness > 10:
        return windows.THREAD_PRIORITY_LOWEST
    return windows.THREAD_PRIORITY_BELOW_NORMAL


def qos_class(niceness: int | None) -> tuple[int, int]:
    """Return what ``niceness`` is on macOS: a class, and a place within it from −15 to 0."""
    if niceness is None:
        return QOS_CLASS_BACKGROUND, 0
    return QOS_CLASS_UTILITY, -min(niceness, 15)


def _set_qos_class(qos_class: int, place: int) -> None:
    """Set this thread's class; where the system refuses, it stays as it is."""
    function = ctypes.CDLL(None).pthread_set_qos_class_self_np
    function.restype, function.argtypes = ctypes.c_int, [ctypes.c_uint, ctypes.c_int]
    function(qos_class, place)
