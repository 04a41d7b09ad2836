"""Sound comes out where it was heard, whole, whatever the time stamps do."""

import numpy as np
import pytest

from vjnode.audio.source import BLOCK, BLOCK_S, RATE_HZ
from vjnode.output.soundtrack import SoundTrack


def ramp(count, start=0):
    """Samples that say which ones they are."""
    return np.repeat(np.arange(start, start + count, dtype=np.float32)[:, None], 2, axis=1)


def all_of(track):
    return track.take(track.laid)[:, 0]


def lay_blocks(track, blocks, *, stamp, first=0):
    for n in range(first, first + blocks):
        track.lay(ramp(BLOCK, n * BLOCK), stamp(n))


def test_blocks_join_seamlessly_under_jitter_and_late_bursts():
    track = SoundTrack()
    jitter = np.random.default_rng(1).uniform(-0.014, 0.014, 200)
    jitter[0] = 0
    jitter[50:54] = 0.06  # a busy system delivers four blocks late
    lay_blocks(track, 200, stamp=lambda n: (n + 1) * BLOCK_S + jitter[n])
    np.testing.assert_array_equal(all_of(track), np.arange(200 * BLOCK))


def test_sound_from_before_the_recording_is_dropped():
    track = SoundTrack()
    lay_blocks(track, 3, stamp=lambda n: (n + 1) * BLOCK_S - 1.5 * BLOCK_S)
    np.testing.assert_array_equal(all_of(track), np.arange(1.5 * BLOCK, 3 * BLOCK))


def test_sound_that_begins_late_is_placed_to_the_sample():
    track = SoundTrack()
    track.lay(ramp(100, start=1), (1000 + 100) / RATE_HZ)
    sound = all_of(track)
    assert not sound[:1000].any()
    np.testing.assert_array_equal(sound[1000:], np.arange(1, 101))


def test_a_gap_is_filled_with_silence_at_once():
    track = SoundTrack()
    lay_blocks(track, 10, stamp=lambda n: (n + 1) * BLOCK_S)
    track.lay(ramp(BLOCK, 90 * BLOCK), 91 * BLOCK_S)
    sound = all_of(track)
    assert len(sound) == 91 * BLOCK
    assert not sound[10 * BLOCK : 90 * BLOCK].any()
    assert sound[90 * BLOCK] == 90 * BLOCK


@pytest.mark.parametrize("step", [0.04, -0.04])
def test_a_small_step_is_followed_when_it_stays(step):
    track = SoundTrack()
    lay_blocks(track, 10, stamp=lambda n: (n + 1) * BLOCK_S)
    lay_blocks(track, 80, first=10, stamp=lambda n: (n + 1) * BLOCK_S + step)
    assert track.laid == pytest.approx(90 * BLOCK + step * RATE_HZ, abs=1)


def test_a_slow_clock_never_leads_the_sound_away():
    track = SoundTrack()
    lay_blocks(track, 20_000, stamp=lambda n: (n + 1) * BLOCK_S * 1.0005)
    assert track.laid / RATE_HZ == pytest.approx(20_000 * BLOCK_S * 1.0005, abs=0.02)


def test_sound_that_was_heard_already_is_dropped():
    track = SoundTrack()
    lay_blocks(track, 20, stamp=lambda n: (n + 1) * BLOCK_S)
    lay_blocks(track, 20, stamp=lambda n: (n + 1) * BLOCK_S)
    np.testing.assert_array_equal(all_of(track), np.arange(20 * BLOCK))


def test_it_is_taken_in_any_portions():
    track = SoundTrack()
    lay_blocks(track, 10, stamp=lambda n: (n + 1) * BLOCK_S)
    portions = [track.take(count)[:, 0] for count in (1, 1000, 700, BLOCK * 10)]
    np.testing.assert_array_equal(np.concatenate(portions), np.arange(10 * BLOCK))
    assert track.taken == 10 * BLOCK
    assert len(track.take(5)) == 0


def test_an_hour_of_silence_costs_no_memory():
    track = SoundTrack()
    track.pad_to(3600 * RATE_HZ)
    assert all(part.base.nbytes <= 8 for part in track._parts if part.base is not None)
    assert track.take(1024).shape == (1024, 2)
