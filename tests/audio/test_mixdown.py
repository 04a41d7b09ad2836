"""The same music means the same, wherever in the channels it lies."""

import av
import numpy as np
import pytest

from tests.audio.sounds import LAYOUTS, blocks, pink_noise, sine, write_wav
from vjnode.audio.features.analyser import Analyser
from vjnode.audio.mixdown import MONO, Mixdown
from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ
from vjnode.audio.sources.file import FileSource
from vjnode.audio.sources.resample import downmix
from vjnode.modulation.listener import Listener

SAME = 0.02
"""Greatest difference of weight that the channels may make, from one second on."""

LENGTH_S = 4.0


def music(seed=0, length_s=LENGTH_S):
    """Noise that comes and goes as music does: beats of many levels, shape (n,)."""
    rng = np.random.default_rng(seed)
    noise = pink_noise(length_s, dbfs=-20.0, seed=seed)
    phase = np.arange(len(noise)) / RATE_HZ * 4.0 % 1.0
    beat = np.exp(-4.0 * phase) * np.minimum(phase * 12.0, 1.0)  # turning phases blurs attacks
    levels = rng.uniform(0.2, 1.0, int(length_s * 4) + 1)
    return (noise * beat * levels[np.arange(len(noise)) * 4 // RATE_HZ]).astype(np.float32)


def turned(mono):
    """The same sound with all its phases turned by 90°, so that the two have nothing in common."""
    return np.fft.irfft(np.fft.rfft(mono) * -1j, len(mono)).astype(np.float32)


HISS = pink_noise(LENGTH_S, dbfs=-75.0, seed=9)

STEREO = {
    "right only": lambda x: (0 * x, x, x),
    "left only": lambda x: (x, 0 * x, x),
    "inverted": lambda x: (x, -x, x),
    "inverted, and softer": lambda x: (x, -0.7 * x, x),
    "left, and a little on the right": lambda x: (x, 0.1 * x, x),
    "wide": lambda x: (x, turned(x), (x + turned(x)) / np.sqrt(2)),
    "with hiss on the other side": lambda x: (x, HISS, x + HISS),
    "inverted, with a constant": lambda x: (x + 0.05, 0.05 - x, x),
}
"""Left and right, and the mono sound that they should be heard like."""


def weights(sound, *, agc="on"):
    listener = Listener()
    listener.set_up(agc=agc)
    return np.array([listener.hear(block).weight for block in sound])


def stereo(left, right):
    return blocks(np.stack([left, right], axis=1))


def worst(found, wanted):
    """Greatest difference after the first second."""
    start = round(1.0 / BLOCK_S)
    return float(np.abs(found - wanted)[start:].max())


@pytest.fixture(scope="module")
def references():
    return {agc: weights(blocks(music()), agc=agc) for agc in ("on", "off")}


@pytest.mark.parametrize(
    ("place", "agc"),
    [(place, "on") for place in STEREO]
    + [(place, "off") for place in ("right only", "inverted", "wide")],
)
def test_music_means_the_same_wherever_in_stereo_it_lies(place, agc):
    left, right, mono = (one.astype(np.float32) for one in STEREO[place](music()))
    wanted = weights(blocks(mono), agc=agc)
    assert wanted.max() > 0.1
    assert worst(weights(stereo(left, right), agc=agc), wanted) <= SAME


@pytest.mark.parametrize(
    ("loud", "agc", "rate_hz"),
    [(loud, "on", RATE_HZ) for loud in [(0,), (2,), (3,), (5,), (0, 1), range(6)]]
    + [((2,), "off", RATE_HZ), ((2,), "off", 48_000)],
    ids=str,
)
def test_music_means_the_same_in_any_channel_of_a_surround_file(
    tmp_path, references, loud, agc, rate_hz
):
    count = len(music())
    there = np.arange(round(LENGTH_S * rate_hz)) * RATE_HZ / rate_hz
    pcm = np.zeros((len(there), 6), np.float32)
    pcm[:, list(loud)] = np.interp(there, np.arange(count), music())[:, None]
    song = FileSource(write_wav(tmp_path / "a.wav", pcm, rate_hz=rate_hz), loop=False)
    found = weights(iter(song.read, None), agc=agc)
    wanted = references[agc]
    same = SAME if rate_hz == RATE_HZ else 2 * SAME  # what is interpolated lacks some treble
    assert worst(found[: len(wanted)], wanted) <= same


def loud_music_after_dialogue():
    """Two seconds in the centre alone, two with nearly full scale on all channels."""
    rng = np.random.default_rng(2)
    pcm = rng.uniform(-0.95, 0.95, (4 * RATE_HZ, 6)).astype(np.float32)
    pcm[: 2 * RATE_HZ, [0, 1, 3, 4, 5]] = 0.0
    pcm[2 * RATE_HZ :] = pcm[2 * RATE_HZ :, :1]
    return pcm


def separate_channels():
    """Steady sound that no two channels have in common."""
    return np.stack([pink_noise(2.0, dbfs=-18.0, seed=seed) for seed in range(6)], axis=1)


@pytest.mark.parametrize("sound", [loud_music_after_dialogue, separate_channels])
def test_surround_is_heard_as_a_fixed_mix_that_neither_clips_nor_pumps(tmp_path, sound):
    pcm = sound()
    song = FileSource(write_wav(tmp_path / "a.wav", pcm), loop=False)
    heard = np.concatenate([block.pcm for block in iter(song.read, None)])[: len(pcm)]
    names = [channel.name for channel in av.AudioLayout("5.1").channels]
    assert np.mean(np.abs(heard) >= 1.0) == 0.0
    np.testing.assert_allclose(heard, pcm @ downmix(names), atol=1e-6)


def wide(length_s, correlation):
    """Music of which left and right have this much in common, moment by moment."""
    beats = music(length_s=length_s)
    half_angle = np.arccos(correlation) / 2
    middle, side = np.cos(half_angle) * beats, np.sin(half_angle) * turned(beats)
    return stereo((middle + side).astype(np.float32), (middle - side).astype(np.float32))


def test_a_width_that_swings_hardly_swings_the_weight():
    t_s = np.arange(10 * RATE_HZ) / RATE_HZ
    swinging = 0.27 + 0.15 * np.sin(2 * np.pi * t_s / 8.0)  # from 0.12 to 0.42, as in wide stereo
    found = weights(wide(10.0, swinging), agc="off")
    steady = weights(wide(10.0, np.full(len(t_s), 0.27)), agc="off")
    assert worst(found, steady) <= 0.03


@pytest.mark.parametrize("correlation", [1.0, 0.8, 0.6, 0.42, 0.27, 0.12, 0.0])
def test_music_of_any_width_is_analysed_about_as_loud_as_one_of_its_channels(correlation):
    sound = wide(LENGTH_S, np.full(round(LENGTH_S * RATE_HZ), correlation))
    mixdown = Mixdown(MONO, RATE_HZ)
    mixed = np.concatenate([mixdown.mix(block.pcm)[:, 0] for block in sound])
    left = np.concatenate([block.pcm[:, 0] for block in sound])
    assert 10 * np.log10(np.mean(mixed**2) / np.mean(left**2)) == pytest.approx(0.0, abs=0.7)


def test_the_gain_fits_the_sum_when_every_sign_was_weighed_anew():
    # Each look turns as many signs as there are channels, the last of them in its last step.
    rng = np.random.default_rng(0)
    for _ in range(200):
        count = int(rng.integers(2, 6))
        common = pink_noise(0.1, dbfs=-20.0, seed=int(rng.integers(1000)))
        pcm = common[:, None] * rng.uniform(-1.0, 1.0, count).astype(np.float32)
        mixdown = Mixdown(np.full((count, 1), 1.0 / count, np.float32), RATE_HZ)
        mixed = mixdown.mix(pcm)
        loss_db = 10 * np.log10(np.mean(pcm**2, axis=0).max() / np.mean(mixed**2))
        assert -0.1 <= loss_db <= 0.6


def test_a_balanced_pair_on_the_rear_channels_is_heard_as_well(tmp_path):
    assert LAYOUTS[3] == "4.0"
    pcm = np.zeros((len(music()), 4), np.float32)
    pcm[:, 2], pcm[:, 3] = music(), -music()  # both count in the middle
    song = FileSource(write_wav(tmp_path / "a.wav", pcm), loop=False)
    heard = np.concatenate([block.pcm for block in iter(song.read, None)])[: len(pcm)]
    assert np.corrcoef(np.abs(heard).max(axis=1), np.abs(music()))[0, 1] > 0.99


@pytest.mark.parametrize("side_db", [-60.0, -20.0, -10.0])
def test_stereo_that_goes_with_mono_is_the_mean_of_both_bit_for_bit(side_db):
    middle, side = music(), pink_noise(LENGTH_S, dbfs=-20.0, seed=3)
    side *= 10 ** (side_db / 20) * np.sqrt(np.mean(middle**2) / np.mean(side**2))
    envelope = np.abs(middle) / np.abs(middle).max()
    left, right = middle + side * envelope, middle - side * envelope
    mixdown = Mixdown(MONO, RATE_HZ)
    for block in stereo(left, right):
        np.testing.assert_array_equal(
            mixdown.mix(block.pcm)[:, 0], 0.5 * (block.pcm[:, 0] + block.pcm[:, 1])
        )


def test_the_inverse_of_real_stereo_is_its_old_sum_bit_for_bit():
    middle, side = music(), 0.2 * music(seed=4)
    mixdown = Mixdown(MONO, RATE_HZ)
    found = [mixdown.mix(block.pcm)[:, 0] for block in stereo(middle + side, side - middle)]
    wanted = np.concatenate([block.pcm for block in stereo(middle + side, middle - side)])
    np.testing.assert_allclose(np.concatenate(found), wanted.mean(axis=1), atol=1e-7)


@pytest.mark.parametrize(
    ("before", "after"), [((1, 1), (1, -1)), ((1, -1), (1, 1)), ((1, 1), (0, 1)), ((0, 1), (1, 1))]
)
def test_a_cable_that_is_changed_in_the_show_makes_no_jump_and_is_heard_soon(before, after):
    tone = sine(220.0, 8.0, dbfs=-20.0)
    # The change itself is faded, so that only the mixdown could jump.
    fade = np.clip((np.arange(len(tone)) / RATE_HZ - 4.0) / 0.5, 0.0, 1.0).astype(np.float32)
    left = tone * (before[0] + fade * (after[0] - before[0]))
    right = tone * (before[1] + fade * (after[1] - before[1]))
    mixdown = Mixdown(MONO, RATE_HZ)
    sound = stereo(left, right)
    mixed = np.concatenate([mixdown.mix(block.pcm)[:, 0] for block in sound])
    steepest = np.abs(np.diff(tone)).max()
    assert np.abs(np.diff(mixed)).max() < 1.5 * 2.0 * steepest  # it is twice as loud at most
    assert np.abs(np.diff(mixed, n=2)).max() < 2.0 * np.abs(np.diff(tone, n=2)).max() + 1e-3
    late = slice(round(6.5 * RATE_HZ), None)
    level = np.sqrt(np.mean(mixed[late] ** 2) / np.mean(tone[late] ** 2))
    assert level == pytest.approx(1.0, abs=0.08)


def test_a_change_of_the_way_is_no_onset():
    # The right side's phase turns round and round, so that now the sum is loud, now the difference.
    t_s = np.arange(14 * RATE_HZ) / RATE_HZ
    left = 0.1 * np.sin(2 * np.pi * 220.0 * t_s)
    right = 0.1 * np.sin(2 * np.pi * 220.05 * t_s)
    analyser, mixdown = Analyser(), Mixdown(MONO, RATE_HZ)
    sound = stereo(left.astype(np.float32), right.astype(np.float32))
    onsets = [analyser.analyse(block.pcm).onset for block in sound]
    levels = [np.sqrt(np.mean(mixdown.mix(block.pcm) ** 2)) for block in sound]
    assert not any(onsets[round(1.0 / BLOCK_S) :])
    # Added up as before, they would cancel after ten seconds.
    assert min(levels[round(1.0 / BLOCK_S) :]) > 0.5 * np.median(levels)


def test_neither_pauses_nor_hiss_in_them_change_the_way_it_is_mixed():
    song, hiss = music(), pink_noise(LENGTH_S, dbfs=-70.0, seed=5)
    other = pink_noise(LENGTH_S, dbfs=-70.0, seed=6)
    mixdown = Mixdown(MONO, RATE_HZ)
    for block in stereo(song, -song):
        mixdown.mix(block.pcm)
    for block in stereo(hiss, other) * 3:
        mixdown.mix(block.pcm)
    first = stereo(song, -song)[0].pcm
    np.testing.assert_allclose(mixdown.mix(first)[:, 0], song[:BLOCK], atol=1e-4)


def test_what_was_alone_may_be_joined_at_full_level_without_going_over():
    mixdown = Mixdown(MONO, RATE_HZ)
    song = sine(220.0, 2.0, dbfs=0.0)
    sound = [*stereo(0 * song, song), *stereo(song, song)]
    mixed = np.concatenate([mixdown.mix(block.pcm) for block in sound])
    assert np.abs(mixed).max() <= 1.0
    assert len(mixdown.mix(np.zeros((0, 2), np.float32))) == 0
