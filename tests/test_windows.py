"""What is asked of Windows, as far as that can be seen elsewhere.

That it does what it should is seen by ``tools/check_windows.sh``, under Wine.
"""

import ast
import importlib
import inspect
import sys
from types import SimpleNamespace

import pytest

from vjnode import windows, windows_session


class Started(Exception):  # noqa: N818 - it is what the test waits for
    pass


def test_children_are_started_in_groups_of_their_own(monkeypatch):
    """By Python's own source of how it starts a process on Windows."""
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


@pytest.mark.parametrize("module", [windows, windows_session])
def test_every_call_has_its_signature(module):
    """Without one, ctypes cuts a handle to 32 bits."""
    tree = ast.parse(inspect.getsource(module))
    called = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) in ("kernel32", "_kernel32()", "user32")
    }
    assert called == set(module.SIGNATURES)
