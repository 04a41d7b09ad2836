"""Thin ctypes wrappers of the Windows API; only to be called on Windows.

Signatures are those of Microsoft's documentation of the Windows API. On 64 bits, the only systems
that vjnode's dependencies run on, there is one calling convention, so ``CDLL`` is right.
"""

import ctypes
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from ctypes import c_int32, c_uint32, c_void_p
from functools import cache
from importlib import import_module
from typing import Any

Signatures = Mapping[str, tuple[object, ...]]
"""Functions of a library by name: the type of the result, then those of the arguments."""

SIGNATURES: Signatures = {
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
"""Functions of kernel32.dll used here."""

PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
STILL_ACTIVE = 259
CREATE_NEW_PROCESS_GROUP = 0x200

BELOW_NORMAL_PRIORITY_CLASS = 0x4000
THREAD_PRIORITY_IDLE, THREAD_PRIORITY_LOWEST, THREAD_PRIORITY_BELOW_NORMAL = -15, -2, -1
THREAD_PRIORITY_HIGHEST = 2

CTRL_C_EVENT, CTRL_BREAK_EVENT, CTRL_CLOSE_EVENT = 0, 1, 2
CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT = 5, 6
HANDLER = ctypes.CFUNCTYPE(c_int32, c_uint32)
"""HandlerRoutine of wincon.h: takes a console event; returns 1 if no other handler is needed."""

SHUT_DOWN_LATE = 0x200
"""Place in the order in which a log-off ends processes; lower is later; the default is 0x280."""

HOLD_S = 30.0
"""Time for which a handler blocks, s: longer than the system waits for it, which is about 5 s."""

_handlers: list[object] = []  # references that keep ctypes from freeing them


def load_library(name: str, signatures: Signatures) -> ctypes.CDLL:
    """Return the system's library ``name``, with the given signatures of its functions.

    Without them ctypes would cut handles to 32 bits.
    """
    library = ctypes.CDLL(name, use_last_error=True)
    for function_name, (result, *arguments) in signatures.items():
        function = getattr(library, function_name)
        function.restype, function.argtypes = result, arguments
    return library


def last_error() -> str:
    """Return the system's message for the last failed call in this thread."""
    if sys.platform == "win32":
        return str(ctypes.WinError(ctypes.get_last_error()))
    return "unknown"


@cache
def _kernel32() -> ctypes.CDLL:
    return load_library("kernel32", SIGNATURES)


def process_lives(pid: int) -> bool:
    """Return whether the process ``pid`` runs.

    A process that has ended can still be opened as long as any program has a handle of it.
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
    """Set the priority of this thread within its process; return whether that was allowed."""
    kernel32 = _kernel32()
    return bool(kernel32.SetThreadPriority(kernel32.GetCurrentThread(), priority))


def set_priority_class(priority_class: int) -> bool:
    """Set the priority class of this process; return whether that was allowed."""
    kernel32 = _kernel32()
    return bool(kernel32.SetPriorityClass(kernel32.GetCurrentProcess(), priority_class))


def heed_console(*, broken: Callable[[], None], closed: Callable[[], None]) -> bool:
    """Register ``handle_console`` for every event of the console; return whether it was allowed.

    The system calls it in a thread of its own for each event.
    """

    def handle(event: int) -> int:
        return handle_console(event, broken=broken, closed=closed)

    handler = HANDLER(handle)
    _handlers.append(handler)
    return bool(_kernel32().SetConsoleCtrlHandler(handler, 1))


def handle_console(event: int, *, broken: Callable[[], None], closed: Callable[[], None]) -> int:
    """Call ``broken`` at Ctrl-Break, and ``closed`` when the console closes or the system ends.

    In the second case the system ends the process when this returns, or after about 5 s. So it
    does not return before that, and the process may end by itself, in order. Ctrl-C is left to
    Python's own handler. Log-off events reach only services, and may be of any user: they are
    ignored. ``vjnode.system.windows_session`` handles the log-off of a show's own user.

    Returns: 1 if no other handler need see the event, else 0.
    """
    if event == CTRL_BREAK_EVENT:
        broken()
    elif event in (CTRL_CLOSE_EVENT, CTRL_SHUTDOWN_EVENT):
        closed()
        time.sleep(HOLD_S)
    elif event != CTRL_LOGOFF_EVENT:
        return 0
    return 1


def shut_down_late() -> bool:
    """Make the system end this process after others at a log-off, so that its parent can end it.

    Returns: whether that was allowed.
    """
    return bool(_kernel32().SetProcessShutdownParameters(SHUT_DOWN_LATE, 0))


@contextmanager
def new_process_groups() -> Iterator[None]:
    """Make ``multiprocessing`` start each process as the first of a process group of its own.

    So from its start it ignores Ctrl-C, and a Ctrl-Break that is sent to its parent's group.
    ``multiprocessing`` has no option for that, so a flag is added to its calls of
    ``CreateProcess``. Not to be used by two threads at once.
    """
    spawning = vars(import_module("multiprocessing.popen_spawn_win32"))
    before = spawning["_winapi"]
    spawning["_winapi"] = _GroupingWinapi(before)
    try:
        yield
    finally:
        spawning["_winapi"] = before


class _GroupingWinapi:
    """``_winapi``, except that each process that it starts is the first of a process group."""

    def __init__(self, winapi: Any) -> None:  # noqa: ANN401 - a module without types
        self._winapi = winapi

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._winapi, name)

    def CreateProcess(self, *arguments: Any) -> Any:  # noqa: ANN401, N802 - Windows' own name
        before, flags, after = arguments[:5], arguments[5], arguments[6:]
        return self._winapi.CreateProcess(*before, flags | CREATE_NEW_PROCESS_GROUP, *after)
