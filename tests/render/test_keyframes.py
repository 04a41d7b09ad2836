import numpy as np
import pytest

from vjnode.render.keyframes import Sweep, coarse_to_fine


def flat(value, size=8):
    return np.full((size, size, 4), value, np.uint8)


def moving(key, size=64):
    """A line that moves by a row a key: no blend of two looks like the one between them."""
    picture = flat(90, size)
    picture[8 + key % (size - 8)] = 255
    return picture


def prepared(pictures):
    """A sweep made of ``pictures`` in its own order, and the keys that it asked for."""
    sweep = Sweep(keys=len(pictures), size=len(pictures[0]))
    asked = []
    while (key := sweep.missing()) is not None:
        asked.append(key)
        sweep.put(key, pictures[key])
    return sweep, asked


def filled(keys=5):
    sweep = Sweep(keys=keys, size=8)
    for key in range(keys):
        sweep.put(key, flat(key * 40))
    return sweep


def blended(sweep, weight):
    out = np.zeros((8, 8, 4), np.uint8)
    sweep.blend(weight, out)
    assert (out == out[0, 0, 0]).all()
    return int(out[0, 0, 0])


@pytest.mark.parametrize("keys", [2, 3, 5, 17, 64])
def test_the_order_covers_everything_once_and_evenly(keys):
    order = list(coarse_to_fine(keys))
    assert sorted(order) == list(range(keys))
    assert order[0] == 0
    for count in range(2, keys):
        gaps = np.diff(sorted(order[:count]))
        assert gaps.max() <= 2 * -(-(keys - 1) // (count - 1))


@pytest.mark.parametrize(
    ("weight", "value"), [(0.0, 0), (0.25, 40), (0.125, 20), (0.8, 128), (1.0, 160)]
)
def test_a_blend_lies_between_its_neighbours(weight, value):
    assert blended(filled(), weight) == value


@pytest.mark.parametrize(("weight", "value"), [(-3.0, 0), (9.0, 160)])
def test_weights_out_of_range_stay_at_the_ends(weight, value):
    assert blended(filled(), weight) == value


def test_a_single_key_is_shown_at_any_weight():
    sweep = Sweep(keys=5, size=8)
    sweep.put(2, flat(99))
    assert {blended(sweep, weight) for weight in (0.0, 0.4, 0.5, 1.0)} == {99}


def test_missing_keys_are_bridged():
    sweep = Sweep(keys=5, size=8)
    sweep.put(0, flat(0))
    sweep.put(4, flat(160))
    assert blended(sweep, 0.5) == 80
    assert sweep.missing() == 2


def test_an_empty_sweep_says_so():
    with pytest.raises(ValueError, match="empty"):
        blended(Sweep(keys=5, size=8), 0.5)


def test_a_picture_that_fades_needs_few_keys_and_counts_as_complete():
    sweep, asked = prepared([flat(2 * key, 64) for key in range(64)])
    assert asked == list(coarse_to_fine(64))[:17]
    assert sweep.ready == 64
    assert sweep.drawn == 17
    out = np.zeros((64, 64, 4), np.uint8)
    for key in range(64):
        sweep.blend(key / 63, out)
        assert abs(int(out[0, 0, 0]) - 2 * key) <= 1
    assert sweep.nbytes == 17 * 64 * 64 * 4


def test_a_picture_that_moves_gets_every_key():
    sweep, asked = prepared([moving(key) for key in range(64)])
    assert asked == list(coarse_to_fine(64))
    assert sweep.drawn == sweep.ready == 64


def test_keys_are_spared_only_where_nothing_moves():
    sweep, asked = prepared([flat(key, 64) if key < 32 else moving(key) for key in range(64)])
    assert set(range(32, 64)) <= set(asked)
    assert len(asked) < 45
    assert sweep.ready == 64


def test_the_same_keys_are_spared_whoever_comes_first():
    pictures = [flat(key, 64) if key < 32 else moving(key) for key in range(64)]
    _, asked = prepared(pictures)
    for order in (asked[::-1], sorted(asked)):
        sweep = Sweep(keys=64, size=64)
        for key in order:
            sweep.put(key, pictures[key])
        assert sweep.missing() is None
        assert sweep.drawn == len(asked)


def test_what_somebody_has_in_hand_is_not_missing():
    sweep = Sweep(keys=5, size=8)
    assert sweep.missing() == 0
    assert sweep.missing([0]) == 4
    assert sweep.missing([0, 1, 2, 3, 4]) is None
    assert sweep.ready == 0


def test_a_small_part_that_moves_counts():
    def blinking(key):
        picture = flat(90, 256)
        picture[40:48, 40 + key % 60 : 48 + key % 60] = 200
        return picture

    assert prepared([blinking(key) for key in range(64)])[0].drawn > 50
