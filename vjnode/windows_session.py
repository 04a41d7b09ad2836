"""The end of a user's session on Windows, which only a window is told of.

A console's handler is not told that its user logs off where the process has loaded user32.dll, as
everything does that uses ctypes. So there is a window, which nobody sees, in a thread of its own.
Only to be called on Windows; see ``vjnode.windows``.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from ctypes import c_int32, c_size_t, c_ssize_t, c_uint16, c_uint32, c_void_p, c_wchar_p

from vjnode.windows import HOLD_S

WINDOW = "vjnode session"
WM_ENDSESSION = 0x16

PROCEDURE = ctypes.CFUNCTYPE(c_ssize_t, c_void_p, c_uint32, c_size_t, c_ssize_t)
"""WNDPROC: from a window, a message and its two parameters to the answer."""


class WindowClass(ctypes.Structure):
    """WNDCLASSW of winuser.h."""

    _fields_ = (
        ("style", c_uint32),
        ("procedure", PROCEDURE),
        ("class_bytes", c_int32),
        ("window_bytes", c_int32),
        ("instance", c_void_p),
        ("icon", c_void_p),
        ("cursor", c_void_p),
        ("background", c_void_p),
        ("menu", c_wchar_p),
        ("name", c_wchar_p),
    )


class Message(ctypes.Structure):
    """MSG of winuser.h."""

    _fields_ = (
        ("window", c_void_p),
        ("message", c_uint32),
        ("first", c_size_t),
        ("second", c_ssize_t),
        ("time", c_uint32),
        ("x", c_int32),
        ("y", c_int32),
    )


SIGNATURES: dict[str, tuple[object, ...]] = {
    "RegisterClassW": (c_uint16, c_void_p),
    "CreateWindowExW": (
        *(c_void_p, c_uint32, c_wchar_p, c_wchar_p, c_uint32, c_int32, c_int32, c_int32, c_int32),
        *(c_void_p, c_void_p, c_void_p, c_void_p),
    ),
    "DefWindowProcW": (c_ssize_t, c_void_p, c_uint32, c_size_t, c_ssize_t),
    "GetMessageW": (c_int32, c_void_p, c_void_p, c_uint32, c_uint32),
    "DispatchMessageW": (c_ssize_t, c_void_p),
}
"""What is called in user32.dll: the type of what it returns, then those of its arguments."""


_procedures: list[object] = []  # a class of windows stays for as long as its process does


def heed_session(ended: Callable[[], None]) -> None:
    """Have ``ended`` called when the user logs off or the system shuts down.

    The system then waits about 5 s for the process to end by itself, in order. Where there is no
    desktop, as in a service, nothing is heard of it. To be called once in a process.
    """
    threading.Thread(target=_watch, args=(ended,), name="session", daemon=True).start()


def _watch(ended: Callable[[], None]) -> None:
    """Make a window that is never shown, and serve it for as long as there is one."""
    user32 = ctypes.CDLL("user32")
    for name, (result, *arguments) in SIGNATURES.items():
        function = getattr(user32, name)
        function.restype, function.argtypes = result, arguments

    def handle(window: int, message: int, first: int, second: int) -> int:
        if message == WM_ENDSESSION and first:
            ended()
            time.sleep(HOLD_S)  # when this is over the process is ended
            return 0
        answer: int = user32.DefWindowProcW(window, message, first, second)
        return answer

    procedure = PROCEDURE(handle)
    _procedures.append(procedure)
    kind = WindowClass(procedure=procedure, name=WINDOW)
    user32.RegisterClassW(ctypes.byref(kind))
    if not user32.CreateWindowExW(0, WINDOW, WINDOW, *[0] * 5, None, None, None, None):
        return
    message = Message()
    while user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
        user32.DispatchMessageW(ctypes.byref(message))
