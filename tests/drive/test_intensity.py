import numpy as np
import pytest

from tests.audio.sounds import clicks, pink_noise, sine
from vjnode.drive.intensity import intensity


def mean(pcm):
    return float(intensity(pcm)[20:].mean())


def test_silence_has_none():
    assert intensity(np.zeros(44_100, np.float32)).max() == 0.0


def test_ten_db_more_are_1_7_times_the_loudness():
    soft, loud = (mean(pink_noise(2.0, dbfs=level)) for level in (-40.0, -30.0))
    assert loud / soft == pytest.approx(10**0.23, rel=0.01)


def test_a_broad_sound_is_more_intense_than_a_narrow_one_of_equal_level():
    assert mean(pink_noise(2.0, dbfs=-20.0)) > mean(sine(1000, 2.0, dbfs=-17.0))


def test_attacks_count_beyond_loudness():
    beats = clicks(np.arange(0.1, 1.9, 0.125), 2.0)
    steady = pink_noise(2.0, dbfs=20 * np.log10(np.sqrt(np.mean(beats**2))))
    assert np.ptp(intensity(beats)[20:]) > 5 * np.ptp(intensity(steady)[20:])


def test_it_never_looks_ahead():
    pcm = pink_noise(1.0, dbfs=-20.0)
    np.testing.assert_allclose(intensity(pcm)[:40], intensity(pcm[: 40 * 512]), rtol=1e-5)
