from fractions import Fraction

import numpy as np
import pytest

from vjnode.output.test_pattern import BARS, SIDE, SWEEP_S, Pattern, bar_centre

FPS = Fraction(60)


def picture(number=0, size=SIDE):
    return Pattern(size, FPS).frame(number).pixels.copy()


@pytest.mark.parametrize("size", [64, 255, 512, 1024])
def test_bars_have_their_colours_and_everything_is_opaque(size):
    pixels = picture(size=size)
    assert pixels.shape == (size, size, 4)
    assert (pixels[..., 3] == 255).all()
    for index, (_, rgb) in enumerate(BARS):
        x, y = bar_centre(index, size)
        assert tuple(pixels[y, x, :3]) == rgb


def test_no_turn_or_mirroring_leaves_it_as_it_is():
    still = picture()
    turned = [np.rot90(still, k) for k in (1, 2, 3)]
    for other in (*turned, still[::-1], still[:, ::-1], still.transpose(1, 0, 2)):
        assert (other != still).mean() > 0.1


def test_the_edge_is_complete():
    still = picture(size=333)
    for line in (still[0], still[-1], still[:, 0], still[:, -1]):
        assert (line == (255, 0, 0, 255)).all()


def test_the_counter_changes_with_every_frame_and_only_it_and_the_square_move():
    first, second = picture(30), picture(31)
    rows = np.flatnonzero((first != second).any((1, 2)))
    assert rows.min() >= 370
    assert rows.max() <= 460
    assert ((first != second)[405:460]).any()
    np.testing.assert_array_equal(picture(31), second)


def square(number):
    """Return the position of the square's middle in its row, px."""
    row = Pattern(SIDE, FPS).frame(number).pixels[386, 4:-4, 0]
    return np.flatnonzero(row > 200).mean()


def test_the_square_crosses_evenly_and_again():
    steps = np.diff([square(n) for n in range(20, 100)])
    assert steps.mean() == pytest.approx((SIDE + 32) / SWEEP_S / 60, rel=0.01)
    assert np.ptp(steps) <= 1.01
    assert square(20) == square(20 + round(SWEEP_S * 60))


def test_a_frame_says_which_it_is():
    pattern = Pattern(64, Fraction(30000, 1001))
    info = pattern.frame(300).info
    assert (info.frame, info.moment.t_s) == (300, pytest.approx(10.01))
