"""The music that is trained on and measured with: which tracks, on which side."""

import shutil

import numpy as np
import pytest

from tests.audio.sounds import sine, write_wav
from tools.data import music

VERSIONS = ("battle", "battle-epic", "battle_old", "Battle 2")
TUNES = ("alder", "birch", "cedar", "douglas", "elm", "fir", "gum", "hazel", "ivy", "juniper")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten long tunes, one of them in four versions, and twelve short sounds."""
    folder = tmp_path_factory.mktemp("music")
    (folder / "albums").mkdir()
    for name in (*TUNES, *VERSIONS):
        write_wav(folder / "albums" / f"{name}.wav", np.zeros(61 * 4000), rate_hz=4000)
    for i in range(12):
        write_wav(folder / f"{chr(97 + i) * 3}{i}.wav", np.zeros(2000), rate_hz=4000)
    (folder / "notes.txt").write_text("no sound")
    (folder / "broken.ogg").write_bytes(b"no sound either")
    return folder


def sides(tracks):
    return {track.path.name: track.held_out for track in tracks}


def test_every_track_is_on_one_side_and_both_sides_have_some(folder):
    tracks = music.tracks([folder])
    assert len(tracks) == len(sides(tracks)) == len(TUNES) + len(VERSIONS) + 12
    long = [track for track in tracks if track.duration_s >= music.LONG_S]
    short = [track for track in tracks if track.duration_s < music.LONG_S]
    # Of eleven tunes every third, of twelve sounds every sixth.
    assert len({music._group(track.path) for track in long if track.held_out}) == 4
    assert sum(track.held_out for track in short) == 2


def test_the_versions_of_a_tune_stay_together(folder):
    found = sides(music.tracks([folder]))
    assert len({found[f"{name}.wav"] for name in VERSIONS}) == 1


def test_the_split_does_not_hang_on_where_the_music_lies(folder, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(folder / "albums", moved / "z")
    for path in folder.glob("*.wav"):
        shutil.copy(path, moved)
    wanted = sides(music.tracks([folder]))
    assert sides(music.tracks([moved])) == wanted
    assert sides(music.tracks([moved / "z"])) == {
        name: held for name, held in wanted.items() if name.removesuffix(".wav") in TUNES + VERSIONS
    }
    order = [track.path.name for track in music.tracks([folder])]
    assert [track.path.name for track in music.tracks([moved])] == order


def test_no_music_at_all_is_told(tmp_path):
    with pytest.raises(SystemExit, match=f"no audio files in {tmp_path}"):
        music.tracks([tmp_path])


def test_a_track_is_mixed_to_mono_at_the_rate_of_the_show(tmp_path):
    tone = sine(440.0, 0.5, dbfs=-6.0, rate_hz=22_050)
    path = write_wav(tmp_path / "a.wav", np.stack([tone, np.zeros_like(tone)], 1), rate_hz=22_050)
    found = music.mono(path)
    assert found.dtype == np.float32
    assert len(found) == pytest.approx(0.5 * 44_100, abs=300)
    assert np.abs(found).max() == pytest.approx(0.5, abs=0.03)  # one side is as loud as both
    (tmp_path / "b.ogg").write_bytes(b"nothing")
    assert music.mono(tmp_path / "b.ogg").shape == (0,)


def test_what_was_fetched_is_not_fetched_again_and_elsewhere_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"Debian.*--music"):
        music.fetch(["some-music"])
    (tmp_path / "music" / "some-music").mkdir(parents=True)
    (tmp_path / "music" / "some-music" / "VERSION").write_text("some-music_1.0_all\n")
    assert music.versions(music.fetch(["some-music"])) == ["some-music_1.0_all"]


def test_speech_is_read_in_several_voices_where_there_is_a_reader(tmp_path, monkeypatch):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    paths = music.speech(tmp_path / "speech", "A face that follows the music.")
    assert len(paths) == len(music.VOICES)
    assert len({path.read_bytes() for path in paths}) == len(paths)
    assert all(len(music.mono(path)) > 44_100 for path in paths)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert music.speech(tmp_path / "speech", "Nobody reads this.") == []
