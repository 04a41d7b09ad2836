import numpy as np
import pytest

from tests.audio.sounds import clicks, pink_noise, sine
from vjnode.audio.sources.base import HOP, HOP_S
from vjnode.modulation.intensity import intensity


def mean(pcm):
    return float(intensity(pcm)[40:].mean())


def test_silence_has_none():
    assert intensity(np.zeros(44_100, np.float32)).max() == 0.0


def test_there_is_one_number_for_each_hop():
    found = intensity(pink_noise(1.0, dbfs=-20.0))
    assert found.shape == (44_100 // HOP,)
    assert found.dtype == np.float32


def test_ten_db_more_are_about_twice_the_intensity():
    """Between Stevens's 10^0.3 of loudness and Zwicker's 10^0.23 of the activity."""
    soft, loud = (mean(pink_noise(2.0, dbfs=level)) for level in (-40.0, -30.0))
    assert 10**0.23 <= loud / soft <= 10**0.3


def test_a_steady_sound_at_the_usual_loudness_has_about_one():
    assert mean(sine(1000.0, 2.0, dbfs=-16.5)) == pytest.approx(1.0, abs=0.15)


def test_a_broad_sound_is_more_intense_than_a_narrow_one_of_equal_level():
    assert mean(pink_noise(2.0, dbfs=-20.0)) > mean(sine(1000, 2.0, dbfs=-17.0))


def test_attacks_count_beyond_loudness():
    """At equal power, what is struck eight times a second weighs more than what is held."""
    beats = clicks(np.arange(0.1, 1.9, 0.125), 2.0)
    level_db = 20 * np.log10(np.sqrt(np.mean(beats**2)))
    held = sum(sine(hz, 2.0, dbfs=level_db - 3.0) for hz in (440.0, 550.0, 660.0, 880.0))
    assert np.mean(held**2) == pytest.approx(np.mean(beats**2), rel=0.1)
    assert mean(beats) > 1.3 * mean(held)


def test_a_hit_is_seen_when_it_is_heard_and_forgotten_within_a_second():
    found = intensity(clicks([0.5], 2.0))
    hit = int(0.5 / HOP_S)
    assert found[: hit - 1].max() == 0.0
    assert found[hit : hit + 3].max() > 0.9 * found.max()
    assert found[hit + round(0.3 / HOP_S)] < 0.6 * found.max()
    assert found[hit + round(1.0 / HOP_S)] < 0.05 * found.max()


def test_it_never_looks_ahead():
    pcm = pink_noise(1.0, dbfs=-20.0)
    np.testing.assert_allclose(intensity(pcm)[:40], intensity(pcm[: 40 * HOP]), rtol=1e-5)
