import numpy as np
import pytest

from tests.audio.sounds import pink_noise, sine
from vjnode.audio.features.agc import HIGHEST_DB, LOWEST_DB, TARGET_DB, AutoGain
from vjnode.audio.features.loudness import KWeighting
from vjnode.audio.sources.base import HOP, HOP_S, RATE_HZ
from vjnode.control.parameters import AGC_MODES


def music(length_s, level_db, seed=0):
    """Return each hop's power of a sound that pulses twice a second and peaks at ``level_db``."""
    t_s = np.arange(round(length_s / HOP_S)) * HOP_S
    chance_db = np.random.default_rng(seed).normal(0.0, 1.0, len(t_s))
    return 10.0 ** ((level_db - 6.0 + 6.0 * np.cos(4.0 * np.pi * t_s) + chance_db) / 10.0)


def powers(mono):
    weighting = KWeighting()
    return [weighting.power(hop) for hop in mono[: len(mono) // HOP * HOP].reshape(-1, HOP)]


def gains(gain, hops, mode="on"):
    """Return the gain after each hop, dB."""
    return np.array([gain.step(power, mode=mode) for power in hops])


def after_music(length_s=60.0, level_db=-15.0):
    """Return a gain that has heard some music, and its value, dB."""
    gain = AutoGain()
    gains(gain, music(length_s, level_db))
    return gain, gain.gain_db


STEADY = {
    "silence": np.zeros(10 * RATE_HZ, np.float32),
    "hiss": np.random.default_rng(0).normal(0.0, 0.03, 10 * RATE_HZ).astype(np.float32),
    "pink noise": pink_noise(10.0, dbfs=-20.0),
    "hum": sum(sine(50.0 * i, 10.0, dbfs=-20.0 - 6.0 * i) for i in (1, 2, 3)),
    "test tone": sine(1000.0, 10.0, dbfs=-20.0),
    "DC": np.full(10 * RATE_HZ, 0.5, np.float32),
}


def test_the_loud_passages_of_any_music_are_brought_about_to_one_loudness():
    for level_db in (-50.0, -15.0, 5.0):
        hops = music(120.0, level_db)
        loud = hops * 10.0 ** (gains(AutoGain(), hops) / 10.0)
        assert 10.0 * np.log10(np.mean(loud[-2000:])) == pytest.approx(TARGET_DB, abs=5.0)


def test_the_same_sound_30_db_lower_gets_30_db_more():
    passages = [music(20.0, -12.0), music(15.0, -30.0), music(20.0, -9.0), [0.0] * 500]
    hops = np.concatenate([*passages, music(10.0, -12.0, seed=1)])
    loud, soft = gains(AutoGain(), hops), gains(AutoGain(), hops * 1e-3)
    known = round(1.2 / HOP_S)  # nothing is known until the sound has moved for a second
    np.testing.assert_array_equal(loud[:10], 0.0)
    np.testing.assert_allclose(soft[known:], loud[known:] + 30.0, atol=1e-3)


def test_it_is_there_within_two_seconds_and_wanders_little_after():
    found = gains(AutoGain(), music(90.0, -40.0))
    at = {t_s: found[round(t_s / HOP_S)] for t_s in (2.0, 10.0, 30.0, 80.0)}
    # Louder passages are expected to come, so the gain stays below its final value at first.
    assert at[80.0] - 9.0 < at[2.0] < at[10.0] < at[30.0] < at[80.0]
    assert at[80.0] - at[30.0] < 2.5


@pytest.mark.parametrize("sound", STEADY.values(), ids=STEADY)
def test_what_does_not_move_says_nothing_of_the_level(sound):
    hops = powers(sound)
    for silence in range(100, 108):  # wherever the sound sets in
        assert not gains(AutoGain(), [0.0] * silence + hops + [0.0] * 100).any()
    gain, before_db = after_music()
    assert np.abs(gains(gain, hops) - before_db).max() < 0.5


def test_dry_drums_with_silence_between_them_are_music():
    hit = music(0.25, -40.0)
    found = gains(AutoGain(), np.concatenate([*[np.concatenate([hit, np.zeros(22)])] * 12]))
    assert found[-1] > 5.0


def test_slow_fades_of_noise_are_no_movement():
    noise = pink_noise(20.0, dbfs=0.0) * 10 ** (np.linspace(-60.0, -6.0, 20 * RATE_HZ) / 20.0)
    assert not gains(AutoGain(), powers(noise.astype(np.float32))).any()


def test_a_quiet_passage_stays_quiet():
    for level_db, allowed_db in ((-30.0, 1.5), (-45.0, 0.3), (-75.0, 0.3)):
        gain, before_db = after_music()
        assert np.abs(gains(gain, music(20.0, level_db)) - before_db).max() < allowed_db
        gains(gain, music(5.0, -15.0))
        assert gain.gain_db == pytest.approx(before_db, abs=allowed_db)


def test_a_source_that_was_turned_down_for_good_is_found_again():
    gain, before_db = after_music()
    found = gains(gain, music(75.0, -45.0))
    assert found[round(40.0 / HOP_S)] == pytest.approx(before_db, abs=0.3)
    assert found[-1] == pytest.approx(before_db + 30.0, abs=5.0)


def test_a_source_that_was_turned_up_is_tamed_within_seconds():
    gain, before_db = after_music(level_db=-35.0)
    found = gains(gain, music(15.0, -15.0))
    assert found[round(5.0 / HOP_S)] < before_db - 8.0
    assert found[-1] == pytest.approx(before_db - 20.0, abs=10.0)


@pytest.mark.parametrize("above_db", [20.0, 30.0, 50.0])
def test_a_thump_or_a_pulled_plug_is_not_the_loudness_of_the_show(above_db):
    """A fifth of a second far above the music must not put the face to sleep after it."""
    gain, before_db = after_music(level_db=-40.0)
    gains(gain, music(0.2, -40.0 + above_db))
    after_db = gains(gain, music(5.0, -40.0))
    assert np.abs(after_db[20:] - before_db).max() < 3.0


def test_once_it_knows_the_music_it_rises_slowly():
    gain, _ = after_music()
    found = gains(gain, np.concatenate([music(75.0, -45.0), music(10.0, -15.0), [0.0] * 900]))
    assert np.diff(found).max() <= 3.0 * HOP_S + 1e-9


def test_within_a_song_it_moves_too_slowly_to_be_seen():
    gain, _ = after_music(length_s=10.0)
    found = gains(gain, np.concatenate([music(10.0, level, 1) for level in (-15, -25, -13, -18)]))
    assert np.percentile(np.abs(np.diff(found)), 99) < 0.02


def test_one_song_is_heard_with_one_gain():
    """Passages about as loud as those before, or less loud, leave the gain where it is."""
    gain, before_db = after_music(length_s=10.0)
    found = gains(gain, np.concatenate([music(20.0, level, 1) for level in (-18, -13, -25, -15)]))
    assert np.abs(found - before_db).max() < 2.5


def test_silence_keeps_the_gain():
    gain, before_db = after_music()
    assert np.abs(gains(gain, [0.0] * round(120.0 / HOP_S)) - before_db).max() < 0.1


def test_frozen_it_neither_moves_nor_learns():
    gain, before_db = after_music()
    assert set(gains(gain, music(30.0, -45.0), "freeze")) == {before_db}
    assert gain.step(music(1.0, -15.0)[0]) == pytest.approx(before_db, abs=0.1)


def test_off_is_no_gain_and_on_again_is_the_gain_that_was():
    gain, before_db = after_music()
    assert before_db < -1.0
    assert set(gains(gain, music(5.0, -15.0), "off")) == {0.0}
    gains(gain, music(5.0, -15.0))
    assert gain.gain_db == pytest.approx(before_db, abs=0.3)


def test_reset_begins_anew_from_the_gain_there_is():
    gain, before_db = after_music()
    gain.reset()
    assert gain.gain_db == before_db
    found = gains(gain, music(10.0, -45.0))
    fresh = gains(AutoGain(), music(10.0, -45.0))
    known = round(1.2 / HOP_S)
    np.testing.assert_allclose(found[known:], fresh[known:], atol=1e-6)


@pytest.mark.parametrize(("level_db", "limit_db"), [(-72.0, HIGHEST_DB), (40.0, LOWEST_DB)])
def test_there_are_limits(level_db, limit_db):
    found = gains(AutoGain(), music(60.0, level_db))
    assert found[-1] == pytest.approx(limit_db, abs=0.1)
    assert (found <= HIGHEST_DB).all()
    assert (found >= LOWEST_DB).all()


@pytest.mark.parametrize("mode", AGC_MODES)
def test_anything_at_all_gives_a_finite_gain(mode):
    wild = np.resize([0.0, 1e-45, 3.0, 1e-9, 0.0, 1e12, 1e-14], 3000)
    found = gains(AutoGain(), wild, mode)
    assert np.isfinite(found).all()
    assert (found >= LOWEST_DB).all()
    assert (found <= HIGHEST_DB).all()
