"""The order of threads on each system; what Windows and macOS make of it is seen only there."""

import ctypes
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from vjnode.system import windows
from vjnode.system.priority import lower_priority, put_clock_first, qos_class, windows_priority

DRAWING, ENCODING, AHEAD = 10, 19, None  # each gives way to those before it


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")
@pytest.mark.parametrize("niceness", [DRAWING, ENCODING, AHEAD])
def test_on_linux_a_thread_gives_way_and_so_do_those_that_it_makes(niceness):
    def tell():
        thread = threading.get_native_id()
        return os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread)

    def lowered():
        lower_priority(niceness)
        with ThreadPoolExecutor(1) as inner:
            return tell(), inner.submit(tell).result()

    before = tell()
    with ThreadPoolExecutor(1) as outer:
        own, inherited = outer.submit(lowered).result()
    assert own == inherited
    assert own == ((os.SCHED_IDLE, before[1]) if niceness is None else (before[0], niceness))
    assert tell() == before


@pytest.mark.parametrize("rank", [windows_priority, qos_class])
def test_elsewhere_they_give_way_in_the_same_order(rank):
    assert rank(DRAWING) > rank(ENCODING) > rank(AHEAD)


class Function:
    """A function of the system's: notes its calls, and says that all is well."""

    def __init__(self, calls, name):
        self.calls, self.name = calls, name
        self.restype = self.argtypes = None

    def __call__(self, *arguments):
        self.calls.append((self.name, *arguments))
        return 1


THIS_PROCESS, THIS_THREAD = -1, -2
"""Handles that GetCurrentProcess and GetCurrentThread return."""


@pytest.fixture
def on_windows(monkeypatch):
    """Be on Windows, as far as priorities go; gives the calls of kernel32."""
    calls = []
    kernel32 = SimpleNamespace(**{name: Function(calls, name) for name in windows.SIGNATURES})
    kernel32.GetCurrentProcess = Handle(THIS_PROCESS)
    kernel32.GetCurrentThread = Handle(THIS_THREAD)
    monkeypatch.setattr(ctypes, "CDLL", lambda name, **_: {"kernel32": kernel32}[name])
    monkeypatch.setattr(windows, "_kernel32", windows._kernel32.__wrapped__)
    monkeypatch.setattr(sys, "platform", "win32")
    return calls


class Handle(Function):
    """A function that gives a handle."""

    def __init__(self, handle):
        super().__init__([], "")
        self.handle = handle

    def __call__(self):
        return self.handle


def test_on_windows_a_clock_is_above_the_rest_of_its_process(on_windows):
    put_clock_first()
    assert on_windows == [
        ("SetPriorityClass", THIS_PROCESS, 0x4000),  # BELOW_NORMAL_PRIORITY_CLASS
        ("SetThreadPriority", THIS_THREAD, 2),  # THREAD_PRIORITY_HIGHEST
    ]


def test_on_windows_this_thread_gives_way(on_windows):
    for niceness in (DRAWING, ENCODING, AHEAD):
        lower_priority(niceness)
    assert on_windows == [("SetThreadPriority", THIS_THREAD, rank) for rank in (-1, -2, -15)]


@pytest.fixture
def on_macos(monkeypatch):
    """Be on macOS, as far as priorities go; gives its function for a thread's class."""
    function = Function([], "pthread_set_qos_class_self_np")
    system = SimpleNamespace(pthread_set_qos_class_self_np=function)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: {None: system}[name])
    monkeypatch.setattr(sys, "platform", "darwin")
    return function


def test_on_macos_a_clock_is_interactive_and_the_rest_gives_way(on_macos):
    put_clock_first()
    for niceness in (DRAWING, ENCODING, AHEAD):
        lower_priority(niceness)
    assert [call[1:] for call in on_macos.calls] == [(0x21, 0), (0x11, -10), (0x11, -15), (0x09, 0)]
    assert on_macos.restype is ctypes.c_int
    assert on_macos.argtypes == [ctypes.c_uint, ctypes.c_int]
