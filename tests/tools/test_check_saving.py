"""Files that a show writes survive being killed at any moment; a file cut off is refused."""

import subprocess
import sys
from pathlib import Path

from tools.check.saving import KINDS, cut_off

ROOT = Path(__file__).parents[2]


def test_nothing_is_corrupt_after_ten_kills_of_each():
    command = [sys.executable, "-m", "tools.check.saving", "--kills", "10", "--step", "41"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [k.name for k in KINDS]


def test_a_reader_that_takes_anything_is_caught(tmp_path):
    kind = KINDS[1]
    careless = type(kind)(kind.name, kind.file, kind.save, lambda path: len(path.read_bytes()))
    cuts, wrong = cut_off(careless, tmp_path, 5)
    assert len(wrong) >= cuts > 3
