"""VGG16 is fetched only when it is asked for, checked, and gone on with where it broke off."""

import errno
import hashlib
import io
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.photos import untrained_vgg
from vjnode.cli import vgg
from vjnode.cli.options import Parser
from vjnode.errors import FetchError, InputError, VjnodeError
from vjnode.faces.photo import fetching
from vjnode.faces.photo.features import VggFeatures
from vjnode.faces.photo.fetching import VGG16, Published, fetch, fetch_vgg, kept_vgg

DATA = bytes(range(256)) * 20_000
"""Content of a file, five of the pieces in which it comes."""


@contextmanager
def published(data, *, ends_after=None, ranges=True, status=None):
    """A server with a file; yields the file, and the requests for parts that it got.

    ends_after: bytes after which each answer ends too early. status: of its answers, if not 200.
    """
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range") if ranges else None
            asked.append(self.headers.get("Range"))
            if status is not None:
                self.send_error(status)
                return
            begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if begin >= len(data):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            self.wfile.write(data[begin:][:ends_after])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/vgg16-test.pth"
        digest = hashlib.sha256(data).hexdigest()
        yield Published("a test's VGG16", "none", address, digest, len(data)), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def test_what_is_pinned_is_what_its_name_says():
    """torchvision's names carry the first digits of their files' hashes."""
    assert VGG16.sha256.startswith(VGG16.file.removesuffix(".pth").rpartition("-")[2])
    assert len(VGG16.sha256) == 64
    assert (VGG16.file, VGG16.size_mb) == ("vgg16-397923af.pth", 528)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_broke_off_is_gone_on_with(tmp_path, ranges):
    """By a server that can begin in the middle, and by one that cannot."""
    path = tmp_path / "file"
    with (
        published(DATA, ends_after=len(DATA) // 2) as (file, _),
        pytest.raises(FetchError, match=r"broke off\); the first 2 MB are kept.*try again"),
    ):
        fetch(file, path)
    assert path.read_bytes() == DATA[: len(DATA) // 2]
    with published(DATA, ranges=ranges) as (file, asked):
        fetch(file, path)
    assert asked == [f"bytes={len(DATA) // 2}-"]
    assert path.read_bytes() == DATA


def test_another_file_than_the_published_one_is_deleted(tmp_path):
    with published(DATA) as (file, _):
        other = replace(file, sha256="0" * 64)
        with pytest.raises(FetchError, match=r"is not the file that it was: .*it was deleted"):
            fetch(other, tmp_path / "file")
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(("status", "said"), [(404, "answers 404"), (503, "answers 503")])
def test_a_server_that_refuses_is_told(tmp_path, status, said):
    with (
        published(DATA, status=status) as (file, _),
        pytest.raises(FetchError, match=rf"a test's VGG16 cannot be fetched.*{said}.*--vgg FILE"),
    ):
        fetch(file, tmp_path / "file")


def test_without_network_the_error_says_what_to_do(tmp_path):
    with published(DATA) as (file, _):
        pass  # nobody listens there any more
    with pytest.raises(FetchError, match=r"connect to the network.*name it with --vgg FILE"):
        fetch(file, tmp_path / "file")


def test_a_disk_with_too_little_room_is_told_beforehand(tmp_path, monkeypatch):
    usage = fetching.shutil.disk_usage(tmp_path)._replace(free=50 * 2**20)
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: usage)
    with published(DATA) as (file, asked), pytest.raises(FetchError, match=r"50 MB are free"):
        fetch(file, tmp_path / "file")
    assert asked == []


def test_a_disk_that_fills_up_is_told(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching.Path, "open", lambda *_: Full())
    with (
        published(DATA) as (file, _),
        pytest.raises(FetchError, match=r"No space left.*VJNODE_CACHE"),
    ):
        fetch(file, tmp_path / "file")


def test_the_layers_that_are_used_are_kept_and_nothing_else(tmp_path, cache):
    data = untrained_vgg(tmp_path / "whole.pth").read_bytes()
    with published(data) as (file, asked):
        assert kept_vgg(file) is None
        path = fetch_vgg(file)
        assert kept_vgg(file) == path
    assert len(asked) == 1
    assert [one.name for one in (cache / "models").iterdir()] == ["vgg16-test.safetensors"]
    kept, whole = VggFeatures(path), VggFeatures(tmp_path / "whole.pth")
    assert all(
        (one[0] == other[0]).all() and (one[1] == other[1]).all()
        for one, other in zip(kept._layers, whole._layers, strict=True)
    )


def asked_for(*arguments):
    """Return VGG16 as the options of a command ask for it."""
    parser = Parser()
    vgg.add_vgg(parser)
    return vgg.vgg_of(parser.parse_args(arguments))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def fetched(monkeypatch):
    """A count of downloads, of which there are none here: each fails."""
    count = []

    def fail():
        count.append(1)
        raise FetchError("no network here")

    monkeypatch.setattr(fetching, "fetch_vgg", fail)
    return count


def test_nothing_is_fetched_without_a_word(monkeypatch, fetched):
    monkeypatch.setattr(vgg.sys, "stdin", io.StringIO("y\n"))  # which is no terminal
    with pytest.raises(InputError, match=f"528 MB .*{VGG16.url}.*BSD.*add --yes"):
        asked_for("--vgg", "fetch")()
    assert not fetched
    wanted = asked_for("--vgg", "fetch", "--yes")
    assert not fetched  # before it is called for
    with pytest.raises(FetchError, match="no network here"):
        wanted()
    assert fetched


@pytest.mark.parametrize(
    ("answer", "count"), [("y\n", 1), ("Yes\n", 1), ("n\n", 0), ("\n", 0), ("", 0)]
)
def test_at_a_terminal_it_asks(answer, count, capsys, monkeypatch, fetched):
    monkeypatch.setattr(vgg.sys, "stdin", Terminal(answer))
    refused = "no network here" if count else "it was not fetched; leave --vgg out"
    with pytest.raises(VjnodeError, match=refused):
        asked_for("--vgg", "fetch")()
    assert "Fetch it now? It is done once. [y/N]" in capsys.readouterr().err
    assert len(fetched) == count


def test_a_file_of_ones_own_is_taken_as_it_is(fetched):
    assert asked_for("--vgg", "mine.pth")() == Path("mine.pth")
    assert asked_for() is None
    assert not fetched


def test_yes_goes_with_fetch():
    with pytest.raises(InputError, match="--yes goes with --vgg fetch"):
        asked_for("--vgg", "mine.pth", "--yes")
