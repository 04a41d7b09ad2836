"""Detection of the end of a user's session on Windows, by a hidden window.

A console's handler gets no log-off event in a process that has loaded user32.dll, as every program
with ctypes has. So there is a hidden window, in a thread of its own, that gets the message. Only
to be called on Windows; see ``vjnode.system.windows``.
"""

import ctypes
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import c_int32, c_size_t, c_ssize_t, c_uint16, c_uint32, c_void_p, c_wchar_p

from vjnode.system.windows import HOLD_S, Signatures, last_error, load_library

_log = logging.getLogger(__name__)

WINDOW = "vjnode session"
WM_ENDSESSION = 0x16

PROCEDURE = ctypes.CFUNCTYPE(c_ssize_t, c_void_p, c_uint32, c_size_t, c_ssize_t)
"""WNDPROC: takes a window, a message and its two parameters; returns the answer."""


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


SIGNATURES: Signatures = {
    "RegisterClassW": (c_uint16, c_void_p),
    "CreateWindowExW": (
        *(c_void_p, c_uint32, c_wchar_p, c_wchar_p, c_uint32, c_int32, c_int32, c_int32, c_int32),
        *(c_void_p, c_void_p, c_void_p, c_void_p),
    ),
    "DefWindowProcW": (c_ssize_t, c_void_p, c_uint32, c_size_t, c_ssize_t),
    "GetMessageW": (c_int32, c_void_p, c_void_p, c_uint32, c_uint32),
    "DispatchMessageW": (c_ssize_t, c_void_p),
}
"""Functions of user32.dll used here."""


class Session:
    """The session of a process's user, and the callbacks for its end.

    There is one window, created on first use.
    """

    def __init__(self) -> None:
        self._told: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._procedure = PROCEDURE(self._handle)  # window classes live as long as the process
        self._registered = False

    @contextmanager
    def heeded(self, ended: Callable[[], None]) -> Iterator[None]:
        """Call ``ended``, within the context, when the user logs off or the system shuts down.

        The system then waits about 5 s for the process to end by itself, in order. Without a
        desktop, as in a service, there is no such message; that is logged.
        """
        with self._lock:
            self._told.append(ended)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._watch, name="session", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._told.remove(ended)

    def _watch(self) -> None:
        """Create the hidden window, and process its messages as long as it exists."""
        user32 = self._user32 = load_library("user32", SIGNATURES)
        kind = WindowClass(procedure=self._procedure, name=WINDOW)
        self._registered = self._registered or bool(user32.RegisterClassW(ctypes.byref(kind)))
        if not self._registered or not user32.CreateWindowExW(
            0, WINDOW, WINDOW, *[0] * 5, None, None, None, None
        ):
            _log.warning("a log-off will not be heard of: %s", last_error())
            return
        message = Message()
        while user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
            user32.DispatchMessageW(ctypes.byref(message))

    def _handle(self, window: int, message: int, first: int, second: int) -> int:
        """Answer a message to the window, as its window procedure."""
        if message != WM_ENDSESSION or not first:
            answer: int = self._user32.DefWindowProcW(window, message, first, second)
            return answer
        with self._lock:
            told = list(self._told)
        for ended in told:
            ended()
        if told:
            time.sleep(HOLD_S)  # the system ends the process when this returns
        return 0


session = Session()
"""The session that this process belongs to."""
