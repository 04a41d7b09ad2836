import pytest

from tests.audio.sounds import sine, write_wav
from vjnode.audio.open import open_source
from vjnode.audio.pacing import Paced
from vjnode.audio.source import BLOCK_S
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


def test_a_device_cannot_be_rendered():
    with pytest.raises(InputError, match="real time"):
        open_source("device", live=False)
