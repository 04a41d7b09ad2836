import numpy as np
import pytest

from tests.audio.sounds import clicks, hops, pink_noise, sine
from vjnode.audio.analysis import FLOOR_DB, Analyser
from vjnode.audio.source import HOP, HOP_S


def hear(pcm):
    analyser = Analyser()
    return [analyser.analyse(hop) for hop in hops(pcm)]


def onset_times(pcm):
    return np.array([(i + 1) * HOP_S for i, f in enumerate(hear(pcm)) if f.onset])


def test_level_of_a_sine_is_three_db_below_its_peak():
    levels = [f.rms_db for f in hear(sine(1000, 1.0, dbfs=-20.0))]
    assert np.median(levels) == pytest.approx(-23.01, abs=0.1)


def test_silence_is_one_definite_sound():
    features = hear(np.zeros(HOP * 20, np.float32))
    assert all(f.rms_db == FLOOR_DB and not f.onset for f in features)
    for f in features[3:]:
        np.testing.assert_allclose(f.mfcc, features[-1].mfcc, atol=1e-4)


def test_dc_is_not_loud():
    features = hear(np.full(44_100, 0.8, np.float32))
    assert features[-1].rms_db < -80


def test_mfccs_are_those_of_the_textbook():
    """Slaney's 40 mel bands of the magnitude spectrum, log10, orthonormal DCT-II."""
    import aubio
    from scipy.fft import dct

    from vjnode.audio.analysis import Mfcc, _noise

    pcm = pink_noise(0.2, dbfs=-20.0)
    extractor = Mfcc()
    heard = [extractor.next(hop) for hop in pcm[: HOP * 8].reshape(-1, HOP)][-1]
    noisy = pcm[: HOP * 8] + np.tile(_noise(), 8)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2 * HOP) / (2 * HOP))
    magnitude = np.abs(np.fft.rfft(noisy[-2 * HOP :] * window))
    bank = aubio.filterbank(40, 2 * HOP)
    bank.set_mel_coeffs_slaney(44_100)
    wanted = dct(np.log10(bank.get_coeffs() @ magnitude), norm="ortho")[:13]
    np.testing.assert_allclose(heard, wanted, atol=2e-3)


def test_every_click_is_one_onset_heard_within_25_ms():
    times = np.arange(0.5, 8.0, 0.4)
    found = onset_times(clicks(times, 8.5))
    assert len(found) == len(times)
    delays = found - times
    assert delays.min() > 0.0
    assert np.median(delays) < 0.025 + HOP_S


@pytest.mark.parametrize(
    "steady",
    [
        sum(sine(hz, 5.0, dbfs=-26.0) for hz in (220.0, 277.0, 330.0)),
        pink_noise(5.0, dbfs=-20.0),
    ],
    ids=["chord", "noise"],
)
def test_steady_sound_has_no_onsets_after_its_beginning(steady):
    assert np.sum(onset_times(steady) > 0.2) <= 1


def test_one_wild_sample_does_not_deafen_the_onset_detectors():
    pcm = clicks([0.5, 1.0, 1.5, 2.0], 2.5)
    pcm[100:103] = (1e30, np.nan, -np.inf)
    assert np.sum(onset_times(pcm) > 0.4) == 4


def test_features_stay_what_they_were_when_the_next_hop_comes():
    analyser = Analyser()
    first, second = hops(pink_noise(0.1, dbfs=-20.0))[:2]
    features = analyser.analyse(first)
    before = features.mfcc.copy()
    analyser.analyse(second)
    np.testing.assert_array_equal(features.mfcc, before)


def test_any_samples_are_taken():
    analyser = Analyser()
    for value in (np.nan, np.inf, -np.inf, 1e30, 3.0):
        features = analyser.analyse(np.full((HOP, 2), value, np.float32))
        assert np.isfinite(features.mfcc).all()
        assert np.isfinite(features.rms_db)
