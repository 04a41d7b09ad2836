"""The figures that hearing must reach, on music that the encoder was not trained on.

Each part of ``tools/bench_hearing.py`` is run and every line of its table must keep its limit.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "tools" / "bench_hearing.py"
REAL = {"tracks", "density"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", ["silence", "onsets", "beats"])
def test_the_figures_are_reached(part, tmp_path):
    if part in REAL and shutil.which("apt-get") is None:
        pytest.skip("real music is fetched from Debian's packages, and this is no Debian")
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCH, "--only", part, "--seconds", "60", "--json", figures],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    missed = [row for row in json.loads(figures.read_text()) if not row["good"]]
    assert not missed, done.stdout
