import math

import numpy as np
import pytest

from vjnode.audio.tempo.beat import SLEW_S, Beat


def test_phases_and_the_next_beat():
    beat = Beat(bpm=120.0, beats=6.5, anchor_s=10.0, locked=True)
    assert (beat.phase, beat.bar) == (0.5, 0.625)
    assert beat.next_s() == pytest.approx(10.25)
    assert beat.next_s(4.0) == pytest.approx(10.75)


def test_the_count_goes_on_evenly_and_confidence_fades():
    beat = Beat(bpm=90.0, beats=3.0, anchor_s=10.0, confidence=1.0, locked=True)
    assert beat.at(14.0).beats == pytest.approx(9.0)
    assert beat.at(14.0).bpm == 90.0
    assert 0.0 < beat.at(14.0).confidence < 0.2


def test_an_error_is_worn_off_smoothly_and_once():
    beat = Beat(bpm=60.0, beats=0.0, anchor_s=0.0, pull=-0.1, locked=True)
    counts = [beat.at(t).beats for t in np.arange(0.0, 5.0, 0.01)]
    assert np.diff(counts).min() > 0.0
    assert beat.at(5.0).beats == pytest.approx(4.9, abs=1e-3)
    assert beat.at(1.0).at(5.0).beats == pytest.approx(beat.at(5.0).beats)
    assert beat.at(SLEW_S).pull == pytest.approx(-0.1 / math.e)


def test_without_a_tempo_nothing_is_counted():
    assert Beat().at(100.0).beats == 0.0
    assert Beat().at(100.0).next_s() == math.inf
