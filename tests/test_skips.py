"""No skip hides: each is counted by its kind, and in CI those that prove nothing are limited."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.skips import KINDS, faults, kind_of, told

ROOT = Path(__file__).parents[1]
OFFLINE = "SpoutGL==0.1.1 could not be fetched: no network"
BUSY = "this machine was too busy to tell, twice: []"


def test_they_are_told_by_their_kind():
    reasons = ["there is no CUDA card here", "there is no CUDA card here", BUSY]
    assert told(reasons) == "skipped: 0 offline, 1 too busy, 2 no card"
    assert told([]) == "skipped: 0 offline, 0 too busy"


@pytest.mark.parametrize(
    ("reasons", "here", "in_ci"),
    [
        ([], 0, 0),
        (["Windows has no such signal", "glfw is not installed"], 0, 0),
        ([OFFLINE], 0, 1),
        ([BUSY] * 2, 0, 0),
        ([BUSY] * 3, 0, 1),
        (["I did not feel like it"], 1, 1),
    ],
)
def test_those_that_prove_nothing_are_limited_in_ci_and_unknown_ones_nowhere(reasons, here, in_ci):
    assert len(faults(reasons, ci=False)) == here
    assert len(faults(reasons, ci=True)) == in_ci


def reasons_in(path):
    """The reasons that stand in a file of tests, with each ``{…}`` as one word."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called == "pytest.skip":
            said = node.args
        elif called in {"pytest.mark.skipif", "pytest.mark.skip", "pytest.importorskip"}:
            said = [one.value for one in node.keywords if one.arg == "reason"]
        else:
            continue
        for one in said:
            if isinstance(one, ast.Constant):
                yield one.value
            elif isinstance(one, ast.JoinedStr):
                parts = (
                    part.value if isinstance(part, ast.Constant) else "X" for part in one.values
                )
                yield "".join(map(str, parts))
            else:
                yield ast.unparse(one)


def test_every_reason_in_the_tests_is_of_a_known_kind():
    """On the systems that these tests do not run on today as well."""
    found = {one for path in (ROOT / "tests").rglob("*.py") for one in reasons_in(path)}
    assert len(found) > 30
    assert not [one for one in found if kind_of(one) is None]
    unused = set(KINDS) - {kind_of(one) for one in found}
    assert not unused


SKIPPING = f"""
import pytest

def test_runs():
    pass

@pytest.mark.skipif(True, reason="there is no CUDA card here")
def test_needs_a_card():
    pass

def test_needs_a_network():
    pytest.skip({OFFLINE!r})
"""


@pytest.mark.parametrize("ci", ["", "true"])
def test_the_closing_line_stays_the_last_and_counts_what_is_wrong(tmp_path, ci):
    (tmp_path / "conftest.py").write_text(
        "from tests.skips import SkipCount\n"
        "def pytest_configure(config):\n"
        "    config.pluginmanager.register(SkipCount(config))\n"
    )
    (tmp_path / "test_skipping.py").write_text(SKIPPING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", os.devnull, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT)},
    )
    lines = done.stdout.strip().splitlines()
    assert "skipped: 1 offline, 0 too busy, 1 no card" in lines
    assert "1 passed, 2 skipped" in lines[-1]
    assert ("1 error" in lines[-1]) == bool(ci)
    assert done.returncode == bool(ci)
    assert ("1 skips in CI because offline, at most 0" in done.stdout) == bool(ci)
