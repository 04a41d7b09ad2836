"""The check by hostile files finds nothing to blame here, and would notice what is to blame."""

import os

import pytest

from tools.check import hostile
from vjnode.generators.checkpoints import child

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="it forks, which Windows cannot")


def test_no_file_has_an_effect(capsys):
    assert hostile.main(["--count", "201", "--seed", "5"]) == 0
    said = capsys.readouterr().out
    assert "208 files" in said  # and by the command two of them, a loop, a pipe, a folder …
    assert "; 0 missed" in said


def runs(*_):
    os.system("true")  # noqa: S605 - seen by the watch
    return {"refused": "x"}


def ends(*_):
    os._exit(3)


def raises(*_):
    raise SystemExit


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (runs, "it led to ('os.system'"),
        (lambda *_: {"layout": "x"}, "taken as a checkpoint"),
        (ends, "the process that read it ended"),
        (raises, "SystemExit was raised"),
    ],
)
def test_what_a_file_does_is_noticed(monkeypatch, answer, word):
    monkeypatch.setattr(child, "answer", answer)
    monkeypatch.setattr(hostile, "_import_late", lambda *_: None)
    monkeypatch.setattr(hostile, "read_apart", lambda *_: hostile.Found())
    assert word in hostile.check(12, seed=1).missed[0]
