import numpy as np
import pytest

from vjnode.audio.sources.base import HOP_S
from vjnode.modulation.auto_range import LOUD, MOST, RARE, WIDTH, AutoRange


def learnt(weights, seconds=60.0, seed=0):
    """Return a range that has heard ``weights`` in random order for ``seconds``."""
    ranging = AutoRange()
    for weight in np.random.default_rng(seed).choice(weights, round(seconds / HOP_S)):
        ranging.step(float(weight))
    return ranging


def now(ranging, weights):
    return np.array([ranging.step(float(weight), learn=False) for weight in weights])


def test_before_any_music_every_weight_is_itself():
    weights = np.linspace(0.0, LOUD, 11)
    np.testing.assert_allclose(now(AutoRange(), weights), weights, atol=1e-9)
    assert now(AutoRange(), [1.0]) == 1.0


@pytest.mark.parametrize("weight", [0.2, 0.5, 0.8, 0.95])
def test_no_lesson_makes_a_jump(weight):
    """Learning moves a weight that stands still too slowly to be seen."""
    ranging, found = AutoRange(), []
    for other in np.random.default_rng(2).uniform(0.4, 0.9, round(60.0 / HOP_S)):
        ranging.step(float(other))
        found.append(ranging.step(weight, learn=False))
    assert np.abs(np.diff(found)).max() < 0.02


@pytest.mark.parametrize("middle", [0.2, 0.5, 0.8])
def test_a_narrow_range_becomes_wide_enough_and_stays_below_the_top(middle):
    narrow = np.linspace(middle - 0.15, middle + 0.15, 31)
    low, high = np.percentile(now(learnt(narrow), narrow), (15, 85))
    assert high - low == pytest.approx(WIDTH, abs=0.08)
    assert high <= LOUD + 0.02
    # The range stays where it is as far as there is room for it.
    assert (low + high) / 2 == pytest.approx(middle, abs=0.1 if middle == 0.5 else 0.45)


def test_a_calm_range_stays_below_a_loud_one():
    calm, loud = (np.linspace(middle - 0.1, middle + 0.1, 31) for middle in (0.25, 0.8))
    assert now(learnt(calm), calm).mean() < now(learnt(loud), loud).mean() - 0.05


def test_the_middle_of_a_range_that_is_wide_enough_is_left_as_it_is():
    wide = np.linspace(0.01, 0.85, 50)
    middle = wide[8:-8]
    np.testing.assert_allclose(now(learnt(wide), middle), middle, atol=0.04)


def test_an_hour_of_loud_music_is_not_an_hour_at_the_top():
    """Weights usual there come to lie below the top; one that stands out still reaches it."""
    rng = np.random.default_rng(1)
    loud = np.clip(rng.normal(0.85, 0.06, 4000), 0.0, 1.0)
    ranging = AutoRange()
    played = rng.choice(loud, round(3600.0 / HOP_S))
    heard = np.array([ranging.step(float(weight)) for weight in played])
    minute = round(60.0 / HOP_S)
    third, last = heard[2 * minute : 3 * minute], heard[-minute:]
    assert np.median(last) == pytest.approx(np.median(third), abs=0.03)
    assert np.abs(np.diff(last)).mean() == pytest.approx(np.abs(np.diff(third)).mean(), rel=0.1)
    found = now(ranging, loud)
    assert np.percentile(found, 85) == pytest.approx(LOUD, abs=0.02)
    assert np.percentile(found, 98) <= RARE + 0.01
    assert 0.5 <= np.median(found) <= 0.7
    assert ranging.step(0.995, learn=False) > 0.95


def test_a_climax_after_a_calm_minute_reaches_the_top_at_once():
    ranging = learnt(np.linspace(0.2, 0.5, 31), seconds=90.0)
    assert ranging.step(0.45, learn=False) < 0.75
    assert ranging.step(0.9, learn=False) > 0.93


def test_what_hardly_moves_is_not_made_to_shake():
    still = np.linspace(0.39, 0.41, 11)
    moved = now(learnt(still), still)
    assert np.ptp(moved) <= 1.5 * MOST * 0.02
    assert moved.mean() == pytest.approx(0.4, abs=0.1)


@pytest.mark.parametrize("weights", [[0.0, 0.0, 0.01], [0.3, 0.4], [0.99, 1.0], [0.0], [1.0]])
def test_rest_is_kept_and_so_are_the_order_and_the_most_where_it_is_rare(weights):
    mapped = now(learnt(weights), np.linspace(0.0, 1.0, 201))
    assert mapped[0] == 0.0
    assert (np.diff(mapped) >= 0.0).all()
    assert mapped[-1] == 1.0 or max(weights) > 0.9


def test_where_the_most_is_usual_it_is_no_longer_the_top():
    """A wall of noise is beyond all knots for a third of the time; its face is not stuck."""
    rng = np.random.default_rng(3)
    wall = np.minimum(rng.normal(0.9, 0.15, 4000), 1.0)
    assert (wall == 1.0).mean() > 0.2
    found = now(learnt(wall, seconds=300.0), wall)
    assert found.max() < 0.85
    assert np.ptp(np.percentile(found, (5, 95))) > 0.4


def test_a_break_does_not_undo_what_minutes_have_taught():
    ranging = learnt(np.linspace(0.1, 0.9, 81), seconds=180.0)
    for _ in range(round(20.0 / HOP_S)):
        ranging.step(0.1)
    assert ranging.step(0.1, learn=False) == pytest.approx(0.1, abs=0.05)


def test_reset_forgets():
    ranging = learnt([0.4, 0.5])
    assert ranging.step(0.5, learn=False) != pytest.approx(0.5, abs=0.02)
    ranging.reset()
    assert ranging.step(0.5, learn=False) == 0.5
