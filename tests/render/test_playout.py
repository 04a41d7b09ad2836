import itertools

import numpy as np
import pytest

from vjnode.render.playout import FASTEST, Playout

TICK_S = 1 / 60


def played(takes_s, *, ticks=400):
    """Return times and shown moments of ticks; each picture takes the next of ``takes_s``.

    The next picture is begun when one is there, for the moment of the tick before.
    """
    playout, takes = Playout(), itertools.cycle(takes_s)
    times = 5.0 + TICK_S * np.arange(ticks)
    shown, newest, asked = [], None, times[0]
    there = asked + next(takes)
    for now_s in times:
        while there <= now_s:
            newest, asked = asked, 5.0 + TICK_S * np.floor((there - 5.0) / TICK_S)
            there += next(takes)
        if newest is not None:
            shown.append((now_s, playout.at(now_s, newest), newest))
    return np.array(shown)


@pytest.mark.parametrize(
    "takes_s",
    [[0.02], [0.035], [0.041], [0.06], [0.03, 0.05, 0.035, 0.07], [0.03] * 11 + [0.09]],
    ids=str,
)
def test_movement_is_even_however_uneven_pictures_come(takes_s):
    shown = played(takes_s)
    assert (shown[:, 1] <= shown[:, 2]).all()
    steps = np.diff(shown[60:, 1])
    assert steps.min() > 0.0
    assert steps.max() <= 1.5 * steps.mean()


def test_it_is_late_by_two_intervals_at_most():
    for takes_s in (0.02, 0.035, 0.06):
        shown = played([takes_s])[60:]
        assert (shown[:, 0] - shown[:, 1]).max() <= 2 * takes_s + TICK_S


def test_after_a_picture_that_took_very_long_it_catches_up_slowly():
    shown = played([0.03] * 40 + [0.4] + [0.03] * 300)
    steps = np.diff(shown[:, 1])
    assert steps.min() >= 0.0
    assert steps.max() <= FASTEST * TICK_S + 1e-9
    assert (shown[-1, 0] - shown[-1, 1]) < 0.08


def test_a_tick_that_comes_late_steps_no_further_than_others():
    playout, rng = Playout(), np.random.default_rng(0)
    late_s = rng.uniform(0.0, 0.9, 400) * TICK_S * (rng.random(400) < 0.1)
    times = 5.0 + TICK_S * np.arange(400) + late_s
    shown = [playout.at(now_s, now_s - 0.02) for now_s in times]
    steps = np.diff(shown)[60:]
    assert steps.min() > 0.0
    assert steps.max() <= FASTEST * TICK_S + 1e-9
    assert times[-1] - shown[-1] < 0.08


def test_after_a_tick_that_was_very_long_it_is_at_its_place_at_once():
    playout = Playout()
    times = [5.0 + TICK_S * at + 0.5 * (at >= 100) for at in range(140)]
    behind = [now_s - playout.at(now_s, now_s - 0.02) for now_s in times]
    assert behind[101] < 0.08
