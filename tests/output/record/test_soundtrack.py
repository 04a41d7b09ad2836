"""Sound comes out where it was heard, whole, whatever the time stamps do."""

import numpy as np
import pytest

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ
from vjnode.output.record.soundtrack import SoundTrack, stretched


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


@pytest.mark.parametrize("ppm", [-1000, -200, 200, 1000])
def test_a_clock_that_runs_wrong_is_followed_and_never_heard(ppm):
    track = SoundTrack()
    jitter = np.random.default_rng(1).uniform(-0.005, 0.005, 20_000)
    seconds = 20_000 * BLOCK_S * (1 + ppm / 1e6)
    for n in range(20_000):
        wave = np.sin(2 * np.pi * 1000 / RATE_HZ * np.arange(n * BLOCK, (n + 1) * BLOCK))
        samples = np.repeat(wave.astype(np.float32)[:, None], 2, axis=1)
        track.lay(samples, (n + 1) * BLOCK_S * (1 + ppm / 1e6) + jitter[n])
    assert track.laid / RATE_HZ == pytest.approx(seconds, abs=0.01)
    sound = all_of(track)[BLOCK:]
    # A sine bends in proportion to its value; a cut would bend it far more.
    bend = np.diff(sound, 2) + (2 * np.pi * 1000 / RATE_HZ) ** 2 * sound[1:-1]
    assert np.abs(bend).max() < 0.01


def test_a_sine_that_is_stretched_stays_a_sine():
    for by in (-1, 1):
        at = np.linspace(0, 255, 256 + by)
        wave = np.sin(0.2 * np.pi * np.arange(256))
        longer = stretched(np.repeat(wave[:, None], 2, axis=1).astype(np.float32), by)
        assert longer.shape == (256 + by, 2)
        np.testing.assert_allclose(longer[:, 0], np.sin(0.2 * np.pi * at), atol=0.02)


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
    assert all(part.base.nbytes <= 8 for part in track._parts._pieces if part.base is not None)
    assert track.take(1024).shape == (1024, 2)
