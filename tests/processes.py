"""Other processes: whether they live, and how tests end and stop them, on every system."""

import ctypes
import os
import signal
import sys
from pathlib import Path

from vjnode.system import windows

ALL_ACCESS = 0x1F0FFF


def lives(pid):
    """Return whether a process runs; one that has ended and awaits its parent's notice does not."""
    if sys.platform == "win32":
        return windows.process_lives(pid)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid):
    """End a process at once."""
    os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def stop(pid):
    """Suspend a process, so that it does nothing, as one that hangs; it can still be ended."""
    if sys.platform != "win32":
        os.kill(pid, signal.SIGSTOP)
        return
    handle = ctypes.c_void_p(ctypes.windll.kernel32.OpenProcess(ALL_ACCESS, False, pid))
    ctypes.windll.ntdll.NtSuspendProcess(handle)
    ctypes.windll.kernel32.CloseHandle(handle)
