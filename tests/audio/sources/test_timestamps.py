"""Stamps are as even as the card counts, however unevenly the sound is handed over."""

import numpy as np
import pytest

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ
from vjnode.audio.sources.timestamps import LATE_S, PAUSE_S, SOON_S, WINDOW_S, ArrivalClock

EVEN_S = 0.0005


def arrivals(heard_s, burst, *, jitter_s=0.0, seed=0):
    """Return the arrivals, s, of blocks heard at these times, ``burst`` of them at once."""
    last = np.minimum((np.arange(len(heard_s)) // burst + 1) * burst, len(heard_s)) - 1
    late_s = np.random.default_rng(seed).exponential(jitter_s or 1e-12, len(heard_s))
    return np.maximum.accumulate(heard_s[last] + late_s)


def stamps(arrived_s, clock=None, frames=BLOCK):
    clock = clock or ArrivalClock(RATE_HZ)
    return np.array([clock.stamp(frames, float(one)) for one in arrived_s])


def heard(seconds, *, ppm=0.0, start_s=1000.0):
    """Return the times, s, of the last samples of blocks, on a card that is so much too slow."""
    count = round(seconds / BLOCK_S)
    return start_s + (np.arange(count) + 1) * BLOCK_S * (1.0 + ppm * 1e-6)


@pytest.mark.parametrize("jitter_s", [0.0, 0.0002, 0.002])
@pytest.mark.parametrize("burst", [1, 2, 4, 8])
def test_blocks_that_come_in_bursts_are_stamped_evenly(burst, jitter_s):
    heard_s = heard(20.0)
    arrived_s = arrivals(heard_s, burst, jitter_s=jitter_s)
    found = stamps(arrived_s)
    assert (found <= arrived_s).all()
    assert (np.diff(found) >= 0.0).all()
    settled = found[2 * 172 :]
    # When all is late for a second, the first that is not moves the stamps a little.
    even_s = EVEN_S if jitter_s < EVEN_S else 2 * EVEN_S
    np.testing.assert_allclose(np.diff(settled), BLOCK_S, atol=even_s)
    # No delay is added: the last block of a burst has come at once.
    np.testing.assert_allclose(settled, heard_s[2 * 172 :], atol=1e-6 + 2 * jitter_s)


def test_the_ten_millisecond_periods_of_windows_are_stamped_evenly():
    heard_s = heard(10.0)
    period_s = 0.01
    arrived_s = 1000.0 + np.ceil((heard_s - 1000.0) / period_s) * period_s
    found = stamps(arrived_s)
    assert (found <= arrived_s).all()
    np.testing.assert_allclose(np.diff(found[172:]), BLOCK_S, atol=EVEN_S)


@pytest.mark.parametrize("ppm", [-300.0, 50.0, 300.0])
@pytest.mark.parametrize("burst", [1, 8])
def test_the_drift_of_the_cards_clock_is_followed(ppm, burst):
    heard_s = heard(600.0, ppm=ppm)  # 0.18 s at the end, if it were not
    arrived_s = arrivals(heard_s, burst, jitter_s=0.0002)
    found = stamps(arrived_s)
    assert (found <= arrived_s).all()
    np.testing.assert_allclose(found[172:], heard_s[172:], atol=0.001)
    np.testing.assert_allclose(np.diff(found[172:]), BLOCK_S, atol=EVEN_S)


@pytest.mark.parametrize("burst", [1, 4])
def test_after_sound_that_the_card_says_is_lost_the_clock_begins_anew(burst):
    clock = ArrivalClock(RATE_HZ)
    stamps(arrivals(heard(3.0), burst), clock)
    heard_s = heard(3.0, start_s=1003.05)
    arrived_s = arrivals(heard_s, burst)
    clock.stamp(0, float(arrived_s[0]), lost=True)
    found = stamps(arrived_s, clock)
    assert (found <= arrived_s).all()
    np.testing.assert_allclose(found[burst:], heard_s[burst:], atol=1e-6)


@pytest.mark.parametrize("gap_s", [0.01, 0.03, 0.1, 0.24, 2 * PAUSE_S, 3600.0])
def test_after_a_gap_that_nobody_told_of_the_stamps_are_soon_right_again(gap_s):
    clock = ArrivalClock(RATE_HZ)
    before = stamps(arrivals(heard(3.0), 4), clock)
    start_s = 1000.0 + round(3.0 / BLOCK_S) * BLOCK_S + gap_s
    heard_s = heard(3.0, start_s=start_s)
    arrived_s = arrivals(heard_s, 4)
    found = stamps(arrived_s, clock)
    assert (found <= arrived_s).all()
    assert found[0] >= before[-1]
    # A loss that jitter might be is waited for; a longer one is known after a few bursts.
    soon = round((WINDOW_S + 0.1 if gap_s <= LATE_S else SOON_S + 0.06) / BLOCK_S)
    np.testing.assert_allclose(found[soon:], heard_s[soon:], atol=1e-6)


def test_a_reader_that_the_system_held_up_is_told_the_true_times():
    heard_s = heard(6.0)
    arrived_s = heard_s.copy()
    stalled = (heard_s > 1003.0) & (heard_s < 1003.2)
    arrived_s[stalled] = 1003.2
    np.testing.assert_allclose(stamps(arrived_s)[172:], heard_s[172:], atol=1e-6)
