import numpy as np
import pytest
from scipy.stats import spearmanr

from tests.audio.sounds import blocks, clicks, pink_noise, sine
from tools.data.grooves import groove
from vjnode.audio.features.analyser import FLOOR_DB
from vjnode.audio.sources.base import BLOCK, BLOCK_S, Block
from vjnode.audio.sources.file import FileSource
from vjnode.modulation.drive import HITS
from vjnode.modulation.listener import STEP_S, Listener
from vjnode.modulation.response import Response
from vjnode.modulation.weight_track import live_track
from vjnode.paths import shipped


def listen(sound, listener=None):
    listener = listener or Listener()
    return [listener.hear(block) for block in sound]


def weights(sound, listener=None):
    return np.array([drive.weight for drive in listen(sound, listener)])


def silence(length_s):
    return blocks(np.zeros(round(length_s * 44_100), np.float32))


def demo_song():
    source = FileSource(shipped("demo", "demo.ogg"), loop=False)
    return list(iter(source.read, None))


def test_every_block_makes_a_drive_with_its_times_and_level():
    sound = blocks(sine(1000.0, 0.5, dbfs=-17.0))
    drives = listen(sound)
    assert [d.t_s for d in drives] == [b.t_s for b in sound]
    assert [d.captured_s for d in drives] == [b.captured_s for b in sound]
    assert np.mean([d.rms_db for d in drives[2:]]) == pytest.approx(-20.0, abs=0.5)


def test_the_encoder_speaks_at_every_second_block_and_says_of_which():
    drives = listen(blocks(pink_noise(0.2, dbfs=-20.0)))
    assert [d.weight_s for d in drives[1::2]] == [d.captured_s for d in drives[1::2]]
    assert [d.weight_s for d in drives[2::2]] == [d.weight_s for d in drives[1:-1:2]]
    assert [d.weight for d in drives[2::2]] == [d.weight for d in drives[1:-1:2]]
    assert drives[3].weight_s - drives[1].weight_s == pytest.approx(STEP_S)
    assert drives[0].weight_s == 0.0  # not yet


def test_silence_is_rest_from_the_first_drive():
    drives = listen(silence(1.0))
    assert all(d.weight <= 0.02 and d.rms_db == FLOOR_DB and d.onsets == 0 for d in drives)
    assert not any(d.audible or d.hits or d.low or d.mid or d.high for d in drives)


def test_within_half_a_second_of_silence_the_face_is_at_rest():
    """Whatever the weights: once the gate has closed, nothing is left within the release."""
    listener, track = Listener(), live_track()
    found = []
    for block in blocks(np.concatenate([pink_noise(2.0, dbfs=-12.0), np.zeros(44_100)])):
        track.push(listener.hear(block))
        found.append((block.captured_s, track.at(block.captured_s, Response()).weight))
    assert max(weight for t_s, weight in found if 1.0 < t_s < 2.0) > 0.2
    assert max(weight for t_s, weight in found if t_s >= 2.5) <= 0.02


def test_within_half_a_second_of_silence_the_weight_itself_is_at_rest():
    listener = Listener()
    assert weights(blocks(pink_noise(1.0, dbfs=-12.0)), listener)[-1] > 0.5
    after = weights(silence(1.0), listener)
    assert (after[round(0.5 / BLOCK_S) :] <= 0.02).all()


def test_a_sound_that_sets_in_is_seen_within_100_ms():
    listener = Listener()
    listen(silence(1.0), listener)
    rising = weights(blocks(pink_noise(1.0, dbfs=-12.0)), listener)
    assert rising[round(0.1 / BLOCK_S)] > 0.6 * rising[-1]


def test_louder_noise_weighs_more():
    levels = np.arange(-60.0, -5.0, 6.0)
    found = [weights(blocks(pink_noise(1.0, dbfs=level)))[80:].mean() for level in levels]
    assert spearmanr(levels, found).statistic >= 0.95
    assert found[0] < 0.2
    assert found[-1] > 0.8


def test_the_weight_follows_the_parts_of_the_demo_song():
    found = weights(demo_song())
    calm, build, wild, end = (
        found[round(a / BLOCK_S) : round(b / BLOCK_S)].mean()
        for a, b in ((1, 10), (13, 18), (18.5, 32), (34, 39))
    )
    assert calm < 0.35
    assert end < 0.35
    # Automatic gain has got used to the loud parts by then: they may be equal to each other.
    assert min(build, wild) > 0.5
    assert min(build, wild) > max(calm, end) + 0.2


def test_the_same_sound_gives_the_same_bits_and_the_future_changes_nothing():
    song = demo_song()
    sound = song[2000:2400]
    drives = listen(sound)
    assert listen(sound) == drives
    assert listen([*sound[:200], *song[5000:5010]])[:200] == drives[:200]


