import numpy as np
import pytest

from tests.audio.costs import cost
from tests.audio.sounds import pink_noise, sine
from tools.data.drums import Hit, beat, distinct, f_measure, pad, render
from vjnode.audio.features.onset import GAP_S, OnsetDetector
from vjnode.audio.sources.base import BLOCK, RATE_HZ


def hear(pcm):
    """All onsets in mono sound."""
    detector = OnsetDetector()
    pcm = np.asarray(pcm, np.float32)
    blocks = pcm[: len(pcm) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return [onset for block in blocks for onset in detector.push(block)]


def heard_s(pcm):
    return np.array([onset.heard_s for onset in hear(pcm)])


def found_in(pcm, true_s):
    """Score of the onsets from the first drum on; the pad's own beginning is no drum."""
    found = heard_s(pcm)
    return f_measure(found[found > true_s[0] - 0.1], true_s)


@pytest.mark.parametrize("kit", range(3))
@pytest.mark.parametrize("name", ["kick", "snare", "hat", "open", "tom", "clap"])
def test_each_drum_alone_is_found_in_time(name, kit):
    score = found_in(*render(beat(name, 128, 8.0, loose_db=4.0), 8.0, kit=kit))
    assert score.f >= 0.97
    assert score.delay_s(50) <= 0.012
    assert score.delay_s(95) <= 0.020


@pytest.mark.parametrize("bed_db", [-30.0, -18.0, -12.0])
@pytest.mark.parametrize(
    ("pattern", "bpm"), [("house", 124), ("rock", 92), ("funk", 128), ("trap", 70), ("breaks", 174)]
)
def test_patterns_over_a_pad_are_found_in_time(pattern, bpm, bed_db):
    bed = pad(8.0, seed=bpm)
    sound, times_s = render(beat(pattern, bpm, 8.0), 8.0, kit=bpm, bed=bed, bed_db=bed_db)
    score = found_in(sound, times_s)
    assert score.f >= 0.96
    assert score.delay_s(50) <= 0.012
    assert score.delay_s(95) <= 0.020


def test_many_kits_with_uneven_strokes_over_loud_pads_are_found_on_the_whole():
    hits, found, true, delays = 0, 0, 0, []
    for kit, pattern in enumerate(("house", "rock", "funk", "toms", "trap", "breaks") * 2):
        bed = pad(6.0, seed=kit, corner_hz=(800.0, 4000.0)[kit % 2], tremolo_hz=kit % 3)
        beats = beat(pattern, 80 + 8 * kit, 6.0, loose_db=6.0)
        sound, times_s = render(beats, 6.0, kit=kit, bed=bed, bed_db=-8.0)
        onsets = heard_s(sound)
        score = found_in(sound, times_s)
        hits += len(score.delays_s)
        found += int(np.sum(onsets > times_s[0] - 0.1))
        true += len(times_s)
        delays.extend(score.delays_s)
    assert 2 * hits / (found + true) >= 0.95
    assert np.percentile(delays, 50) <= 0.012
    assert np.percentile(delays, 95) <= 0.020


@pytest.mark.parametrize("gain_db", [0.0, -20.0, -40.0])
def test_the_level_of_the_input_does_not_matter(gain_db):
    sound, times_s = render(beat("rock", 110, 8.0), 8.0, kit=1)
    hiss = np.random.default_rng(0).standard_normal(len(sound)) * 10 ** (-90 / 20)
    assert found_in(sound * 10 ** (gain_db / 20) + hiss, times_s).f >= 0.97


def test_attacks_are_dated_back_to_when_they_began():
    sound, times_s = render(beat("house", 120, 8.0), 8.0, kit=2)
    onsets = hear(sound)
    errors_s = f_measure([onset.attack_s for onset in onsets], times_s).delays_s
    assert abs(np.median(errors_s)) <= 0.003
    assert np.percentile(np.abs(errors_s), 95) <= 0.008
    assert all(onset.attack_s < onset.heard_s for onset in onsets)


def test_harder_strokes_are_stronger():
    levels_db = [0.0, -6.0, -12.0, -18.0, 0.0, -6.0, -12.0, -18.0]
    hits = [Hit(0.5 + 0.5 * i, "snare", level_db) for i, level_db in enumerate(levels_db)]
    strengths = [onset.strength for onset in hear(render(hits, 5.0, kit=3)[0])]
    assert len(strengths) == len(hits)
    assert strengths[0] == 1.0
    assert all(0.0 <= one <= 1.0 for one in strengths)
    assert sorted(strengths[:4], reverse=True) == strengths[:4]
    assert strengths[0] - strengths[3] == pytest.approx(18 / 40, abs=0.15)


def test_no_attack_counts_twice():
    flams = [0.5 + 0.4 * i + d for i in range(10) for d in (0.0, 0.03)]
    found = heard_s(render([Hit(at_s, "snare") for at_s in flams], 5.0, kit=5)[0])
    assert len(found) == 10
    assert np.diff(found).min() >= GAP_S - 0.006


def test_the_first_hit_out_of_silence_is_found():
    sound, times_s = render([Hit(3.0, "kick")], 4.0)
    assert f_measure(heard_s(sound), times_s).f == 1.0


def test_what_is_heard_depends_on_nothing_later():
    sound, _ = render(beat("funk", 128, 4.0), 4.0)
    half = len(sound) // 2 // BLOCK * BLOCK
    changed = np.r_[sound[:half], pink_noise(1.0, dbfs=-6.0)]
    whole = [onset for onset in hear(sound) if onset.heard_s <= half / RATE_HZ]
    assert whole == [onset for onset in hear(changed) if onset.heard_s <= half / RATE_HZ]


SECONDS = 8.0
T_S = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ
CALM = {
    "silence": lambda: np.zeros_like(T_S),
    "dc": lambda: np.full_like(T_S, 0.5),
    "bass note": lambda: sine(55.0, SECONDS, dbfs=-10.0),
    "high note": lambda: sine(3000.0, SECONDS, dbfs=-10.0),
    "beating": lambda: sine(220.0, SECONDS, dbfs=-12.0) + sine(222.0, SECONDS, dbfs=-12.0),
    "white noise": lambda: 0.1 * np.random.default_rng(3).standard_normal(len(T_S)),
    "pink noise": lambda: pink_noise(SECONDS, dbfs=-20.0, seed=3),
    "pad": lambda: 0.3 * pad(SECONDS, seed=1),
    "bright pad": lambda: 0.3 * pad(SECONDS, seed=3, corner_hz=8000.0),
    "trembling pad": lambda: 0.3 * pad(SECONDS, seed=2, tremolo_hz=4.0),
    "pad with vibrato": lambda: 0.3 * pad(SECONDS, seed=4, vibrato_hz=5.5),
    "slow swell": lambda: 0.3 * pad(SECONDS, seed=5, fade_s=3.0),
    "swelling noise": lambda: pink_noise(SECONDS, dbfs=-10.0) * 10 ** (2 * (T_S / SECONDS - 1)),
    "glide": lambda: 0.3 * np.sin(2 * np.pi * np.cumsum(100 * 2 ** (T_S / 2)) / RATE_HZ),
    "vibrato": lambda: 0.3 * np.sin(2 * np.pi * 800 * T_S + 6 * np.sin(2 * np.pi * 6 * T_S)),
}


@pytest.mark.parametrize("level_db", [0.0, -30.0])
@pytest.mark.parametrize("name", CALM)
def test_calm_sounds_have_no_onsets_but_their_beginning(name, level_db):
    found = heard_s(CALM[name]() * 10 ** (level_db / 20))
    assert np.sum(found > 0.2) == 0


def test_full_scale_noise_does_no_harm_to_what_follows():
    loud = np.sign(np.random.default_rng(0).standard_normal(RATE_HZ // BLOCK * BLOCK))
    sound, times_s = render(beat("rock", 110, 12.0, start_s=1.0), 12.0, kit=1)
    onsets = heard_s(np.r_[loud, sound]) - len(loud) / RATE_HZ
    assert f_measure(onsets[onsets > 2.0], times_s[times_s > 2.0]).f >= 0.95


def test_a_block_costs_as_little_as_a_few_transforms():
    blocks = pink_noise(4.0, dbfs=-20.0)[: 4 * RATE_HZ // BLOCK * BLOCK].reshape(-1, BLOCK)
    detector = OnsetDetector()

    def hear():
        for block in blocks:
            detector.push(block)

    assert cost(hear) / len(blocks) <= 15  # measured: 4.6


def test_the_measure_pairs_one_to_one():
    score = f_measure([0.99, 1.01, 2.2], [1.0, 2.0])
    assert (score.precision, score.recall, score.f) == (1 / 3, 1 / 2, 0.4)
    np.testing.assert_allclose(score.delays_s, [-0.01])
    assert f_measure([], []).f == 1.0
    assert f_measure([1.0], []).f == 0.0
    np.testing.assert_array_equal(distinct([1.0, 0.5, 1.005]), [0.5, 1.0])


def test_drums_are_the_same_at_every_call_and_begin_on_time():
    sound, times_s = render([Hit(0.25, "hat"), Hit(0.5, "kick")], 1.0, kit=9)
    again, _ = render([Hit(0.25, "hat"), Hit(0.5, "kick")], 1.0, kit=9)
    np.testing.assert_array_equal(sound, again)
    first = np.flatnonzero(np.abs(sound) > 1e-4)[0] / RATE_HZ
    assert first == pytest.approx(times_s[0], abs=0.002)
    assert sound.dtype == np.float32
