"""The linter, the type checker and the direction of imports, as part of the tests."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each room may use those before it, and the modules at the top of the package.
MAY_USE = {
    "audio": set(),
    "face": set(),
    "output": {"audio"},
    "drive": {"audio"},
    "engine": {"face", "drive"},
    "control": {"drive"},
    "show": {"audio", "drive", "face", "engine", "output", "control"},
}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
TOP = {
    "console",
    "errors",
    "naming",
    "priority",
    "remedy",
    "runtime",
    "storage",
    "windows",
    "windows_session",
}


@pytest.mark.parametrize(
    "command",
    [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]],
    ids=" ".join,
)
def test_checker_is_content(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", MAY_USE)
def test_imports_point_one_way(room):
    allowed = MAY_USE[room] | TOP | {room} | ({"config"} if room == "show" else set())
    for path in (ROOT / "vjnode" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vjnode."):
                assert node.module.split(".")[1] in allowed, f"{path}: {node.module}"


def writes_to_a_stream(node):
    """Return whether ``node`` prints, or writes to stdout or stderr by itself."""
    match node:
        case ast.Call(func=ast.Name("print")):
            return True
        case ast.Attribute(ast.Attribute(ast.Name("sys"), stream), "write" | "writelines"):
            return stream in STREAMS
    return False


@pytest.mark.parametrize("room", MAY_USE)
def test_no_part_of_a_show_waits_for_a_console(room):
    """A paused terminal holds up whoever writes to it: what is said goes through the log."""
    for path in (ROOT / "vjnode" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            assert not writes_to_a_stream(node), f"{path}:{node.lineno}"
