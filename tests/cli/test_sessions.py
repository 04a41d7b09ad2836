"""Sessions and loops on the command line: what does not go together is told at once."""

import pytest

from tests.show.session.made import write_session
from vjnode.cli.main import main
from vjnode.paths import shipped
from vjnode.show.session.records import MAGIC

SONG = str(shipped("demo", "demo.ogg"))


@pytest.fixture
def session(tmp_path, monkeypatch):
    """The name of a session of faces that are not there, in the present folder."""
    monkeypatch.chdir(tmp_path)
    write_session(tmp_path / "set.vjsession", 6)
    return "set.vjsession"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["render", "set.vjsession", "out.mp4"], ["not there: ada, ben"]),
        (["replay", "set.vjsession"], ["not there: ada, ben"]),
        (
            ["render", "set.vjsession", "out.mp4", "--face", "aster", "--set", "curve=2"],
            ["its own controls; leave out --face, --set"],
        ),
        (["render", "set.vjsession", "out.mp4", "--loop", "2"], ["not of a session"]),
        (["render", "set.vjsession", "set.vjsession"], ["as song and as video"]),
        (["replay", "set.vjsession", "--trace", "set.vjsession"], ["as session and as trace"]),
        (["replay", "nothing.vjsession"], ["nothing.vjsession cannot be read"]),
        (["replay", SONG], ["it is no session"]),
        (["render", "-", "out.mp4"], ["- instead of a song needs --loop BARS and --bpm X"]),
        (["render", "-", "out.mp4", "--loop", "2"], ["needs --loop BARS and --bpm X"]),
        (["render", SONG, "out.mp4", "--loop", "65"], ["a whole number from 1 to 64 bars"]),
        (["render", SONG, "out.avi", "--loop", "1"], ["out.avi", ".mp4"]),
        (["render", SONG, "out.mp4", "--start", "-1"], ["from 0 to 36000 s"]),
        (["analyse", SONG], ["--plot OUT.png or --record-session FILE"]),
        (["analyse", SONG, "--record-session", SONG], ["as song and as session"]),
        (["analyse", SONG, "--record-session", "no/folder/s"], ["there is no folder"]),
        (["run", "--record-session", "no/folder/s"], ["folder", "does not exist"]),
        (["run", "--trace", "a", "--record-session", "a"], ["as trace and as session"]),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(capsys, session, tmp_path, arguments, parts):
    assert main(arguments) in (1, 2)
    told = capsys.readouterr().err
    assert all(part in told for part in parts), told
    assert [path.name for path in tmp_path.iterdir()] == [session]


def test_a_session_that_is_cut_off_at_its_beginning_is_no_song(capsys, tmp_path):
    path = tmp_path / "set.vjsession"
    path.write_bytes(MAGIC)
    assert main(["render", str(path), str(tmp_path / "out.mp4")]) == 2
    assert "it ends before the first tick" in capsys.readouterr().err
