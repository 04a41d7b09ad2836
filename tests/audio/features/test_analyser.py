import numpy as np
import pytest

from tests.audio.sounds import blocks, clicks, pink_noise, sine
from tools.data.grooves import groove
from vjnode.audio.features.analyser import FLOOR_DB, Analyser, Mfcc, _noise
from vjnode.audio.sources.base import BLOCK, BLOCK_S, HOP, RATE_HZ


def hear(pcm, *, agc="on"):
    analyser = Analyser()
    analyser.agc = agc
    return [analyser.analyse(block.pcm) for block in blocks(pcm)]


def mfccs(pcm, **settings):
    return np.array([f.mfcc for f in hear(pcm, **settings) if f.mfcc is not None])


def test_level_of_a_sine_is_three_db_below_its_peak():
    levels = [f.rms_db for f in hear(sine(1000, 1.0, dbfs=-20.0))]
    assert np.median(levels) == pytest.approx(-23.01, abs=0.1)


def test_mfccs_and_the_level_are_new_at_every_second_block():
    features = hear(pink_noise(0.5, dbfs=-20.0))
    assert all(f.mfcc is None for f in features[0::2])
    assert all(f.mfcc.shape == (13,) for f in features[1::2])
    assert [f.rms_db for f in features[2::2]] == [f.rms_db for f in features[1:-1:2]]


def test_silence_is_one_definite_sound():
    features = hear(np.zeros(BLOCK * 40, np.float32))
    assert all(f.rms_db == FLOOR_DB and f.onset is None for f in features)
    assert all(f.bands.low == f.bands.mid == f.bands.high == 0.0 for f in features)
    found = np.array([f.mfcc for f in features if f.mfcc is not None])
    np.testing.assert_allclose(found[2:], np.broadcast_to(found[-1], found[2:].shape), atol=1e-4)


def test_dc_is_not_loud():
    features = hear(np.full(44_100, 0.8, np.float32))
    assert features[-1].rms_db < -80


@pytest.mark.parametrize("hz", [40.0, 60.0, 12_000.0])
def test_the_kick_and_the_hats_are_within_the_mel_bands(hz):
    """A frequency that is no more than noise to the bands would not change the MFCCs."""
    quiet = mfccs(np.zeros(RATE_HZ // 4, np.float32))[-1]
    assert mfccs(sine(hz, 0.25, dbfs=-20.0))[-1][0] > quiet[0] + 1.0


def test_mfccs_are_those_of_the_textbook():
    """40 mel bands of the magnitude spectrum, 20 Hz to 16 kHz, log10, orthonormal DCT-II."""
    import aubio
    from scipy.fft import dct

    pcm = pink_noise(0.2, dbfs=-20.0)
    extractor = Mfcc()
    heard = [extractor.next(hop) for hop in pcm[: HOP * 8].reshape(-1, HOP)][-1]
    noisy = pcm[: HOP * 8] + np.tile(_noise(), 8)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2 * HOP) / (2 * HOP))
    magnitude = np.abs(np.fft.rfft(noisy[-2 * HOP :] * window))
    bank = aubio.filterbank(40, 2 * HOP)
    bank.set_mel_coeffs(RATE_HZ, 20.0, 16_000.0)
    wanted = dct(np.log10(bank.get_coeffs() @ magnitude), norm="ortho")[:13]
    np.testing.assert_allclose(heard, wanted, atol=2e-3)


def test_every_click_is_one_onset_heard_within_25_ms():
    times_s = np.arange(0.5, 8.0, 0.4)
    found = [(i + 1) * BLOCK_S for i, f in enumerate(hear(clicks(times_s, 8.5))) if f.onset]
    assert len(found) == len(times_s)
    delays_s = np.array(found) - times_s
    assert delays_s.min() > 0.0
    assert delays_s.max() < 0.025


@pytest.mark.parametrize(
    "steady",
    [
        sum(sine(hz, 5.0, dbfs=-26.0) for hz in (220.0, 277.0, 330.0)),
        pink_noise(5.0, dbfs=-20.0),
    ],
    ids=["chord", "noise"],
)
def test_steady_sound_has_no_onsets_after_its_beginning(steady):
    found = [i * BLOCK_S for i, f in enumerate(hear(steady)) if f.onset]
    assert len([t_s for t_s in found if t_s > 0.2]) <= 1


def test_one_wild_sample_does_not_deafen_the_onset_detector():
    pcm = clicks([0.5, 1.0, 1.5, 2.0], 2.5)
    pcm[100:103] = (1e30, np.nan, -np.inf)
    assert len([i for i, f in enumerate(hear(pcm)) if f.onset and i * BLOCK_S > 0.4]) == 4


def test_both_sides_are_heard_alike():
    left = np.zeros((RATE_HZ // 2, 2), np.float32)
    left[:, 0] = pink_noise(0.5, dbfs=-20.0)
    np.testing.assert_array_equal(mfccs(left), mfccs(left[:, ::-1]))


def test_automatic_gain_reaches_the_mfccs_and_nothing_else():
    sound = groove("rock", 120.0, 3.0)[0] * np.float32(0.01)
    on, off = hear(sound), hear(sound, agc="off")
    assert on[-1].gain_db > 15.0
    assert {f.gain_db for f in off} == {0.0}
    # c0 is √40 times the mean log10 of the bands, so that 20 dB are √40 where there is no noise.
    gained = on[-1].mfcc[0] - off[-1].mfcc[0]
    assert 4.0 < gained <= np.sqrt(40) * on[-1].gain_db / 20
    for name in ("rms_db", "onset", "bands", "estimate"):
        assert [getattr(f, name) for f in on] == [getattr(f, name) for f in off]


def test_the_tempo_is_estimated_on_the_way():
    sound, _ = groove("four on the floor", 120.0, 9.0)
    estimates = [f.estimate for f in hear(sound) if f.estimate is not None]
    assert estimates[-1].bpm == pytest.approx(120.0, rel=0.01)


def test_features_stay_what_they_were_when_the_next_hop_comes():
    analyser = Analyser()
    sound = blocks(pink_noise(0.1, dbfs=-20.0))
    features = [analyser.analyse(block.pcm) for block in sound[:2]][-1]
    before = features.mfcc.copy()
    for block in sound[2:4]:
        analyser.analyse(block.pcm)
    np.testing.assert_array_equal(features.mfcc, before)


def test_any_samples_are_taken():
    analyser = Analyser()
    for value in (np.nan, np.inf, -np.inf, 1e30, 3.0, 1e-42):
        for _ in range(10):
            features = analyser.analyse(np.full((BLOCK, 2), value, np.float32))
            assert features.mfcc is None or np.isfinite(features.mfcc).all()
            assert np.isfinite([features.rms_db, features.gain_db]).all()
            bands = features.bands
            assert all(0.0 <= level <= 1.0 for level in (bands.low, bands.mid, bands.high))
