"""Sound that a stage may send: every kind of file and bad sound, through all parts of hearing."""

import dataclasses
import functools
import math

import numpy as np
import pytest
from scipy.signal import resample_poly

from tests.audio.sounds import pink_noise, write_wav
from tests.show.process import read_trace, vjnode
from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.sources.file import FileSource
from vjnode.modulation.listener import Listener

BAD_FROM_S, BAD_TO_S, END_S = 0.75, 1.25, 3.0
FORGOTTEN_S = 1.0


def numbers(value):
    """Return every number in a value, however it is nested."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.astuple(value)
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (tuple, list, np.ndarray)):
        return [number for part in value for number in numbers(part)]
    return [] if value is None or isinstance(value, str) else [float(value)]


def weights(path):
    """Return the weight after each block of a song; check that all numbers heard are finite.

    Without automatic gain, which follows sound that moves: bad sound does, and the noise that is
    good sound here does not.
    """
    source, listener, found = FileSource(path, loop=False), Listener(), []
    listener.set_up(agc="off")
    while (block := source.read()) is not None:
        assert np.isfinite(block.pcm).all()
        drive = listener.hear(block)
        assert all(map(math.isfinite, numbers(drive)))
        assert 0.0 <= drive.weight <= 1.0
        found.append(drive.weight)
    return np.array(found)


def music(rate_hz=44_100, channels=1):
    """Return noise as broad as music, the same at every rate, shape (n, channels)."""
    mono = pink_noise(END_S, dbfs=-18.0)
    if rate_hz != 44_100:
        mono = resample_poly(mono, rate_hz // 50, 882)
    return np.repeat(mono[:, None], channels, axis=1)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The weights of the clean music, for each rate in Hz."""
    folder = tmp_path_factory.mktemp("clean")
    return functools.cache(
        lambda rate_hz: weights(write_wav(folder / "a.wav", music(rate_hz, 2), rate_hz=rate_hz))
    )


@pytest.mark.parametrize(
    ("rate_hz", "channels"),
    [(22_050, 1), (32_000, 3), (44_100, 1), (44_100, 8), (48_000, 5), (88_200, 4), (96_000, 6)],
)
def test_the_same_music_weighs_the_same_at_any_rate_and_with_any_channels(
    tmp_path, clean, rate_hz, channels
):
    wanted = clean(44_100)
    path = write_wav(tmp_path / "a.wav", music(rate_hz, channels), rate_hz=rate_hz)
    found = weights(path)
    assert len(found) == pytest.approx(END_S / BLOCK_S, abs=1)
    late = slice(round(FORGOTTEN_S / BLOCK_S), None)
    assert wanted[late].mean() > 0.3
    # A slow rate has no treble, and noise without treble is another sound.
    allowed = 0.03 if rate_hz >= 44_100 else 0.25
    assert found[late].mean() == pytest.approx(wanted[late].mean(), abs=allowed)


def at(value, every=1):
    """Return a function that replaces each ``every``-th sample of some sound with ``value``."""

    def spoil(part):
        part[::every] = value

    return spoil


def scaled(factor):
    def spoil(part):
        part *= factor

    return spoil


def shifted(offset):
    def spoil(part):
        part += offset

    return spoil


def torn(part):
    """Tear dropouts of 1, 2, 5, 10, 20, 50, 100 ms, with a little sound in between."""
    start = 0
    for gap_ms in (1, 2, 5, 10, 20, 50, 100):
        length = gap_ms * len(part) // 500
        part[start : start + length] = 0.0
        start += 2 * length


BAD = {
    "one NaN": at(np.nan, every=100_000),
    "one 1e30": at(1e30, every=100_000),
    "NaN": at(np.nan),
    "inf": at(np.inf),
    "-inf": at(-np.inf),
    "some inf": at(np.inf, every=777),
    "1e30": at(1e30),
    "some 1e30": at(1e30, every=777),
    "denormals": at(1e-42),
    "clipping": scaled(30.0),
    "DC": shifted(0.7),
    "half a second of nothing": at(0.0),
    "dropouts": torn,
}


@pytest.mark.parametrize("rate_hz", [44_100, 96_000])
@pytest.mark.parametrize("spoil", BAD.values(), ids=BAD)
def test_bad_sound_harms_nothing_and_is_forgotten(tmp_path, clean, spoil, rate_hz):
    wanted, pcm = clean(rate_hz), music(rate_hz, 2)
    with np.errstate(over="ignore", invalid="ignore"):
        spoil(pcm[round(BAD_FROM_S * rate_hz) : round(BAD_TO_S * rate_hz)])
    found = weights(write_wav(tmp_path / "bad.wav", pcm, rate_hz=rate_hz))
    assert len(found) == len(wanted)
    early = slice(None, int(BAD_FROM_S / BLOCK_S) - 1)
    late = slice(round((BAD_TO_S + FORGOTTEN_S) / BLOCK_S), None)
    np.testing.assert_array_equal(found[early], wanted[early])
    assert found[late].mean() == pytest.approx(wanted[late].mean(), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("rate_hz", "channels"), [(96_000, 8), (22_050, 1)])
def test_the_worst_files_are_analysed_to_their_end(tmp_path, rate_hz, channels):
    pcm = music(rate_hz, channels) + 0.5
    spoils = list(BAD.values())
    for i, part in enumerate(np.array_split(pcm, 2 * len(spoils))[::2]):
        with np.errstate(over="ignore", invalid="ignore"):
            spoils[i](part)
    song, trace = write_wav(tmp_path / "a.wav", pcm, rate_hz=rate_hz), tmp_path / "a.jsonl"
    done = vjnode("analyse", song, "--trace", trace)
    assert done.returncode == 0, done.stderr
    lines = read_trace(trace)
    assert len(lines) == pytest.approx(60 * END_S, abs=1)
    assert all(math.isfinite(number) for line in lines for number in numbers(line))
    assert all(0.0 <= line["weight"] <= 1.0 for line in lines)
