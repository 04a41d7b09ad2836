from dataclasses import replace

import numpy as np
import pytest

from vjnode.audio.source import HOP_S
from vjnode.control.controls import Controls
from vjnode.drive.drive import Drive
from vjnode.drive.weight import WeightTrack
from vjnode.engine.library import SweepLibrary
from vjnode.show.painter import Painter

SIZE = 16
ADA = Controls("", "ada", "laugh", attack=0.0, release=0.0)
BEN = replace(ADA, face="ben")


class SlowForBen:
    """An engine that draws ada at once and ben when it is told to."""

    name, identity, size = "test", "test", SIZE

    def __init__(self):
        self.may_draw_ben = False

    def draw(self, codes):
        while codes[0, 0] >= 100 and not self.may_draw_ben:
            pass
        return np.full((SIZE, SIZE, 4), int(codes[0, 0]), np.uint8)

    def draw_unless(self, given_up, codes):
        return None if given_up() else self.draw(codes)

    def close(self):
        pass


@pytest.fixture
def engine():
    return SlowForBen()


@pytest.fixture
def painter(engine):
    def codes(look, weight):
        return np.full((23, 512), (100 if look.face == "ben" else 0) + 63 * weight, np.float32)

    library = SweepLibrary(
        lambda threads: engine, codes, size=SIZE, memory_bytes=1 << 24, folder=None
    )
    track = WeightTrack()
    for number in range(100):
        track.push(Drive(number * HOP_S, number * HOP_S, -20.0, number, 1.0))
    painter = Painter(library, track)
    assert painter.prepare(ADA, ready=64, timeout_s=5)
    yield painter
    engine.may_draw_ben = True
    library.close()


def paint(painter, now_s, controls):
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    return painter.paint(now_s, controls, out), int(out[0, 0, 0])


def test_gain_scales_the_movement(painter):
    paint(painter, 0.1, ADA)
    full, bright = paint(painter, 0.2, ADA)
    half, middle = paint(painter, 0.3, replace(ADA, gain=0.5))
    assert (full.weight, half.weight) == (1.0, 0.5)
    assert middle == pytest.approx(bright / 2, abs=2)
    assert (full.frame, half.frame) == (1, 2)


def test_a_look_that_is_not_there_yet_leaves_the_one_before_on(painter, engine):
    paint(painter, 0.1, ADA)
    shown, bright = paint(painter, 0.2, ADA)
    waiting, still = paint(painter, 0.3, BEN)
    assert (shown.face, waiting.face) == ("ada", "ada")
    assert still == bright
    engine.may_draw_ben = True
    assert painter.prepare(BEN, ready=1, timeout_s=5)
    assert paint(painter, 0.4, BEN)[0].face == "ben"
