"""The figures that hearing must reach, on music that the encoder was not trained on.

Each part of ``tools/bench/hearing.py`` is run and every line of its table must keep its limit.
"""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.early import PYTHON, run

MADE = "silence,onsets,beats,smoothness,cost"
"""Parts whose sound is made, in one process."""

REAL = {"tracks": 2, "density": 6, "loud": 2}
"""Parts that need music, and how many of the tracks that training never saw."""

LENGTHS = ("--seconds", "60", "--loud-seconds", "200", "--made", "4", "--paced-seconds", "2")
"""Shorter and fewer than the bench's own. At the end of the loud tracks all ranges are long learnt,
and the face may not stand still. All tracks, whole, and an hour of loud ones in a row, take half an
hour: ``python -m tools.bench.hearing``."""


def measure(part):
    """Return the program that measured a part, and its rows."""
    if part in REAL and shutil.which("apt-get") is None:
        pytest.skip("real music is fetched from Debian's packages, and this is no Debian")
    with TemporaryDirectory() as folder:
        figures = Path(folder) / "figures.json"
        done = run(
            *(PYTHON, "-m", "tools.bench.hearing", "--only", part, "--json", figures),
            *("--tracks", REAL.get(part, 0), *LENGTHS),
        )
        if "cannot be fetched" in done.stderr:
            pytest.skip("the music cannot be fetched")
        assert figures.exists(), done.stderr
        return done, json.loads(figures.read_text())


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.early(work=measure)
@pytest.mark.parametrize("part", [MADE, *REAL])
def test_the_figures_are_reached(part, early):
    done, rows = early
    missed = [row for row in rows if row["what"] != "held-out tracks" and not row["good"]]
    assert not missed, done.stdout
