import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.audio.sounds import blocks, clicks, pink_noise, sine
from vjnode.audio.analysis import FLOOR_DB
from vjnode.audio.file import FileSource
from vjnode.audio.source import BLOCK, Block
from vjnode.drive.stream import STEP_S, Listener
from vjnode.storage import shipped


def listen(sound, listener=None):
    listener = listener or Listener()
    return [drive for block in sound if (drive := listener.hear(block)) is not None]


def weights(sound, listener=None):
    return np.array([drive.weight for drive in listen(sound, listener)])


def silence(length_s):
    return blocks(np.zeros(round(length_s * 44_100), np.float32))


def demo_song():
    source = FileSource(shipped("demo", "demo.ogg"), loop=False)
    return list(iter(source.read, None))


def test_every_fourth_block_makes_a_drive_with_its_times_and_level():
    sound = blocks(sine(1000.0, 0.5, dbfs=-17.0))
    drives = listen(sound)
    assert len(drives) == len(sound) // 4
    assert [d.t_s for d in drives] == [b.t_s for b in sound[3::4]]
    assert [d.captured_s for d in drives] == [b.captured_s for b in sound[3::4]]
    assert np.mean([d.rms_db for d in drives]) == pytest.approx(-20.0, abs=0.5)
    assert drives[1].captured_s - drives[0].captured_s == pytest.approx(STEP_S)


def test_silence_is_rest_from_the_first_drive():
    drives = listen(silence(1.0))
    assert all(d.weight <= 0.02 and d.rms_db == FLOOR_DB and d.onsets == 0 for d in drives)


def test_within_half_a_second_of_silence_the_weight_is_at_rest():
    listener = Listener()
    assert weights(blocks(pink_noise(1.0, dbfs=-12.0)), listener)[-1] > 0.5
    after = weights(silence(1.0), listener)
    assert (after[round(0.5 / STEP_S) :] <= 0.02).all()


def test_a_sound_that_sets_in_is_seen_within_100_ms():
    listener = Listener()
    listen(silence(1.0), listener)
    rising = weights(blocks(pink_noise(1.0, dbfs=-12.0)), listener)
    assert rising[round(0.1 / STEP_S)] > 0.6 * rising[-1]


def test_louder_noise_weighs_more():
    levels = np.arange(-60.0, -5.0, 6.0)
    found = [weights(blocks(pink_noise(1.0, dbfs=level)))[20:].mean() for level in levels]
    assert spearmanr(levels, found).statistic >= 0.9
    assert found[0] < 0.2
    assert found[-1] > 0.8


def test_the_weight_follows_the_parts_of_the_demo_song():
    found = weights(demo_song())
    calm, build, wild, end = (
        found[round(a / STEP_S) : round(b / STEP_S)].mean()
        for a, b in ((1, 10), (13, 18), (18.5, 32), (34, 39))
    )
    assert calm < 0.35
    assert end < 0.35
    assert wild > 0.75
    assert calm + 0.1 < build < wild - 0.1


def test_the_same_sound_gives_the_same_bits():
    sound = demo_song()[2000:2800]
    assert listen(sound) == listen(sound)


def test_clicks_are_counted():
    assert listen(blocks(clicks([0.3, 0.8, 1.3], 1.6)))[-1].onsets == 3


def test_bad_samples_never_raise_and_are_forgotten():
    listener = Listener()
    for value in (np.nan, np.inf, -np.inf, 1e30, 0.9):
        for _ in range(16):
            drive = listener.hear(Block(np.full((BLOCK, 2), value, np.float32), 0.0, 0.0))
            assert drive is None or 0.0 <= drive.weight <= 1.0
    assert weights(silence(1.0), listener)[-1] <= 0.02
    spoiled = weights(blocks(pink_noise(1.0, dbfs=-20.0)), listener)[-20:]
    clean = weights(blocks(pink_noise(1.0, dbfs=-20.0)))[-20:]
    np.testing.assert_allclose(spoiled, clean, atol=0.02)
