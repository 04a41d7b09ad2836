"""The check that no expression breaks a face."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.early import PYTHON, run
from tools.check import expressions
from tools.check.mouths import LIPS, STEADY, unsteadiness
from vjnode.engines.registry import open_engine
from vjnode.faces.catalogue import load_expression, load_face
from vjnode.faces.expression import latent_of
from vjnode.faces.landmarks import LandmarkMeter

FACES = range(0, 24, 3)


@pytest.fixture(scope="module")
def meter():
    return LandmarkMeter()


def doubled(meter, picture):
    """Return a picture with a second mouth half a mouth's height below the first, and over it."""
    lips = meter.measure(picture).points[list(LIPS), :2] * len(picture)
    (left, top), (right, bottom) = lips.min(0).astype(int) - 4, lips.max(0).astype(int) + 4
    mouth, below = picture[top:bottom, left:right], top + (bottom - top) // 2
    rows, cols = np.mgrid[-1 : 1 : mouth.shape[0] * 1j, -1 : 1 : mouth.shape[1] * 1j]
    share = np.clip(4 * (1 - np.hypot(rows, cols)), 0, 1)[..., None]
    torn = picture.copy()
    under = torn[below : below + len(mouth), left:right]
    under[:] = share[: len(under)] * mouth[: len(under)] + (1 - share[: len(under)]) * under
    return torn


@pytest.mark.slow
def test_it_tells_a_mouth_from_two(meter):
    engine, jaw = open_engine(expressions.PX), load_expression("jaw")
    drawn = [engine.draw(latent_of(load_face(face), jaw, 1.0))[..., :3].copy() for face in FACES]
    engine.close()
    whole = [unsteadiness(meter, picture) for picture in drawn]
    torn = [unsteadiness(meter, doubled(meter, picture)) for picture in drawn]
    assert np.quantile(whole, 0.9) < STEADY < np.quantile(torn, 0.9)
    assert np.mean(torn) > 1.5 * np.mean(whole)


def test_what_passes_a_limit_does_not_hold():
    assert expressions.Worst(1.5, 1.5, True, [0.005]).holds
    assert not expressions.Worst(1.6, 1.5, True, [0.005]).holds
    assert not expressions.Worst(1.5, 1.6, True, [0.005]).holds
    assert not expressions.Worst(1.5, 1.5, False, [0.005]).holds
    assert expressions.Worst(1.5, 1.5, True, [0.005] * 20 + [2 * STEADY]).holds
    assert not expressions.Worst(1.5, 1.5, True, [0.005, 1.2 * STEADY]).holds


def check_all():
    """Check all expressions on one face; return the program, and the size of its sheet, bytes."""
    with TemporaryDirectory() as folder:
        sheet = Path(folder) / "sheet.png"
        check = ("-m", "tools.check.expressions", "--faces", 1, "--sheet", sheet)
        done = run(PYTHON, *check)
        assert done.returncode == 0, done.stderr + done.stdout
        return done, sheet.stat().st_size


@pytest.mark.slow
@pytest.mark.early(work=check_all)
def test_nothing_breaks_a_face(early):
    done, sheet_bytes = early
    assert "nothing breaks" in done.stdout
    assert sheet_bytes > 10_000
