"""Windows' own calls, as thin as ctypes lets them be; only to be called there.

Signatures are those of Microsoft's documentation of the Windows API. On 64 bits, which is all
that the packages below this one run on, there is one calling convention, so ``CDLL`` is right.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_int32, c_uint32, c_void_p
from functools import cache
from importlib import import_module
from typing import Any

SIGNATURES: dict[str, tuple[object, ...]] = {
    "OpenProcess": (c_void_p, c_uint32, c_int32, c_uint32),
    "GetExitCodeProcess": (c_int32, c_void_p, c_void_p),
    "CloseHandle": (c_int32, c_void_p),
    "GetCurrentProcess": (c_void_p,),
    "GetCurrentThread": (c_void_p,),
    "SetPriorityClass": (c_int32, c_void_p, c_uint32),
    "SetThreadPriority": (c_int32, c_void_p, c_int32),
    "SetConsoleCtrlHandler": (c_int32, c_void_p, c_int32),
    "SetProcessShutdownParameters": (c_int32, c_uint32, c_uint32),
}
"""What is called in kernel32.dll: the type of what it returns, then those of its arguments."""

PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
STILL_ACTIVE = 259
CREATE_NEW_PROCESS_GROUP = 0x200

BELOW_NORMAL_PRIORITY_CLASS = 0x4000
THREAD_PRIORITY_IDLE, THREAD_PRIORITY_LOWEST, THREAD_PRIORITY_BELOW_NORMAL = -15, -2, -1
THREAD_PRIORITY_HIGHEST = 2

CTRL_C_EVENT, CTRL_BREAK_EVENT = 0, 1
HANDLER = ctypes.CFUNCTYPE(c_int32, c_uint32)
"""A handler of console events: from the event to whether nobody else need handle it."""

SHUT_DOWN_LATE = 0x200
"""Below 0x280, which is where a process is in the order in which they are ended at a log-off."""

HOLD_S = 30.0
"""Longer than the system waits for a handler, which is about 5 s."""

_handlers: list[object] = []  # ctypes frees what nobody holds


@cache
def _kernel32() -> ctypes.CDLL:
    library = ctypes.CDLL("kernel32")
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def process_lives(pid: int) -> bool:
    """Return whether the process ``pid`` runs.

    One that has ended can be opened for as long as anybody has a handle of it.
    """
    kernel32 = _kernel32()
    process = kernel32.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, False, pid)
    if not process:
        return False
    code = c_uint32()
    known = kernel32.GetExitCodeProcess(process, ctypes.byref(code))
    kernel32.CloseHandle(process)
    return bool(known) and code.value == STILL_ACTIVE


def set_thread_priority(priority: int) -> bool:
    """Set the priority of this thread within its process; returns whether that was allowed."""
    kernel32 = _kernel32()
    return bool(kernel32.SetThreadPriority(kernel32.GetCurrentThread(), priority))


def set_priority_class(priority_class: int) -> bool:
    """Set that of this process and so of all its threads; returns whether that was allowed."""
    kernel32 = _kernel32()
    return bool(kernel32.SetPriorityClass(kernel32.GetCurrentProcess(), priority_class))


def heed_console(*, broken: Callable[[], None], closed: Callable[[], None]) -> bool:
    """Have ``broken`` called at Ctrl-Break, and ``closed`` when the console closes.

    Each is called by the system in a thread of its own. When the console closes, the system ends
    the process when that thread is done, or after about 5 s. So it is not done: until then the
    process may end by itself, in order. Ctrl-C is left to Python's own handler. Returns whether
    that was allowed.
    """

    def handle(event: int) -> int:
        if event == CTRL_C_EVENT:
            return 0
        if event == CTRL_BREAK_EVENT:
            broken()
            return 1
        closed()
        time.sleep(HOLD_S)
        return 1

    handler = HANDLER(handle)
    _handlers.append(handler)
    return bool(_kernel32().SetConsoleCtrlHandler(handler, 1))


def shut_down_late() -> bool:
    """Have this process ended after others when its user logs off: its parent may end it before.

    Returns whether that was allowed.
    """
    return bool(_kernel32().SetProcessShutdownParameters(SHUT_DOWN_LATE, 0))


@contextmanager
def new_process_groups() -> Iterator[None]:
    """Within it, ``multiprocessing`` starts each process as the first of a group of its own.

    So from its first moment it is deaf to Ctrl-C, and to a Ctrl-Break that is sent to its
    parent's group. ``multiprocessing`` has no way to ask for that, so its ``CreateProcess`` is
    given one more flag. Not to be used by two threads at once.
    """
    spawning = vars(import_module("multiprocessing.popen_spawn_win32"))
    before = spawning["_winapi"]
    spawning["_winapi"] = _GroupingWinapi(before)
    try:
        yield
    finally:
        spawning["_winapi"] = before


class _GroupingWinapi:
    """``_winapi``, but that whatever it starts is the first of a process group."""

    def __init__(self, winapi: Any) -> None:  # noqa: ANN401 - a module without types
        self._winapi = winapi

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._winapi, name)

    def CreateProcess(self, *arguments: Any) -> Any:  # noqa: ANN401, N802 - as Windows calls it
        before, flags, after = arguments[:5], arguments[5], arguments[6:]
        return self._winapi.CreateProcess(*before, flags | CREATE_NEW_PROCESS_GROUP, *after)