def test_hits_are_told_with_the_time_and_the_strength_of_their_attack():
    times_s = [0.5, 0.8, 1.3, 1.4, 1.5, 1.6, 1.7]
    sound = clicks(times_s, 2.0)
    sound[round(1.2 * 44_100) : round(1.45 * 44_100)] *= 0.1
    drives = listen(blocks(sound))
    assert drives[-1].onsets == len(times_s)
    assert max(len(drive.hits) for drive in drives) == HITS
    told = {hit: drive for drive in reversed(drives) for hit in drive.hits}  # by the first
    began_s, strengths = np.array(sorted(told)).T
    assert began_s == pytest.approx(times_s, abs=0.006)
    assert ((strengths >= 0.0) & (strengths <= 1.0)).all()
    assert strengths[3] < strengths[4] - 0.2
    for (hit_s, _), drive in told.items():
        assert 0.0 < drive.captured_s - hit_s < 0.025
    assert all(list(drive.hits) == sorted(drive.hits) for drive in drives)


def test_onsets_are_counted_on_from_where_they_were():
    drives = listen(blocks(clicks([0.3, 0.8], 1.0)), Listener(onsets=7))
    assert (drives[0].onsets, drives[-1].onsets) == (7, 9)


def test_bands_and_beat_are_told_beside_the_weight():
    sound, _ = groove("four on the floor", 120.0, 10.0)
    late = [drive for drive in listen(blocks(sound)) if drive.t_s > 8.0]
    for band in ("low", "mid", "high"):
        levels = [getattr(drive, band) for drive in late]
        assert 0.0 <= min(levels) < max(levels) <= 1.0
        assert np.ptp(levels) > 0.4
    assert all(drive.beat.locked for drive in late)
    assert late[-1].beat.bpm == pytest.approx(120.0, rel=0.01)
    assert late[-1].beat.beats - late[0].beat.beats == pytest.approx(4.0, abs=0.1)


def test_hands_can_set_the_beat():
    listener = Listener()
    listener.clock.set_bpm(90.0, 0.0)
    listener.clock.resync(0.1)
    drives = listen(silence(1.0), listener)
    assert {drive.beat.bpm for drive in drives} == {90.0}
    beats = [drive.beat.beats for drive in drives]
    assert np.diff(beats[20:]) == pytest.approx(np.full(len(beats) - 21, 1.5 * BLOCK_S))


def test_the_gate_is_open_while_there_is_sound():
    listener = Listener()
    listener.set_up(agc="off", gate_db=-40.0)
    heard = {}
    for level_db in (-36.0, -44.5, -36.0):
        heard[level_db] = listen(blocks(pink_noise(1.0, dbfs=level_db)), listener)
    assert all(drive.audible for drive in heard[-36.0][40:])
    assert not any(drive.audible for drive in heard[-44.5][40:])
    listener.set_up(agc="off", gate_db=-60.0)
    assert all(d.audible for d in listen(blocks(pink_noise(0.5, dbfs=-44.5)), listener)[10:])


def test_a_quiet_line_and_a_hot_one_give_the_same_show():
    sound, _ = groove("rock", 120.0, 6.0)
    soft, loud = (listen(blocks(sound * np.float32(10.0 ** (db / 20.0)))) for db in (-40.0, 0.0))
    late = slice(round(3.0 / BLOCK_S), None)
    gains = [drive.agc_db for drive in soft[late]]
    assert gains == pytest.approx([drive.agc_db + 40.0 for drive in loud[late]], abs=0.5)
    assert [d.weight for d in soft[late]] == pytest.approx([d.weight for d in loud[late]], abs=0.03)
    assert all(drive.audible for drive in soft[late])


def test_automatic_gain_can_be_frozen_switched_off_and_reset():
    sound = blocks(groove("rock", 120.0, 3.0)[0] * np.float32(0.03))
    listener = Listener()
    learnt = listen(sound, listener)[-1].agc_db
    assert learnt > 5.0
    listener.set_up(agc="freeze")
    louder = blocks(groove("rock", 120.0, 3.0)[0])
    assert {drive.agc_db for drive in listen(louder, listener)} == {learnt}
    listener.set_up(agc="off")
    assert {drive.agc_db for drive in listen(sound, listener)[2:]} == {0.0}
    listener.set_up(agc="on")
    listener.reset_gain()
    fresh = listen(louder)[-1].agc_db
    assert listen(louder, listener)[-1].agc_db == pytest.approx(fresh, abs=0.5)


def test_bad_samples_never_raise_and_are_forgotten():
    listener = Listener()
    for value in (np.nan, np.inf, -np.inf, 1e30, 0.9):
        for _ in range(16):
            drive = listener.hear(Block(np.full((BLOCK, 2), value, np.float32), 0.0, 0.0))
            assert 0.0 <= drive.weight <= 1.0
    assert weights(silence(2.0), listener)[-1] <= 0.02
    spoiled = weights(blocks(pink_noise(1.0, dbfs=-20.0)), listener)[-80:]
    clean = weights(blocks(pink_noise(1.0, dbfs=-20.0)))[-80:]
    np.testing.assert_allclose(spoiled, clean, atol=0.02)
