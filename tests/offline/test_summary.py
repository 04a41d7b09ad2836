import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vjnode.audio.sources.base import BLOCK, BLOCK_S, Block
from vjnode.audio.tempo.beat import Beat
from vjnode.modulation.drive import Drive
from vjnode.offline.summary import COLUMNS, RANKS, Overview, Series, rank

DRIVE = Drive(0.0, 0.0, -20.0, 0.0, True, 0, (), 0.5, 0.0, 0.1, 0.2, 0.3, Beat())
SILENT = Block(np.zeros((BLOCK, 2), np.float32), 0.0, 0.0)


@pytest.mark.parametrize("length", [1, COLUMNS - 1, COLUMNS, 3 * COLUMNS + 1, 20 * COLUMNS + 7])
def test_no_peak_is_lost_or_moved_whatever_the_length(length):
    rng = np.random.default_rng(length)
    peaks = rng.choice(length, size=min(length, 20), replace=False)
    steps = np.zeros(length)
    steps[peaks] = rng.uniform(0.1, 1.0, len(peaks))
    series = Series(1, step_s=0.01, first_s=5.0)
    for step in steps:
        series.push(step)
    values, times_s = series.values[:, 0], series.times_s
    assert len(values) == len(times_s) < COLUMNS
    for peak in peaks:
        column = np.argmin(np.abs(times_s - (5.0 + 0.01 * peak)))
        assert abs(times_s[column] - (5.0 + 0.01 * peak)) <= series.span_s / 2 + 1e-9
        assert values[column] >= steps[peak]
    assert np.count_nonzero(values) <= len(peaks)


def test_means_are_those_of_the_steps_in_each_column():
    steps = np.random.default_rng(1).standard_normal((2 * COLUMNS + 5, 3))
    series = Series(3, step_s=1.0, mean=True)
    for step in steps:
        series.push(step)
    width = round(series.span_s)
    expected = [steps[i : i + width].mean(axis=0) for i in range(0, len(steps), width)]
    assert np.allclose(series.values, expected)


@pytest.mark.parametrize(
    ("beat", "named"), [(1, "beat"), (4, "bar"), (8, "bar"), (16, "4 bars"), (64, "16 bars")]
)
def test_a_beat_ranks_as_the_longest_that_begins_with_it(beat, named):
    assert RANKS[rank(beat) - 1] == named


def test_the_first_beat_begins_everything():
    assert RANKS[rank(0) - 1] == RANKS[-1]


def test_each_onset_is_noted_where_it_began():
    overview = Overview(Fraction(60))
    for i in range(100):
        onsets = i // 40
        hits = tuple((n * 40 * BLOCK_S, 0.25 * n) for n in range(1, onsets + 1))
        overview.hear(SILENT, replace(DRIVE, onsets=onsets, hits=hits), None)
    found = np.flatnonzero(overview.onsets.values[:, 0])
    assert overview.onsets.times_s[found] == pytest.approx([40 * BLOCK_S, 80 * BLOCK_S])
    assert overview.onsets.values[found, 0] == pytest.approx([0.25, 0.5])
    assert overview.count == 2


def test_a_long_song_needs_no_more_memory_than_a_short_one():
    overview = Overview(Fraction(60))
    sizes = []
    for blocks in (1_000, 20_000):
        for _ in range(blocks):
            overview.hear(SILENT, DRIVE, np.zeros(13, np.float32))
            overview.draw(0.5)
        sizes.append(len(pickle.dumps(overview)))
    assert overview.length_s > 120.0
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)
