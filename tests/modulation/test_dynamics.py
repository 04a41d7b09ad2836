import numpy as np
import pytest

from vjnode.modulation.dynamics import AS_HEARD, Dynamics

FRAME_S = 1 / 60


def moved(weights, amount):
    dynamics = Dynamics()
    return np.array([dynamics.step(float(weight), FRAME_S, amount) for weight in weights])


def beats(low, high, count=16):
    """Half-second beats: high for the first part, then low."""
    return np.tile(np.concatenate([np.full(12, high), np.full(18, low)]), count)


def test_as_it_comes_the_weight_is_left_alone():
    weights = np.random.default_rng(0).random(600)
    np.testing.assert_allclose(moved(weights, AS_HEARD), weights, atol=1e-12)


def test_steady_follows_passages_and_not_hits():
    found = moved(np.concatenate([beats(0.2, 0.5), beats(0.5, 0.9)]), 0.0)
    calm, wild = found[240:480], found[-240:]
    assert max(np.ptp(calm), np.ptp(wild)) < 0.15
    assert wild.mean() > calm.mean() + 0.2


@pytest.mark.parametrize(("low", "high"), [(0.4, 0.5), (0.3, 0.9), (0.0, 1.0), (0.9, 1.0)])
def test_dancing_never_leaves_the_range_and_keeps_the_order(low, high):
    dynamics = Dynamics()
    for weight in beats(low, high):
        dynamics.step(float(weight), FRAME_S, 1.0)
    found = [dynamics.step(weight, 0.0, 1.0) for weight in np.linspace(0.0, 1.0, 101)]
    assert (np.diff(found) > 0.0).all()
    assert (found[0], found[-1]) == pytest.approx((0.0, 1.0))


def test_small_movements_are_doubled_by_dancing():
    late = slice(-240, None)
    assert np.ptp(moved(beats(0.48, 0.52), 1.0)[late]) == pytest.approx(0.08, rel=0.1)


@pytest.mark.parametrize("amount", [0.0, 0.25, 1.0])
def test_it_is_the_same_at_any_frame_rate(amount):
    coarse, fine = Dynamics(), Dynamics()
    coarse.step(0.8, 0.1, amount)
    for _ in range(10):
        fine.step(0.8, 0.01, amount)
    assert coarse.step(0.3, 0.0, amount) == pytest.approx(fine.step(0.3, 0.0, amount))


def test_after_rest_it_begins_anew():
    dynamics = Dynamics()
    for _ in range(600):
        dynamics.step(0.9, FRAME_S, 0.0)
    dynamics.rest()
    assert dynamics.step(0.0, FRAME_S, 0.0) == 0.0
