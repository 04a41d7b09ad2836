"""What a show draws with: every frame anew where that is fast enough, from key frames elsewhere."""

import numpy as np
import pytest

from tests.drive.drives import drive
from vjnode.audio.source import BLOCK_S
from vjnode.config import ShowConfig
from vjnode.control.controls import Controls
from vjnode.engine.choose import Choice, Verdict
from vjnode.engine.library import SweepLibrary
from vjnode.engine.live import LiveLibrary
from vjnode.errors import InputError
from vjnode.face.catalogue import expression_names, face_names
from vjnode.output.base import OutputSpec
from vjnode.show import wiring
from vjnode.show.painter import Painter

SIZE = 256
PERIOD_S = 1 / 60


class OfACard:
    """An engine that shows the codes that it got."""

    name, identity, size = "of a card", "of a card", SIZE

    def __init__(self):
        self.closed = False

    def draw(self, codes):
        assert not self.closed
        level = int(np.abs(codes).sum() * 1e3) % 256
        return np.full((SIZE, SIZE, 4), level, np.uint8)

    def close(self):
        self.closed = True


@pytest.fixture
def card(monkeypatch):
    """Pretend that there is a card that takes so many ms a picture; returns its engine."""

    def card(ms, name="tensorrt"):
        engine = OfACard()
        choice = Choice(engine, (Verdict(name, engine.name, "", ms),))
        monkeypatch.setattr(wiring, "may_be_fast", lambda: True)
        monkeypatch.setattr(wiring, "choose", lambda size, measured: choice)
        return engine

    return card


def library_for(drawing, size=SIZE):
    told = []
    library = wiring.open_show_library(
        size=size, drawing=drawing, period_s=PERIOD_S, memory_mib=64, told=told.append
    )
    library.close()
    return library, told


@pytest.mark.parametrize(
    ("drawing", "ms", "live"),
    [("auto", 1.0, True), ("auto", 12.0, False), ("keys", 1.0, False), ("live", 12.0, True)],
)
def test_a_card_draws_live_when_it_is_fast_enough(card, drawing, ms, live):
    engine = card(ms)
    library, told = library_for(drawing)
    assert isinstance(library, LiveLibrary if live else SweepLibrary)
    assert engine.closed == live
    assert [choice.engine for choice in told] == [engine] * live


def test_a_live_look_changes_with_the_weight_and_the_face_at_once(card):
    card(1.0)
    library = wiring.open_show_library(size=SIZE, drawing="auto", period_s=PERIOD_S, memory_mib=64)
    track = wiring.live_track()
    for number in range(200):
        track.push(drive(number * BLOCK_S, min(number / 100, 1.0)))
    first = Controls("", face_names()[0], expression_names()[0], attack=0.0, release=0.0)
    second = Controls("", face_names()[1], expression_names()[0], attack=0.0, release=0.0)
    painter = Painter(library, track)
    levels, out = [], np.zeros((SIZE, SIZE, 4), np.uint8)
    for now_s, controls in ((0.05, first), (0.1, first), (0.3, first), (0.3, second)):
        assert painter.prepare(controls, ready=1, timeout_s=0.0)
        info = painter.paint(now_s, controls, out)
        assert (info.face, info.keys, info.keys_wanted) == (controls.face, 1, 1)
        levels.append(int(out[0, 0, 0]))
    assert len(set(levels)) == len(levels)
    library.close()


def test_without_a_card_small_pictures_are_drawn_live_by_a_network_of_their_own(monkeypatch):
    monkeypatch.setattr(wiring, "may_be_fast", lambda: False)
    library, told = library_for("live")
    assert isinstance(library, LiveLibrary)
    assert "live" in library.engine_name
    assert told[0].taken.ms > 0
    assert isinstance(library_for("auto")[0], SweepLibrary)


@pytest.fixture
def small(monkeypatch):
    """A processor of two cores on which all engines take as long as is said."""

    def small(ms, *, cores=2, known=None):
        monkeypatch.setattr(wiring, "may_be_fast", lambda: False)
        monkeypatch.setattr(wiring, "measured_ms", lambda engine: ms)
        monkeypatch.setattr(wiring, "kept_ms", lambda engine: known)
        monkeypatch.setattr(wiring, "cores", lambda: cores)

    return small


@pytest.mark.parametrize(("ms", "overlaps"), [(25.0, False), (30.0, True), (60.0, False)])
@pytest.mark.parametrize("known", [False, True])
def test_two_are_drawn_at_once_if_one_by_one_is_not_smooth(small, ms, overlaps, known):
    small(ms, known=ms if known else None)
    library, told = library_for("live")
    assert library.overlaps == overlaps
    assert library.engine_name.endswith("two at once") == overlaps
    assert told[0].taken.engine == library.engine_name
    assert told[0].taken.ms == ms


def test_on_one_core_pictures_are_drawn_one_by_one(small):
    small(30.0, cores=1)
    assert not library_for("live")[0].overlaps


def test_a_card_that_cannot_be_used_is_as_none(card):
    engine = card(100.0, name="openvino")
    assert "openvino" in library_for("live")[0].engine_name
    assert engine.closed
    with pytest.raises(InputError, match="nothing draws 1024 px live"):
        library_for("live", size=1024)


def config(size):
    return ShowConfig("demo", (OutputSpec("null"),), size, drawing="live")


def test_large_pictures_without_a_card_are_refused_before_the_show(monkeypatch):
    monkeypatch.setattr("vjnode.config.may_be_fast", lambda: False)
    with pytest.raises(InputError, match="256 px without a graphics card, not 1024"):
        config(1024)
    assert config(512).size == 512


def test_a_card_may_draw_large_pictures_live(monkeypatch):
    monkeypatch.setattr("vjnode.config.may_be_fast", lambda: True)
    assert config(1024).drawing == "live"
    assert config(512).size == 512
