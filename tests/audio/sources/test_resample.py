"""Any sound becomes 44.1 kHz stereo, and bad samples spoil nothing but themselves."""

import itertools

import av
import numpy as np
import pytest

from tests.audio.sounds import LAYOUTS, peak, sine
from vjnode.audio.sources.base import RATE_HZ
from vjnode.audio.sources.resample import Intake, downmix
from vjnode.audio.sources.spec import STEREO

RATES_HZ = (8_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)
NAMED = [tuple(channel.name for channel in av.AudioLayout(name).channels) for name in LAYOUTS]
UNNAMED = [("NONE",) * count for count in (1, 2, 3, 8, 16)]
FILTER_S = 0.003
"""Sound to each side that the resampler weighs together, at 8 kHz; less at higher rates."""


def through(pcm, rate_hz=RATE_HZ, channels=STEREO, cuts=None, piece=256):
    """All that comes out of an intake, for ``pcm`` in chunks of the lengths ``cuts``."""
    intake = Intake(piece)
    taken = []
    rest = pcm
    for length in itertools.cycle(cuts or [len(pcm)]):
        intake.push(rest[:length], rate_hz, channels)
        rest = rest[length:]
        while intake.waiting >= 256:
            taken.append(intake.take()[0])
        if not len(rest):
            break
    intake.finish()
    return np.concatenate([*taken, intake.take(intake.waiting)[0]])


def spread(mono, count):
    return np.repeat(mono[:, None], count, axis=1)


@pytest.mark.parametrize("channels", NAMED + UNNAMED, ids="-".join)
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_a_sine_keeps_frequency_and_level_at_any_rate_with_any_channels(rate_hz, channels):
    tone = sine(997.0, 0.3, dbfs=-3.0, rate_hz=rate_hz)
    heard = through(spread(tone, len(channels)), rate_hz, channels)
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(0.3 * RATE_HZ, abs=1)
    for side in heard.T:
        hz, dbfs = peak(side[2000:-2000])
        assert hz == pytest.approx(997.0, abs=1.0)
        assert dbfs == pytest.approx(-3.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000])
def test_the_chunks_that_sound_comes_in_change_no_bit(rate_hz):
    pcm = np.random.default_rng(0).uniform(-1.0, 1.0, (rate_hz // 2, 2))
    whole = through(pcm, rate_hz)
    for cuts in ([1] * 2000 + [100_000], [0, 1, 255, 0, 256, 257, 5000], [64], [441], [4096]):
        np.testing.assert_array_equal(through(pcm, rate_hz, cuts=cuts), whole, strict=True)
    np.testing.assert_allclose(through(pcm, rate_hz, piece=2048), whole, atol=1e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e300, 1e-42])
def test_a_bad_sample_spoils_only_itself(rate_hz, bad):
    pcm = spread(sine(997.0, 0.2, rate_hz=rate_hz), 2).astype(np.float64)
    clean = through(pcm, rate_hz)
    pcm[rate_hz // 10] = bad
    heard = through(pcm, rate_hz)
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    assert len(heard) == len(clean)
    (differs,) = np.nonzero((heard != clean).any(axis=1))
    assert np.abs(differs / RATE_HZ - 0.1).max() <= FILTER_S


def test_one_bad_channel_does_not_spoil_the_others():
    pcm = spread(sine(997.0, 0.3, dbfs=-6.0), 2)
    pcm[:, 1] = np.nan
    left, right = through(pcm, 44_100).T
    np.testing.assert_array_equal(left, pcm[:, 0])
    assert not right.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, 5.0, 1e-42, 0.8])
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 96_000])
def test_sound_of_nothing_but_bad_samples_is_finite_and_then_forgotten(rate_hz, value):
    tone = spread(sine(997.0, 0.3, rate_hz=rate_hz), 2)
    heard = through(np.concatenate([np.full_like(tone, value), tone]), rate_hz)
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    after = round((0.3 + FILTER_S) * RATE_HZ)
    assert peak(heard[after:, 0])[1] == pytest.approx(-6.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_how_far_it_is_behind_is_exact_to_the_sample(rate_hz):
    intake = Intake(piece=round(256 * rate_hz / RATE_HZ))
    rng = np.random.default_rng(0)
    came = taken = 0
    for length in rng.integers(0, 700, 100):
        intake.push(np.zeros((length, 2), np.float32), rate_hz, STEREO)
        came += length
        while intake.waiting >= 256:
            taken += len(intake.take()[0])
            assert intake.behind_s == pytest.approx(came / rate_hz - taken / RATE_HZ, abs=1e-9)
        # No more is held back than a piece, half a filter and the block that is not yet full.
        assert intake.behind_s < 0.0058 + FILTER_S + 0.0058
    assert taken > 0


@pytest.mark.parametrize("names", NAMED[1:] + UNNAMED[1:], ids="-".join)
def test_every_channel_is_heard_and_a_side_stays_a_side(names):
    left, right = downmix(names).T
    assert (left + right > 0.05).all()
    assert left.sum() == pytest.approx(1.0)
    assert right.sum() == pytest.approx(1.0)
    assert left[0] > 0
    assert right[0] == 0
    assert left[1] == 0
    assert right[1] > 0


def test_mono_of_any_name_is_heard_on_both_sides():
    for name in ("FC", "FL", "FR", "NONE"):
        np.testing.assert_array_equal(downmix([name]), [[1.0, 1.0]])


def test_a_change_of_rate_or_channels_makes_no_gap():
    intake = Intake()
    for rate_hz, channels in ((48_000, STEREO), (22_050, ("FC",)), (44_100, NAMED[7])):
        tone = sine(1000.0, 0.25, rate_hz=rate_hz)
        intake.push(spread(tone, len(channels)), rate_hz, channels)
    intake.finish()
    heard, _ = intake.take(intake.waiting)
    assert len(heard) == pytest.approx(0.75 * RATE_HZ, abs=2)
    # One loud sine from end to end: a gap or a click would spread over the spectrum.
    assert peak(heard[:, 0])[1] == pytest.approx(-6.0, abs=0.1)


def test_what_was_pushed_may_be_changed_afterwards():
    intake = Intake()
    chunk = np.full((100, 2), 0.5, np.float32)
    intake.push(chunk, 44_100, STEREO)
    chunk[:] = 0.0
    intake.finish()
    assert (intake.take()[0] == 0.5).all()


def test_finishing_twice_or_without_sound_is_harmless():
    intake = Intake()
    intake.finish()
    intake.push(np.zeros((0, 2), np.float32), 48_000, STEREO)
    intake.finish()
    intake.finish()
    pcm, gain = intake.take()
    assert pcm.shape == (0, 2)
    assert gain.shape == (0,)
