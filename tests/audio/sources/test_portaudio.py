import os
import subprocess
import sys
from pathlib import Path

import pytest

from vjnode.audio.sources import portaudio
from vjnode.audio.sources.portaudio import no_jack_leftovers, quiet_stderr

needs_proc = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="needs Linux: JACK keeps its database elsewhere here",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "jack_db-0"
    monkeypatch.setattr(portaudio, "JACK_FOLDER", folder)
    return folder


@needs_proc
def test_what_jack_leaves_behind_is_removed(folder):
    with no_jack_leftovers():
        folder.mkdir()
        (folder / "__db.001").touch()
    assert not folder.exists()


@needs_proc
def test_what_was_there_before_stays(folder):
    folder.mkdir()
    with no_jack_leftovers():
        pass
    assert folder.exists()


@needs_proc
def test_the_folder_of_a_server_that_was_started_meanwhile_stays(folder):
    serve = "import sys; f = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
    with no_jack_leftovers():
        folder.mkdir()
        server = subprocess.Popen(
            [sys.executable, "-c", serve, folder / "__db.001"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        server.stdout.readline()  # from now on it has the file open
    assert (folder / "__db.001").exists()
    with no_jack_leftovers():  # the next show finds it and leaves it alone as well
        pass
    server.communicate()
    assert folder.exists()


@needs_proc
def test_a_file_that_a_server_closes_meanwhile_does_not_hide_its_others(folder, monkeypatch):
    """One descriptor goes between the listing and the look at it, as in any busy process."""
    serve = "import sys; f = open(sys.argv[1], 'w'); print(flush=True); sys.stdin.read()"
    folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-c", serve, folder / "__db.001"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    server.stdout.readline()
    listed = Path.iterdir

    def list_one_too_many(path):
        yield path / "999999"
        yield from listed(path)

    monkeypatch.setattr(Path, "iterdir", list_one_too_many)
    assert portaudio._used_by_others(folder)
    server.communicate()
    assert not portaudio._used_by_others(folder)


@pytest.mark.parametrize("lose", ["sys.stderr = None", "os.close(2)", "sys.stderr.close()"])
def test_without_a_stderr_nothing_is_silenced_and_nothing_fails(lose):
    work = (
        "import os, sys\n"
        "from vjnode.audio.sources.portaudio import quiet_stderr\n"
        f"{lose}\n"
        "with quiet_stderr():\n"
        "    print('heard')\n"
    )
    done = subprocess.run([sys.executable, "-c", work], stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == [b"heard"]


def test_what_c_libraries_write_to_stderr_is_not_seen(capfd):
    with quiet_stderr():
        os.write(2, b"ALSA lib: no such card")
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"
