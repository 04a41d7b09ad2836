"""The linter, the type checker, the direction of imports and how docstrings begin, as tests."""

import ast
import graphlib
import re
from pathlib import Path

import pytest

from tests.early import PYTHON, run

ROOT = Path(__file__).parents[1]

FOUNDATION = {"errors", "naming", "onnx_files", "paths", "remedies", "runtime", "system"}
"""Modules that every room may use; these use one another, but in no circle."""

MAY_USE = {
    "audio": set(),
    "generators": set(),
    "faces": {"generators"},
    "modulation": {"audio"},
    "engines": {"generators", "modulation"},
    "output": {"audio", "modulation"},
    "control": {"modulation"},
    "render": {"generators", "faces", "modulation", "engines", "output", "control"},
    "config": {"audio", "generators", "output"},
}
"""Each room, and those below it that it may use."""
MAY_USE["show"] = {*MAY_USE}
MAY_USE["offline"] = {*MAY_USE}
MAY_USE["cli"] = {*MAY_USE}

SHOWN = [room for room in MAY_USE if room not in ("config", "offline", "cli")]
"""Rooms whose code runs in a show."""

STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}

QUESTION_WORDS = {"What", "How", "Whether", "Where", "Who", "When", "Which", "Why", "That"}
"""Words with which no docstring begins: its first line says what the thing is or does."""


def check(command):
    return run(PYTHON, "-m", *command)


@pytest.mark.early(work=check)
@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=" ".join,
)
def test_checker_is_content(command, early):
    assert early.returncode == 0, early.stdout + early.stderr


def modules():
    """Return every module of the package by its name, with its path."""
    paths = (ROOT / "vjnode").rglob("*.py")
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths}
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def imports(path, known):
    """Return the modules of the package that the file at ``path`` imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import(names):
                found |= {one.name for one in names}
            case ast.ImportFrom(module, names, 0):
                found |= {f"{module}.{one.name}" for one in names}
    while odd := {one for one in found if one.startswith("vjnode.") and one not in known}:
        found = found - odd | {one.rpartition(".")[0] for one in odd}
    return found & known.keys()


@pytest.mark.parametrize("room", MAY_USE)
def test_imports_point_one_way(room):
    known = modules()
    allowed = MAY_USE[room] | FOUNDATION | {room}
    for name, path in known.items():
        if name.split(".")[1:2] == [room]:
            for other in imports(path, known) - {"vjnode"}:
                assert other.split(".")[1] in allowed, f"{name} imports {other}"


def test_the_foundation_uses_no_room():
    known = modules()
    for name in known:
        if name.split(".")[1:2] and name.split(".")[1] in FOUNDATION:
            for other in imports(known[name], known) - {"vjnode"}:
                assert other.split(".")[1] in FOUNDATION, f"{name} imports {other}"


def test_every_module_has_its_place():
    rooms = {name.split(".")[1] for name in modules() if "." in name}
    assert rooms == {*MAY_USE, *FOUNDATION, "__main__"}


def test_no_modules_import_each_other_in_a_circle():
    known = modules()
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    graphlib.TopologicalSorter(graph).prepare()  # it raises CycleError, which names them


def writes_to_a_stream(node):
    """Return whether ``node`` prints, or writes to stdout or stderr by itself."""
    match node:
        case ast.Call(func=ast.Name("print")):
            return True
        case ast.Attribute(ast.Attribute(ast.Name("sys"), stream), "write" | "writelines"):
            return stream in STREAMS
    return False


@pytest.mark.parametrize("room", SHOWN)
def test_no_part_of_a_show_waits_for_a_console(room):
    """A paused terminal holds up a process that writes to it, so messages go through the log."""
    for path in (ROOT / "vjnode" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not writes_to_a_stream(node), f"{path}:{node.lineno}"


def docstrings(path):
    """Yield line and text of each docstring in a file, those below constants included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Expr(ast.Constant(str(text))):
                yield node.lineno, text


@pytest.mark.parametrize("folder", ["vjnode", "tools", "tests"])
def test_docstrings_say_what_a_thing_is(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for line, text in docstrings(path):
            first = re.match(r"\W*(\w*)", text)[1]
            assert first.capitalize() not in QUESTION_WORDS, f"{path}:{line}: {text}"
