"""Calls of Windows, as far as they can be seen elsewhere.

Their effects are seen by ``tools/check/windows.sh``, under Wine.
"""

import ast
import ctypes
import importlib
import inspect
import logging
import queue
import sys
import threading
from types import SimpleNamespace

import pytest

from tests.events import wait_for
from vjnode.generators.checkpoints import limits
from vjnode.system import windows, windows_job, windows_session
from vjnode.system.windows_session import WM_ENDSESSION, Message, Session


class Started(Exception):  # noqa: N818 - it is what the test waits for
    pass


def test_children_are_started_in_groups_of_their_own(monkeypatch):
    """Python's own source for starting a process on Windows is run."""
    if sys.platform == "win32":
        pytest.skip("on Windows they are really started")
    started = []

    def create_process(*arguments):
        started.append(arguments)
        raise Started

    winapi = SimpleNamespace(
        CreatePipe=lambda *_: (0, 1), CreateProcess=create_process, CloseHandle=lambda handle: None
    )
    crt = SimpleNamespace(open_osfhandle=lambda handle, flags: sys.stderr.fileno())
    monkeypatch.setattr(sys, "_base_executable", sys.executable)
    monkeypatch.setitem(sys.modules, "_winapi", winapi)
    monkeypatch.setitem(sys.modules, "msvcrt", crt)
    spawning = importlib.import_module("multiprocessing.popen_spawn_win32")
    monkeypatch.delitem(sys.modules, "multiprocessing.popen_spawn_win32")
    monkeypatch.setitem(sys.modules, "multiprocessing.popen_spawn_win32", spawning)
    monkeypatch.setattr(spawning, "open", lambda *_, **__: open_nothing(), raising=False)
    process = SimpleNamespace(_name="child")
    with windows.new_process_groups(), pytest.raises(Started):
        spawning.Popen(process)
    with pytest.raises(Started):
        spawning.Popen(process)
    flags = [arguments[5] for arguments in started]
    assert flags == [windows.CREATE_NEW_PROCESS_GROUP, 0]
    assert len(started[0]) == 9


def open_nothing():
    return open("/dev/null", "wb")  # noqa: PTH123


@pytest.mark.parametrize("module", [windows, windows_session, windows_job])
def test_every_call_has_its_signature(module):
    """Without one, ctypes cuts a handle to 32 bits."""
    tree = ast.parse(inspect.getsource(module))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) in ("kernel32", "_kernel32()", "user32", "self._user32")
    }
    assert called == set(module.SIGNATURES)


@pytest.mark.parametrize(
    ("event", "handled", "told"),
    [
        (windows.CTRL_C_EVENT, 0, []),
        (windows.CTRL_BREAK_EVENT, 1, ["broken"]),
        (windows.CTRL_CLOSE_EVENT, 1, ["closed", windows.HOLD_S]),
        (windows.CTRL_LOGOFF_EVENT, 1, []),
        (windows.CTRL_SHUTDOWN_EVENT, 1, ["closed", windows.HOLD_S]),
    ],
)
def test_a_console_event_is_acted_on_by_its_kind(monkeypatch, event, handled, told):
    """A service is told of every user's log-off, which must not end its show."""
    heard = []
    monkeypatch.setattr(windows, "time", SimpleNamespace(sleep=heard.append))
    broken, closed = (lambda: heard.append("broken")), (lambda: heard.append("closed"))
    assert windows.handle_console(event, broken=broken, closed=closed) == handled
    assert heard == told


def test_the_handler_of_a_console_is_handed_to_the_system_and_kept(monkeypatch):
    kernel32, handlers, heard = SimpleNamespace(), [], []
    for name in windows.SIGNATURES:
        setattr(kernel32, name, lambda *_: 1)
    kernel32.SetConsoleCtrlHandler = lambda handler, add: handlers.append((handler, add)) or 1
    libraries = {"kernel32": kernel32}
    monkeypatch.setattr(ctypes, "CDLL", lambda name, **_: libraries[name])
    monkeypatch.setattr(windows, "_kernel32", windows._kernel32.__wrapped__)
    monkeypatch.setattr(windows, "_handlers", [])
    assert windows.heed_console(broken=lambda: heard.append("broken"), closed=lambda: None)
    [(handler, add)] = handlers
    assert add == 1
    assert windows._handlers == [handler]
    assert [handler(event) for event in (0, 1, 5)] == [0, 1, 1]
    assert heard == ["broken"]
    assert kernel32.OpenProcess.restype is ctypes.c_void_p


def test_limits_of_a_job_have_the_layout_of_windows():
    """Offsets and sizes of winnt.h for 64 bits."""
    basic, extended = windows_job.BasicLimits, windows_job.ExtendedLimits
    assert (basic.flags.offset, basic.active_processes.offset, basic.affinity.offset) == (
        16,
        40,
        48,
    )
    assert (ctypes.sizeof(basic), ctypes.sizeof(extended)) == (64, 144)
    assert (extended.io.offset, extended.process_memory.offset) == (64, 112)


