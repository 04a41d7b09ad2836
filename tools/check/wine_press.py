"""Send a console event to every other Python, as the system would; on Windows or Wine.

    python -m tools.check.wine_press EVENT      (1: Ctrl-Break; 2: the console is closed)

A console runs kernelbase's CtrlRoutine in a thread of each of its processes; so does this.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from ctypes import c_char, c_char_p, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p

from vjnode.system.windows import load_library

PROCESSES, ALL_ACCESS = 2, 0x1F0FFF


class Entry(ctypes.Structure):
    """PROCESSENTRY32 of tlhelp32.h."""

    _fields_ = (
        ("size", c_uint32),
        ("usage", c_uint32),
        ("pid", c_uint32),
        ("heap", c_void_p),
        ("module", c_uint32),
        ("threads", c_uint32),
        ("parent", c_uint32),
        ("priority", c_int32),
        ("flags", c_uint32),
        ("name", c_char * 260),
    )


SIGNATURES = {
    "CreateToolhelp32Snapshot": (c_void_p, c_uint32, c_uint32),
    "Process32First": (c_int32, c_void_p, c_void_p),
    "Process32Next": (c_int32, c_void_p, c_void_p),
    "OpenProcess": (c_void_p, c_uint32, c_int32, c_uint32),
    "GetModuleHandleW": (c_void_p, c_wchar_p),
    "GetProcAddress": (c_void_p, c_void_p, c_char_p),
    "CreateRemoteThread": (
        c_void_p,
        c_void_p,
        c_void_p,
        c_size_t,
        *[c_void_p] * 2,
        c_uint32,
        c_void_p,
    ),
}


def other_pythons(kernel32: ctypes.CDLL) -> Iterator[int]:
    """Yield the process ids of all Pythons but this one."""
    entry = Entry(size=ctypes.sizeof(Entry))
    snapshot = kernel32.CreateToolhelp32Snapshot(PROCESSES, 0)
    found = kernel32.Process32First(snapshot, ctypes.byref(entry))
    while found:
        if entry.name.lower() == b"python.exe" and entry.pid != os.getpid():
            yield entry.pid
        found = kernel32.Process32Next(snapshot, ctypes.byref(entry))


def main() -> None:
    """Send the event to every other Python."""
    kernel32 = load_library("kernel32", SIGNATURES)
    routine = kernel32.GetProcAddress(kernel32.GetModuleHandleW("kernelbase"), b"CtrlRoutine")
    for pid in list(other_pythons(kernel32)):
        process = kernel32.OpenProcess(ALL_ACCESS, 0, pid)
        kernel32.CreateRemoteThread(process, None, 0, routine, int(sys.argv[1]), 0, None)


if __name__ == "__main__":
    main()
