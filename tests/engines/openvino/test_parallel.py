"""Two pictures at once on the processor: at the same time, in order, and nothing is lost."""

import threading

import numpy as np
import pytest

from tests.engines.cuda.cards import codes_of
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.openvino.parallel import AT_ONCE, SideBySide
from vjnode.errors import EngineError
from vjnode.generators.latent import still
from vjnode.generators.registry import DEFAULT

SIZE = 8


class Flat:
    """An engine that draws the first of the codes; where it is to meet others, while they draw."""

    name, identity, size = "flat", "of flat", SIZE

    def __init__(self):
        self.drawing = threading.Lock()
        self.meeting = None
        self.closed = 0

    def draw(self, latent):
        assert self.drawing.acquire(blocking=False), "one engine draws one picture at a time"
        if self.meeting is not None:
            self.meeting.wait()
        self.drawing.release()
        first = latent.codes()[0, 0]
        if first < 0:
            raise EngineError("the engine fails")
        return np.full((SIZE, SIZE, 4), first, np.uint8)

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        self.closed += 1


@pytest.fixture
def made():
    return []


@pytest.fixture
def engine(made):
    def open_engine():
        made.append(Flat())
        return made[-1]

    engine = SideBySide(open_engine)
    yield engine
    engine.close()


def codes(value):
    return np.full((23, 512), value, np.float32)


def test_two_pictures_are_drawn_at_the_same_time(engine, made):
    meeting = threading.Barrier(AT_ONCE, timeout=60)
    for one in made:
        one.meeting = meeting
    pictures = [engine.begin(still(codes(value))) for value in range(AT_ONCE)]
    assert [picture.result()[0, 0, 0] for picture in pictures] == [0, 1]


def test_what_was_begun_stays_while_another_is_drawn(engine):
    begun = [engine.begin(still(codes(value))) for value in (1, 2)]
    assert engine.draw(still(codes(3)))[0, 0, 0] == 3
    assert engine.draw_unless(lambda: False, still(codes(4)))[0, 0, 0] == 4
    assert engine.draw_unless(lambda: True, still(codes(5))) is None
    assert [picture.result()[0, 0, 0] for picture in begun] == [1, 2]


def test_a_failure_is_told_and_the_next_picture_drawn(engine):
    failed, good = engine.begin(still(codes(-1))), engine.begin(still(codes(1)))
    with pytest.raises(EngineError, match="the engine fails"):
        failed.result()
    assert good.result()[0, 0, 0] == 1
    assert engine.draw(still(codes(2)))[0, 0, 0] == 2


def test_closing_closes_all(engine, made):
    engine.begin(still(codes(1)))
    engine.close()
    engine.close()
    assert len(made) == AT_ONCE
    assert all(one.closed for one in made)


def test_what_is_open_is_closed_when_the_second_cannot_be(made):
    def open_engine():
        if made:
            raise EngineError("no memory for another")
        made.append(Flat())
        return made[-1]

    with pytest.raises(EngineError, match="no memory"):
        SideBySide(open_engine)
    assert made[0].closed


def test_it_draws_what_one_engine_draws():
    one = OpenVinoEngine(DEFAULT, 256, 2, "reduced")
    several = SideBySide(lambda: OpenVinoEngine(DEFAULT, 256, None, "reduced", shares=AT_ONCE))
    assert several.identity == one.identity
    assert several.name.startswith(one.name)
    wanted = [one.draw(still(codes_of(seed))) for seed in range(4)]
    found = [several.begin(still(codes_of(seed))) for seed in range(4)]
    for picture, expected in zip(found, wanted, strict=True):
        assert np.array_equal(picture.result(), expected)
    several.close()
    one.close()
