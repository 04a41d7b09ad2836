"""Morphs that are interrupted at random make no step that their glides do not allow."""

import pytest

from tools.check.morphs import check
from vjnode.control.state import Controls


def test_no_interruption_makes_a_number_jump():
    found = check(60, seed=3)
    assert found.missed == []
    assert found.glides > 10_000
    assert found.worst == pytest.approx(1.0, abs=0.01)


def test_a_recall_at_once_would_be_noticed(monkeypatch):
    monkeypatch.setattr(Controls, "gliding_to", lambda _, target, *__: target)
    found = check(10, seed=3)
    assert found.missed
    assert found.jump > 0.1
