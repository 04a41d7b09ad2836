import numpy as np
import pytest

from tests.audio.costs import cost
from tests.audio.sounds import pink_noise, sine
from tools.data.drums import Hit, beat, pad, render
from vjnode.audio.features.bands import Bands
from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ

HIT_S = 0.06
SOFT = [0, 2, 6]
"""Kits whose kick has no click of the beater."""


def follow(pcm):
    """Return the levels of each block, shape (blocks, 3)."""
    bands = Bands()
    pcm = np.asarray(pcm, np.float32)
    levels = (bands.push(block) for block in pcm[: len(pcm) // BLOCK * BLOCK].reshape(-1, BLOCK))
    return np.array([(one.low, one.mid, one.high) for one in levels])


def jumps(levels, times_s):
    """Return the rise of each band at the hits, median, shape (3,)."""
    starts = [int(at_s / BLOCK_S) for at_s in times_s]
    length = round(HIT_S / BLOCK_S)
    return np.median([levels[i : i + length].max(axis=0) - levels[i - 1] for i in starts], axis=0)


@pytest.mark.parametrize("gain_db", [0.0, -40.0])
def test_kicks_move_low_and_hats_move_high(gain_db):
    kicks = [Hit(0.5 + 0.7 * i, "kick") for i in range(8)]
    hats = [Hit(0.85 + 0.7 * i, "hat") for i in range(8)]
    by_kit = []
    for kit in range(7):
        levels = follow(render(kicks + hats, 6.5, kit=kit)[0] * 10 ** (gain_db / 20))
        by_kit.append([jumps(levels, [hit.at_s for hit in one[3:]]) for one in (kicks, hats)])
    kick, hat = np.swapaxes(by_kit, 0, 1)
    assert kick[:, 0].min() > 0.6
    assert hat[:, 2].min() > 0.6
    assert hat[:, 0].max() < 0.1
    assert kick[SOFT, 2].max() < 0.05
    # The click of a beater is as short as a hat, but less loud.
    assert np.median(kick[:, 2] - hat[:, 2]) < -0.3


def test_a_soft_kick_alone_does_not_show_in_high():
    t_s = np.arange(RATE_HZ // 2) / RATE_HZ
    sweep = 2 * np.pi * np.cumsum(50 + 120 * np.exp(-40 * t_s)) / RATE_HZ
    kick = 0.8 * np.sin(sweep) * np.exp(-10 * t_s)
    levels = follow(np.tile(kick, 10))
    assert jumps(levels, 0.5 * np.arange(3, 10))[0] > 0.8
    assert levels[50:, 2].max() < 0.1


@pytest.mark.parametrize(("hz", "band"), [(60.0, 0), (700.0, 1), (9000.0, 2)])
def test_a_tone_shows_in_its_own_band_only(hz, band):
    levels = follow(sine(hz, 2.0, dbfs=-12.0))[-50:].mean(axis=0)
    assert levels[band] > 0.95
    assert np.delete(levels, band).max() < 0.05


def test_a_hit_shows_at_once_and_is_gone_soon():
    burst = np.zeros(2 * RATE_HZ, np.float32)
    start = RATE_HZ // BLOCK * BLOCK
    burst[start : start + 2204] = pink_noise(0.05, dbfs=-12.0)
    levels = follow(burst)
    after = levels[start // BLOCK :].max(axis=1)
    assert after[1] > 0.9  # within 12 ms
    assert levels[: start // BLOCK].max() == 0.0
    assert after[round((0.05 + 0.2) / BLOCK_S) :].max() == 0.0


@pytest.mark.parametrize("hiss_db", [-200.0, -90.0])
def test_silence_is_zero_within_300_ms(hiss_db):
    sound, _ = render(beat("house", 124, 6.0), 6.0, bed=pad(6.0, fade_s=0.01))
    hiss = np.random.default_rng(0).standard_normal(2 * RATE_HZ) * 10 ** (hiss_db / 20)
    levels = follow(np.r_[sound, hiss])
    assert levels[: len(sound) // BLOCK].max(axis=0).min() > 0.9
    assert levels[int(6.3 / BLOCK_S) :].max() == 0.0


def test_dc_is_not_sound():
    levels = follow(np.full(3 * RATE_HZ, 0.5))
    assert levels[RATE_HZ // BLOCK :].max() == 0.0


@pytest.mark.parametrize("gain_db", [-20.0, -40.0])
def test_the_level_of_the_input_does_not_matter(gain_db):
    sound, _ = render(beat("rock", 110, 8.0), 8.0, bed=pad(8.0), bed_db=-18.0)
    loud, quiet = follow(sound), follow(sound * 10 ** (gain_db / 20))
    assert np.abs(loud - quiet)[RATE_HZ // BLOCK :].mean(axis=0).max() < 0.05


@pytest.mark.parametrize(("pattern", "bpm"), [("house", 124), ("rock", 90), ("breaks", 170)])
def test_each_band_uses_its_range(pattern, bpm):
    sound, _ = render(beat(pattern, bpm, 8.0), 8.0, bed=pad(8.0), bed_db=-15.0)
    low, high = np.percentile(follow(sound)[RATE_HZ // BLOCK :], (5, 95), axis=0)
    assert (high - low).min() > 0.3
    assert high.min() > 0.7


def test_it_gets_used_to_a_quieter_track():
    sound, _ = render(beat("house", 124, 15.0), 15.0)
    levels = follow(np.r_[sound[: 5 * RATE_HZ], sound * 10 ** (-20 / 20)])
    assert levels[-2 * RATE_HZ // BLOCK :].max(axis=0).min() > 0.9


def test_a_block_costs_as_little_as_a_few_transforms():
    blocks = pink_noise(4.0, dbfs=-20.0)[: 4 * RATE_HZ // BLOCK * BLOCK].reshape(-1, BLOCK)
    bands = Bands()

    def hear():
        for block in blocks:
            bands.push(block)

    assert cost(hear) / len(blocks) <= 10  # measured: 3.3
