import pytest

from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.sources.realtime import CATCH_UP_S, MOST_SKIPPED_S, Paced
from vjnode.audio.sources.tone import ToneSource


class Clock:
    """Time that passes only in sleep, and a little too much of it then."""

    now_s = 100.0

    def __call__(self):
        return self.now_s

    def sleep(self, wait_s):
        self.now_s += wait_s + 0.0007


def test_blocks_come_when_they_would_be_heard_and_never_drift():
    clock = Clock()
    paced = Paced(ToneSource(), clock, clock.sleep)
    for n in range(1, 2001):
        block = paced.read()
        assert block.captured_s == pytest.approx(100.0 + n * BLOCK_S)
        assert 0.0 <= clock.now_s - block.captured_s < 0.001


def test_a_short_stall_loses_nothing():
    clock = Clock()
    paced = Paced(ToneSource(), clock, clock.sleep)
    before = paced.read()
    clock.now_s += 0.8 * CATCH_UP_S
    after = paced.read()
    assert after.t_s == pytest.approx(before.t_s + BLOCK_S)


def test_after_a_long_stall_the_sound_is_where_the_clock_is_without_a_burst():
    clock = Clock()
    paced = Paced(ToneSource(), clock, clock.sleep)
    paced.read()
    clock.now_s += 10.0
    stalled_until_s = clock.now_s
    block = paced.read()
    assert block.t_s == pytest.approx(stalled_until_s - 100.0, abs=2 * BLOCK_S)
    assert block.captured_s == pytest.approx(100.0 + block.t_s)
    assert clock.now_s >= block.captured_s  # it was waited for, so the next one will be too
    assert paced.read().t_s == pytest.approx(block.t_s + BLOCK_S)


@pytest.mark.parametrize("away_s", [60.0, 3600.0, 12 * 3600.0])
def test_after_a_stand_still_of_hours_the_sound_goes_on_where_it_was(away_s):
    clock, tone = Clock(), ToneSource()
    reads = 0

    class Counted:
        name = "tone"
        close = tone.close

        def read(self):
            nonlocal reads
            reads += 1
            return tone.read()

    paced = Paced(Counted(), clock, clock.sleep)
    before = paced.read()
    clock.now_s += away_s
    after = paced.read()
    assert reads == 2
    assert after.t_s == pytest.approx(before.t_s + BLOCK_S)
    assert 0.0 <= clock.now_s - after.captured_s < 0.001
    for n in range(1, 1000):
        assert paced.read().captured_s == pytest.approx(after.captured_s + n * BLOCK_S)


def test_a_skip_decodes_no_more_than_its_limit():
    clock, tone = Clock(), ToneSource()
    paced = Paced(tone, clock, clock.sleep)
    paced.read()
    clock.now_s += MOST_SKIPPED_S
    assert paced.read().t_s == pytest.approx(MOST_SKIPPED_S, abs=0.02)
