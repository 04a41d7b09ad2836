"""What the parent of a show does about the system it runs on."""

from multiprocessing import resource_tracker

from vjnode.show import live


def missing():
    raise ModuleNotFoundError("No module named '_posixsubprocess'")


def test_a_show_starts_where_python_has_no_tracker_of_shared_memory(monkeypatch):
    with monkeypatch.context() as windows:
        windows.setattr(resource_tracker, "ensure_running", missing)
        windows.setattr(live.os, "name", "nt")
        live.start_tracker()


def test_where_there_is_one_it_is_started_before_anything_else(monkeypatch):
    started = []
    monkeypatch.setattr(resource_tracker, "ensure_running", lambda: started.append(1))
    live.start_tracker()
    assert started == [1]
