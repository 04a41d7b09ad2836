"""The check of what is added to key frames."""

import numpy as np
import pytest

from tools.check import overlays
from vjnode.render.base import Look

FEW = ["--faces", "1", "--weights", "3"]


@pytest.mark.slow
def test_what_a_show_begins_with_comes_near_what_the_generator_draws(monkeypatch, capsys):
    monkeypatch.setattr(overlays, "SETS", overlays.SETS[:1])
    assert overlays.main(FEW) == 0
    assert "`laugh`, `brows_up` | " in capsys.readouterr().out


@pytest.mark.slow
def test_a_face_that_falls_short_is_named(monkeypatch, capsys):
    monkeypatch.setattr(overlays, "SETS", overlays.SETS[:1])
    monkeypatch.setattr(overlays.Overlay, "add_to", lambda *_: None)  # nothing is added
    assert overlays.main(FEW) == 1
    assert "raven with laugh, brows_up: " in capsys.readouterr().out


def test_the_table_shows_the_mean_the_least_face_and_the_worst():
    found = [
        overlays.Nearness(Look(face, names), 2**20, decibels)
        for names in overlays.SETS
        for face, decibels in (("flint", [40.0, 38.0]), ("birch", [45.0, 35.0]))
    ]
    row = overlays.table(found, 512).splitlines()[2]
    assert (
        row == "| `laugh`, `brows_up` | 39.5 dB | 39.0 dB (`flint`) | 35.0 dB (`birch`) | 4–4 MiB |"
    )
    assert np.mean(found[0].decibels) == 39.0
