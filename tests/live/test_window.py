"""A window on a real X server shows the picture that it was sent, and nothing else."""

import time
from contextlib import closing, contextmanager
from fractions import Fraction

import numpy as np
import pytest

from tests.events import HANG_S, wait_for
from tests.output.shows import INFO, flat
from tests.output.test_delivery import chart
from tests.output.window.screen import ESCAPE, HEIGHT, WIDTH, a_screen
from vjnode.output.base import Frame, OutputContext
from vjnode.output.window import output as window

pytestmark = pytest.mark.live

SIDE, LEFT = HEIGHT, (WIDTH - HEIGHT) // 2


@pytest.fixture
def screen():
    with a_screen() as screen:
        yield screen


@contextmanager
def showing(size=64, target=""):
    with closing(window.open_output(target, OutputContext(size, Fraction(60)))) as output:
        yield output


def seen(screen, output, frame, until):
    """Send ``frame`` again and again until ``until`` holds of the screen's picture; return that."""
    end_s = time.monotonic() + HANG_S
    while not until(picture := screen.picture()):
        assert time.monotonic() < end_s, picture[:: HEIGHT // 8, :: WIDTH // 8].tolist()
        output.send(frame, time.monotonic())
        time.sleep(1 / 60)
    return picture


@pytest.mark.parametrize("size", [64, 200, 512])
def test_a_chart_arrives_upright_in_its_colours_with_black_around(screen, size):
    wanted = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    wanted[:, LEFT : LEFT + SIDE] = chart(SIDE)[..., :3]
    inside = np.ones((HEIGHT, WIDTH), bool)
    for edge in (LEFT, WIDTH // 2, LEFT + SIDE):
        inside[:, edge - 3 : edge + 3] = False  # one colour passes smoothly into the next
    inside[HEIGHT // 2 - 3 : HEIGHT // 2 + 3] = False
    with showing(size) as output:
        frame = Frame(chart(size), INFO)
        picture = seen(screen, output, frame, lambda found: found[20, LEFT + 20, 0] > 200)
        np.testing.assert_array_equal(picture[inside], wanted[inside])


def test_every_pixel_is_kept_where_the_sizes_agree(screen):
    rng = np.random.default_rng(1)
    pixels = rng.integers(1, 256, (SIDE, SIDE, 4), np.uint8)  # alpha is not shown
    with showing(SIDE) as output:
        picture = seen(screen, output, Frame(pixels, INFO), lambda found: found[:, LEFT].all())
        np.testing.assert_array_equal(picture[:, LEFT : LEFT + SIDE], pixels[..., :3])


def test_the_newest_frame_is_shown_and_the_cursor_is_not(screen):
    with showing() as output:
        for level in (50, 100, 200):
            frame = flat((level, level, level))
            picture = seen(
                screen, output, frame, lambda found, level=level: found[5, LEFT + 5, 0] == level
            )
            assert (picture[:, LEFT : LEFT + SIDE] == level).all()  # no arrow in the middle
        assert output.about()["shown_frames"] >= 3
        assert output.about()["pixels"] == f"{WIDTH}x{HEIGHT}"


def test_escape_puts_it_away_and_the_show_goes_on(screen):
    with showing() as output:
        frame = flat((9, 200, 9))
        seen(screen, output, frame, lambda found: found[50, WIDTH // 2, 1] == 200)
        screen.press(ESCAPE)
        seen(screen, output, frame, lambda found: not found[:20].any())
        for n in range(30):
            output.send(frame, n / 60)
        assert not screen.picture()[:20].any()  # the middle has the cursor again
        assert output.about()["closed_by_hand"] is True


def test_it_is_gone_when_it_is_closed(screen):
    with showing() as output:
        seen(screen, output, flat((9, 200, 9)), lambda found: found[50, WIDTH // 2, 1] == 200)
    wait_for(lambda: not screen.picture()[:20].any())


def test_it_says_that_it_is_ready(screen):
    assert window.unready() == ""
