import ast
from pathlib import Path

import pytest

from vjnode import storage
from vjnode.errors import VjnodeError
from vjnode.storage import MOVE_TRIES, cache_dir, move, replace_file, shipped


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


@pytest.fixture
def opened(monkeypatch):
    """Give a function that has another program open files until they have been moved in vain."""
    replace, pauses = Path.replace, []

    def opened(times):
        def busy(source, target):
            if len(pauses) < times:
                raise PermissionError(13, "Access is denied")
            return replace(source, target)

        monkeypatch.setattr(Path, "replace", busy)
        monkeypatch.setattr(storage.time, "sleep", pauses.append)
        return pauses

    return opened


def test_a_file_that_a_scanner_has_open_is_replaced_when_it_lets_go(tmp_path, opened):
    path = tmp_path / "preset.toml"
    replace_file(path, b"one")
    pauses = opened(MOVE_TRIES - 1)
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
    assert sum(pauses) == pytest.approx(0.5)


def test_a_file_that_is_never_let_go_is_told_and_stays_as_it_was(tmp_path, opened):
    path = tmp_path / "preset.toml"
    replace_file(path, b"one")
    opened(MOVE_TRIES)
    with pytest.raises(PermissionError):
        replace_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_moved_as_well(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "graph.xml").write_text("whole")
    move(tmp_path / "part", tmp_path / "graphs")
    assert [one.name for one in tmp_path.rglob("*")] == ["graphs", "graph.xml"]


def is_move(call):
    """Whether it moves a file by itself: text is replaced by two arguments, fields by name."""
    name = getattr(call.func, "attr", "")
    return name in ("rename", "renames") or (
        name == "replace" and (len(call.args) == 1 or ast.unparse(call.func) == "os.replace")
    )


def test_nothing_is_moved_but_patiently():
    package = Path(storage.__file__).parent
    for path in package.rglob("*.py"):
        if path != Path(storage.__file__):
            tree = ast.parse(path.read_text("utf-8"))
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            moves = [ast.unparse(call) for call in calls if is_move(call)]
            assert [one for one in moves if not one.startswith("replace(")] == [], path
