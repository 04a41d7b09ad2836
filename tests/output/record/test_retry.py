"""A recording that cannot go on is tried again calmly, and says why it does not run."""

from contextlib import closing

import pytest

from tests.output.shows import flat
from vjnode.errors import OutputError
from vjnode.output.record.retry import RETRY_S, Interrupted

FRAME = flat((1, 2, 3))


class Opened:
    def __init__(self):
        self.sent, self.closed = [], False

    def send(self, frame, due_s):
        self.sent.append(due_s)

    def about(self):
        return {"file": "set-2.mp4"}

    def close(self):
        self.closed = True


def never():
    raise OutputError("still full")


def run(output, seconds, start_s=100.0):
    """Send for so long; returns how many frames were dropped."""
    times = [start_s + n / 60 for n in range(round(seconds * 60))]
    return sum(output.send(FRAME, due_s) is False for due_s in times)


def test_it_is_tried_a_few_times_and_not_at_every_frame():
    tries = []
    output = Interrupted(lambda: tries.append(1) or never(), "full")
    run(output, 60)
    assert 60 / RETRY_S - 2 <= len(tries) <= 60 / RETRY_S
    assert output.about() == {"interrupted": "still full", "missed_frames": 3600}
    output.close()


def test_it_goes_on_when_it_can():
    opened = Opened()
    with closing(Interrupted(lambda: opened, "full")) as output:
        assert output.about()["interrupted"] == "full"
        assert run(output, 10) == RETRY_S * 60
        assert opened.sent[0] == pytest.approx(100 + RETRY_S)
        assert len(opened.sent) == 600 - RETRY_S * 60
        assert output.about() == {"file": "set-2.mp4", "missed_frames": RETRY_S * 60}
    assert opened.closed


def test_what_fails_after_that_is_told():
    opened = Opened()
    opened.send = lambda frame, due_s: never()
    output = Interrupted(lambda: opened, "full")
    with pytest.raises(OutputError, match="still full"):
        run(output, 10)
