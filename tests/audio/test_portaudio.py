import subprocess
import sys

import pytest

from vjnode.audio import portaudio
from vjnode.audio.portaudio import no_jack_leftovers

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="needs Linux: JACK keeps its database elsewhere here",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "jack_db-0"
    monkeypatch.setattr(portaudio, "JACK_FOLDER", folder)
    return folder


def test_what_jack_leaves_behind_is_removed(folder):
    with no_jack_leftovers():
        folder.mkdir()
        (folder / "__db.001").touch()
    assert not folder.exists()


def test_what_was_there_before_stays(folder):
    folder.mkdir()
    with no_jack_leftovers():
        pass
    assert folder.exists()


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
