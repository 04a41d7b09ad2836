"""Sessions of processes that are killed; the check itself tries a thousand."""

import os
import random

import pytest

from tests.show.session.made import write_session
from tools.check import sessions


@pytest.mark.skipif(os.name != "posix", reason="kills and forks are POSIX's")
def test_no_kill_harms_a_session(tmp_path):
    chance = random.Random(3)
    for _ in range(8):
        wrong, _ = sessions.killed(tmp_path, chance)
        assert (wrong, sessions.restarted(tmp_path)) == ("", "")


def test_a_session_of_something_else_is_a_fault(tmp_path):
    path = tmp_path / "set.vjsession"
    write_session(path, 5)
    wrong, count = sessions.judged(path)
    assert (wrong, count) == ("tick 0 is not what was recorded", 5)
    path.write_bytes(bytes(1 << 14))
    assert "no session" in sessions.judged(path)[0]
