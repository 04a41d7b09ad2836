import threading
import time
from concurrent.futures import Future

import numpy as np
import pytest

from vjnode.engines.base import OneByOne
from vjnode.generators.latent import still
from vjnode.render.passage import Immediate, Passage

SIZE = 32
SOON_S = 20.0


def level(value):
    """Return a latent that the engines below draw as this level."""
    return still(np.full((23, 512), value, np.float32))


class Greys(OneByOne):
    """Draws pictures of half the size once it may; keeps what it drew."""

    name, identity, size = "greys", "greys", SIZE // 2

    def __init__(self):
        self.may_draw = threading.Event()
        self.may_draw.set()
        self.drawn, self.closed = [], False

    def draw(self, latent):
        self.may_draw.wait()
        self.drawn.append(int(latent.codes()[0, 0]))
        return np.full((self.size, self.size, 4), self.drawn[-1], np.uint8)

    def close(self):
        self.closed = True


@pytest.fixture
def engine():
    return Greys()


@pytest.fixture
def passage(engine):
    passage = Passage(lambda: engine, SIZE)
    yield passage
    engine.may_draw.set()
    passage.close()


def wait_for(condition):
    until_s = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.001)


def levels_of(shown):
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    shown.picture.copy_to(out)
    return np.unique(out).tolist()


def show(passage, value, now_s):
    """Ask for a level and wait until it is drawn; return what is shown meanwhile."""
    before = passage.drawn
    shown = passage.show(level(value), now_s)
    wait_for(lambda: passage.drawn > before)
    return shown


def test_halves_of_the_way_between_two_pictures_are_equal_steps(passage):
    """In 8 bits, levels that differ by an odd number meet in two ways, and neither may prevail."""
    rng = np.random.default_rng(0)
    first = rng.integers(20, 230, (SIZE, SIZE, 4)).astype(np.uint8)
    second = (first + rng.choice((-1, 1), first.shape)).astype(np.uint8)
    now_s, tick_s = 7.3, 1 / 60
    passage._since_s = 0.0
    passage._shown_s = now_s
    passage._pictures = ((now_s, first), (now_s + 2 * tick_s, second))
    passage._playout.at = lambda now_s, newest_s: now_s - 2e-6
    out = np.empty_like(first)
    passage.show(level(0), now_s + tick_s).picture.copy_to(out)
    steps = [np.abs(out.astype(int) - one).mean() for one in (first, second)]
    assert steps == pytest.approx([0.5, 0.5], abs=0.1)


def test_it_shows_what_lies_between_two_pictures_at_full_size(passage):
    assert show(passage, 0, 1.0) is None
    assert show(passage, 100, 1.1) is None
    shown = [show(passage, 100, 1.1 + 0.01 * tick) for tick in range(1, 20)]
    assert shown[0].at_s == pytest.approx(1.1)
    later = [one.at_s for one in shown]
    assert later == sorted(later)
    assert levels_of(shown[-1]) == [100]


def test_what_lies_between_is_their_mean_in_proportion(passage):
    show(passage, 0, 1.0)
    show(passage, 50, 1.1)
    passage.show(level(100), 1.2)
    wait_for(lambda: passage.drawn == 3)
    seen = {}
    for tick in range(1, 30):
        now_s = 1.2 + 0.02 * tick
        shown = show(passage, 100, now_s)
        seen[round(shown.at_s, 3)] = levels_of(shown)
    for at_s, levels in seen.items():
        assert levels == pytest.approx([min(500 * (at_s - 1.0), 100)], abs=1)
    assert len(seen) > 3


def test_the_newest_latent_is_drawn_and_nobody_waits(passage, engine):
    engine.may_draw.clear()
    passage.show(level(1), 1.0)
    wait_for(lambda: passage.ready)
    for value in range(2, 100):
        assert passage.show(level(value), 1.0 + 0.01 * value) is None
    engine.may_draw.set()
    wait_for(lambda: 99 in engine.drawn)
    assert len(engine.drawn) < 10
    assert engine.drawn == sorted(engine.drawn)


def test_nothing_is_opened_before_it_is_wanted():
    opened = []
    passage = Passage(lambda: opened.append(True), SIZE)
    passage.rest()
    assert (passage.ready, opened) == (False, [])
    passage.warm()
    passage.warm()
    wait_for(lambda: passage.given_up)
    assert (passage.ready, opened) == (False, [True])
    assert passage.show(level(1), 1.0) is None
    passage.close()


def test_after_a_rest_it_begins_anew(passage):
    show(passage, 10, 1.0)
    show(passage, 20, 1.1)
    assert show(passage, 20, 1.2) is not None
    passage.rest()
    assert show(passage, 90, 5.0) is None
    assert show(passage, 90, 5.1) is None
    assert levels_of(show(passage, 90, 5.2)) == [90]


def test_an_engine_that_fails_gives_it_up(engine, caplog):
    def fail(latent):
        raise RuntimeError("the cat is on the keys")

    engine.draw = fail
    passage = Passage(lambda: engine, SIZE)
    passage.show(level(1), 1.0)
    wait_for(lambda: passage.given_up)
    assert not passage.ready
    assert "the cat is on the keys" in caplog.text
    passage.close()
    assert engine.closed


class Pairs:
    """Draws two at once: each is there when the next but one is begun."""

    name, identity, size, at_once, parallel = "pairs", "pairs", SIZE, 2, 2

    def __init__(self):
        self.begun = []

    def begin(self, latent):
        future = Future()
        future.set_result(np.full((SIZE, SIZE, 4), int(latent.codes()[0, 0]), np.uint8))
        self.begun.append(future)
        return future

    def close(self):
        pass


def test_two_at_once_come_in_order():
    engine = Pairs()
    passage = Passage(lambda: engine, SIZE)
    shown = []
    for tick in range(300):
        shown.append(passage.show(level(tick % 250), 1.0 + 0.01 * tick))
        time.sleep(0.002)
    passage.close()
    at_s = [one.at_s for one in shown if one is not None]
    assert len(engine.begun) > 10
    assert len(at_s) > 100
    assert at_s == sorted(at_s)


def test_for_a_rendering_each_is_drawn_when_it_is_asked_for(engine):
    opened = []
    passing = Immediate(lambda: opened.append(True) or engine)
    assert not opened
    engine.size = SIZE
    for value in (5, 6, 7):
        shown = passing.show(level(value), 0.1 * value)
        assert (shown.at_s, levels_of(shown)) == (0.1 * value, [value])
    passing.close()
    assert (opened, engine.drawn, engine.closed) == ([True], [5, 6, 7], True)
