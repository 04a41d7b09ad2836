import numpy as np
import pytest

from tests.audio.sounds import sine, write_wav
from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.sources.realtime import Paced
from vjnode.audio.sources.registry import open_source
from vjnode.audio.sources.spec import AudioSpec, Channels, parse_audio
from vjnode.errors import InputError


def test_the_demo_song_is_forty_seconds():
    source = open_source("demo", live=False)
    count = 0
    while source.read() is not None:
        count += 1
    assert count * BLOCK_S == pytest.approx(40.0, abs=0.1)


def test_a_live_song_is_paced_and_starts_over(tmp_path):
    path = write_wav(tmp_path / "a:b.wav", sine(440, 0.02))
    source = open_source(f"file:{path}", live=True)
    assert isinstance(source, Paced)
    assert all(source.read() is not None for _ in range(10))


def test_a_song_that_is_rendered_ends(tmp_path):
    source = open_source(f"file:{write_wav(tmp_path / 'a.wav', sine(440, 0.01))}", live=False)
    assert [source.read() is None for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize("spec", ["", "file:", "radio", "demo:2", "tone:440", "file"])
def test_an_unknown_spec_is_refused_with_those_that_there_are(spec):
    with pytest.raises(InputError, match=r"use demo, file:PATH, device"):
        open_source(spec, live=True)


def named_channels(tmp_path, name):
    """A file of that name with 6 channels, each at a level of its own."""
    levels = np.arange(1, 7, dtype=np.float32) / 16
    return write_wav(tmp_path / name, np.repeat(levels[None], 2048, axis=0))


@pytest.mark.parametrize(
    ("asked", "sides"),
    [("channels=3", (3, 3)), ("channels=1-2", (1, 2)), ("channels=3-4", (3, 4))],
)
def test_the_channels_of_a_file_may_be_chosen(tmp_path, asked, sides):
    path = named_channels(tmp_path, "a, b.wav")
    source = open_source(f"file:{path},{asked}", live=False)
    np.testing.assert_allclose(source.read().pcm * 16, np.tile(sides, (256, 1)), atol=1e-6)


def test_a_path_that_looks_like_a_choice_is_a_path_if_it_is_there(tmp_path):
    path = named_channels(tmp_path, "a,channels=9.wav")
    assert open_source(f"file:{path}", live=False).path == path
    ends = write_wav(tmp_path / "b.wav", sine(440, 0.1)).rename(tmp_path / "b,channels=9")
    assert open_source(f"file:{ends}", live=False).path == ends
    with pytest.raises(InputError, match=r"channels=7-8 is not there.*6 channels"):
        open_source(f"file:{path},channels=7-8", live=False)


@pytest.mark.parametrize("asked", ["0", "4-3", "-1", "a", "", "1-", "3–4", "1-2-3"])
@pytest.mark.parametrize("kind", ["device", "device:desk", "file:song.wav"])
def test_channels_that_cannot_be_are_refused_with_an_example(kind, asked):
    with pytest.raises(InputError, match=r"counted from 1: channels=3, or channels=3-4"):
        open_source(f"{kind},channels={asked}", live=True)


@pytest.mark.parametrize(
    ("spec", "name", "channels"),
    [
        ("device", "", None),
        ("device,channels=3-4", "", Channels(3, 4)),
        ("device:HDA, Analog (hw:0,0)", "HDA, Analog (hw:0,0)", None),
        ("device:HDA, Analog (hw:0,0),channels=2", "HDA, Analog (hw:0,0)", Channels(2, 2)),
        ("device:desk@wasapi,channels=1-8", "desk@wasapi", Channels(1, 8)),
    ],
)
def test_a_device_may_have_commas_in_its_name_and_channels_behind_it(spec, name, channels):
    assert parse_audio(spec) == AudioSpec("device", name, channels)


def test_a_device_cannot_be_rendered():
    with pytest.raises(InputError, match="real time"):
        open_source("device", live=False)
