import pytest

from vjnode.config import ShowConfig, parse_address
from vjnode.errors import InputError
from vjnode.output.base import OutputSpec


def test_addresses():
    assert parse_address("127.0.0.1:9010") == ("127.0.0.1", 9010)


@pytest.mark.parametrize("text", ["9010", ":9010", "host:", "host:0", "host:65536", "host:x", ""])
def test_no_address_is_told(text):
    with pytest.raises(InputError, match="HOST:PORT"):
        parse_address(text)


@pytest.mark.parametrize("audio", ["radio", "device:desk,channels=0", "file:a.wav,channels=4-3"])
def test_a_sound_that_cannot_be_is_refused_before_anything_starts(audio):
    with pytest.raises(InputError, match=r"radio|channels=3-4"):
        ShowConfig(audio, (OutputSpec("null"),))


def test_a_song_of_which_channels_are_chosen_is_not_overwritten(tmp_path):
    song = tmp_path / "a.wav"
    song.touch()
    with pytest.raises(InputError, match=r"a\.wav"):
        ShowConfig(f"file:{song},channels=1", (OutputSpec("null"),), trace=song)


def test_an_unknown_generator_or_a_size_that_it_has_not_is_refused():
    with pytest.raises(InputError, match=r"--generator biggan is not one of mobilestylegan"):
        ShowConfig("tone", (OutputSpec("null"),), generator="biggan")
    with pytest.raises(InputError, match="--size 640 is not one of"):
        ShowConfig("tone", (OutputSpec("null"),), size=640, generator="stylegan2")


def test_a_state_has_a_file_of_its_own_in_a_folder_that_is_there(tmp_path):
    outputs, path = (OutputSpec("null"),), tmp_path / "state.json"
    with pytest.raises(InputError, match="--resume goes with --state"):
        ShowConfig("tone", outputs, resume=True)
    with pytest.raises(InputError, match="named as report and as state"):
        ShowConfig("tone", outputs, report=path, state=path)
    with pytest.raises(InputError, match="does not exist"):
        ShowConfig("tone", outputs, state=tmp_path / "nowhere" / "state.json")
