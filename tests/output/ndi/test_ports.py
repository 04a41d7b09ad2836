"""Ports that a library listens on: found, and free again at once when its process is killed."""

import os
import socket
import subprocess
import sys

import pytest

from tests.show.process import ROOT
from vjnode.output.ndi.ports import listeners

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not list handles")

SERVER = """
import socket, time
from vjnode.output.ndi.ports import free_at_once, listeners
server = socket.create_server(("127.0.0.1", 0), reuse_port=False)
free_at_once(listeners()[server.getsockname()[1]])
print(server.getsockname()[1], flush=True)
peer, _ = server.accept()
peer.sendall(b"x")
time.sleep(100)
"""


def test_what_listens_is_found_and_nothing_else():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        found = listeners()
        assert found[server.getsockname()[1]] == server.fileno()
        assert client.getsockname()[1] not in found
        assert os.fstat(server.fileno())  # and is as open as before


def test_the_port_of_a_killed_process_is_free_at_once():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, cwd=ROOT) as it:
        port = int(it.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.recv(1) == b"x"
            it.kill()
            it.wait()
            with socket.socket() as again:  # as a library that does not ask to reuse it
                again.bind(("127.0.0.1", port))


def test_locks_on_files_are_kept(tmp_path):
    """A library may hold one of this process's files by such a lock."""
    fcntl = pytest.importorskip("fcntl")
    path = tmp_path / "lock"
    with path.open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        listeners()
        script = (
            f"import fcntl; fcntl.lockf(open({str(path)!r}, 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        )
        tried = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert b"BlockingIOError" in tried.stderr