@pytest.fixture
def jobs(monkeypatch):
    """Give kernel32.dll as far as jobs need it, which notes its calls and may refuse one."""
    called, refused = [], set()

    def answering(name, answer):
        def call(*arguments):
            told = [
                windows_job.ExtendedLimits.from_buffer_copy(one._obj)
                if hasattr(one, "_obj")
                else one
                for one in arguments
            ]
            called.append((name, told))
            return 0 if name in refused else answer

        return call

    answers = dict.fromkeys(windows_job.SIGNATURES, 1) | {
        "CreateJobObjectW": 2**40,
        "GetCurrentProcess": -1,
    }
    library = SimpleNamespace(**{name: answering(name, one) for name, one in answers.items()})
    monkeypatch.setattr(ctypes, "CDLL", lambda name, **_: {"kernel32": library}[name])
    monkeypatch.setattr(windows_job, "_jobs", [])
    return SimpleNamespace(called=called, refused=refused)


def test_who_reads_a_checkpoint_on_windows_puts_itself_into_a_job(monkeypatch, jobs):
    monkeypatch.setattr(limits, "sys", SimpleNamespace(platform="win32"))
    limits.set_limits()
    called = dict(jobs.called)
    job, number, told, size = called["SetInformationJobObject"]
    assert (job, number, size) == (2**40, 9, 144)
    assert told.basic.flags == 0x2 | 0x8 | 0x100 | 0x400
    assert told.basic.process_time == limits.CPU_S * 10**7
    assert told.basic.active_processes == 1
    assert told.process_memory == limits.MEMORY_BYTES
    assert called["AssignProcessToJobObject"] == [2**40, -1]
    assert windows_job._jobs == [2**40]  # open to the end of the process
    assert "CloseHandle" not in called


@pytest.mark.parametrize(
    ("refused", "closed"),
    [
        ("CreateJobObjectW", False),
        ("SetInformationJobObject", True),
        ("AssignProcessToJobObject", True),
    ],
)
def test_a_job_that_is_refused_is_told_and_closed(jobs, refused, closed):
    jobs.refused.add(refused)
    assert not windows_job.limit_this_process(memory_bytes=2**30, cpu_s=10)
    assert ("CloseHandle" in dict(jobs.called)) == closed
    assert windows_job._jobs == []


class Desktop:
    """The part of user32.dll that a window needs: what is posted comes to the procedure."""

    def __init__(self, *, atom=1, window=7):
        self.atom, self.window = atom, window
        self.windows, self.answers, self.posted = 0, [], queue.Queue()

    def library(self):
        def register(kind):
            self.procedure = kind._obj.procedure
            return self.atom

        def create(*_):
            self.windows += 1
            return self.window

        def get(message, *_):
            if (told := self.posted.get()) is None:
                return 0
            message._obj.message, message._obj.first = told
            return 1

        def dispatch(message):
            one: Message = message._obj
            self.answers.append(self.procedure(self.window, one.message, one.first, 0))

        return SimpleNamespace(
            RegisterClassW=register,
            CreateWindowExW=create,
            DefWindowProcW=lambda *told: 40 + told[1],
            GetMessageW=get,
            DispatchMessageW=dispatch,
        )

    def post(self, message, first=0):
        """Send a message, and wait for the answer."""
        before = len(self.answers)
        self.posted.put((message, first))
        wait_for(lambda: len(self.answers) > before)
        return self.answers[-1]


@pytest.fixture
def log_on(monkeypatch):
    """Give what makes desktops that a session finds; their windows are closed at the end."""
    made = []

    def log_on(**settings):
        made.append(desktop := Desktop(**settings))
        library = desktop.library()
        monkeypatch.setattr(ctypes, "CDLL", lambda name, **_: {"user32": library}[name])
        return desktop

    yield log_on
    for desktop in made:
        desktop.posted.put(None)


def test_whoever_heeds_the_session_is_told_of_its_end_by_one_window(monkeypatch, log_on):
    held, told = [], []
    monkeypatch.setattr(windows_session, "time", SimpleNamespace(sleep=held.append))
    desktop, session = log_on(), Session()
    with session.heeded(lambda: told.append("first")):
        assert desktop.post(2) == 42  # any other message is left to the system
        assert desktop.post(WM_ENDSESSION, 0) == 40 + WM_ENDSESSION  # it does not end after all
        assert (told, held) == ([], [])
        with session.heeded(lambda: told.append("second")):
            assert desktop.post(WM_ENDSESSION, 1) == 0
        assert (told, held) == (["first", "second"], [windows.HOLD_S])
        told.clear()
        desktop.post(WM_ENDSESSION, 1)
        assert told == ["first"]
    told.clear()
    assert desktop.post(WM_ENDSESSION, 1) == 0
    assert (told, len(held)) == ([], 2)
    assert desktop.windows == 1


@pytest.mark.parametrize("lacking", ["atom", "window"])
def test_where_there_is_no_desktop_that_is_logged_and_tried_again(log_on, caplog, lacking):
    caplog.set_level(logging.WARNING)
    log_on(**{lacking: 0})
    session, told = Session(), threading.Event()
    with session.heeded(told.set):
        wait_for(lambda: "a log-off will not be heard of" in caplog.text)
        session._thread.join()
    desktop = log_on()
    with session.heeded(told.set):
        if lacking == "window":  # the class of the window is there already
            desktop.procedure = session._procedure
        desktop.post(2)
        assert desktop.windows == 1
