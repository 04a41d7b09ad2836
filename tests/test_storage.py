import pytest

from vjnode.errors import VjnodeError
from vjnode.storage import cache_dir, replace_file, shipped


def test_the_cache_can_be_moved(tmp_path, monkeypatch):
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "elsewhere"))
    assert cache_dir("models") == tmp_path / "elsewhere" / "models"
    assert cache_dir("models").is_dir()


def test_a_cache_that_cannot_be_made_says_how_to_move_it(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path / "file"))
    with pytest.raises(VjnodeError, match="VJNODE_CACHE"):
        cache_dir("models")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "preset.toml"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    with pytest.raises(TypeError):
        replace_file(path, "not bytes")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_shipped_files_are_found():
    assert shipped("demo", "demo.ogg").is_file()
