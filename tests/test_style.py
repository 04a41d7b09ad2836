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
