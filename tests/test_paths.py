import ast
from pathlib import Path

import pytest

from vjnode import paths
from vjnode.errors import VjnodeError
from vjnode.output.record.files import RecordingFiles
from vjnode.paths import TRIES, cache_dir, check_writable, move, remove, replace_file, shipped


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
    """Give a function that has another program open files for so many tries, or for good.

    Meanwhile they can be written, but neither moved nor removed. It gives the pauses that follow.
    """
    pauses = []
    monkeypatch.setattr(paths.time, "sleep", pauses.append)

    def opened(times, method="replace"):
        act = getattr(Path, method)

        def busy(path, *more, **also):
            if len(pauses) < times:
                raise PermissionError(13, "Access is denied")
            return act(path, *more, **also)

        monkeypatch.setattr(Path, method, busy)
        return pauses

    return opened


def test_a_file_that_a_scanner_has_open_is_replaced_when_it_lets_go(tmp_path, opened):
    path = tmp_path / "preset.toml"
    replace_file(path, b"one")
    pauses = opened(TRIES - 1)
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]
    assert sum(pauses) == pytest.approx(0.5)


def test_a_file_that_is_never_let_go_is_told_and_stays_as_it_was(tmp_path, opened):
    path = tmp_path / "preset.toml"
    replace_file(path, b"one")
    opened(TRIES)
    with pytest.raises(PermissionError):
        replace_file(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("tries", [0, TRIES - 1])
def test_to_check_a_file_leaves_everything_as_it_was(tmp_path, opened, there, tries):
    """Even where a scanner opens what is new."""
    path = tmp_path / "show.json"
    if there:
        path.write_bytes(b"last night")
    opened(tries, "unlink")
    check_writable(path)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"last night"] * there


@pytest.mark.parametrize("replaces", [True, False])
def test_what_can_be_written_is_not_refused_because_it_cannot_be_removed(
    tmp_path, opened, replaces
):
    opened(1000, "unlink")
    check_writable(tmp_path / "show.json")
    RecordingFiles(tmp_path / "set.mp4", replaces=replaces).check()


def test_why_a_file_is_not_replaced_is_told_even_if_its_draft_stays(tmp_path, opened):
    opened(1000, "unlink")
    with pytest.raises(TypeError):
        replace_file(tmp_path / "preset.toml", "not bytes")


def test_what_is_never_let_go_is_told_when_it_is_removed(tmp_path, opened):
    (tmp_path / "part.mp4").write_bytes(b"")
    opened(1000, "unlink")
    with pytest.raises(PermissionError):
        remove(tmp_path / "part.mp4")


def test_a_folder_is_moved_as_well(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "graph.xml").write_text("whole")
    move(tmp_path / "part", tmp_path / "graphs")
    assert [one.name for one in tmp_path.rglob("*")] == ["graphs", "graph.xml"]


def moves_or_removes(call):
    """Return whether it does so to a file by itself.

    Text is replaced by two arguments, fields by name; shared memory is unlinked as well.
    """
    name, owner = getattr(call.func, "attr", ""), ast.unparse(call.func).rpartition(".")[0]
    return (
        name in ("rename", "renames")
        or (name == "replace" and (len(call.args) == 1 or owner == "os"))
        or (name in ("unlink", "remove") and owner == "os")
        or (name == "unlink" and owner != "self._memory")
    )


def test_nothing_is_moved_or_removed_but_patiently():
    package = Path(paths.__file__).parent
    for path in package.rglob("*.py"):
        if path != Path(paths.__file__):
            tree = ast.parse(path.read_text("utf-8"))
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            acts = [ast.unparse(call) for call in calls if moves_or_removes(call)]
            assert [one for one in acts if not one.startswith("replace(")] == [], path
