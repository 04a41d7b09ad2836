"""Choice of a show's renderer: every frame anew where that is fast enough, else from key frames."""

import threading

import numpy as np
import pytest

from tests.modulation.drives import drive
from vjnode.audio.sources.base import BLOCK_S
from vjnode.config import ShowConfig
from vjnode.control.state import Controls
from vjnode.engines import timing
from vjnode.engines.base import OneByOne
from vjnode.engines.openvino.engine import OpenVinoEngine
from vjnode.engines.registry import Choice, Verdict
from vjnode.errors import InputError, VjnodeError
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.modulation.weight_track import live_track
from vjnode.output.registry import parse_output
from vjnode.paths import cache_dir
from vjnode.render import open as render_open
from vjnode.render.base import Look
from vjnode.render.direct import DirectRenderer
from vjnode.render.frame_renderer import FrameRenderer
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.show.run import _stages as stages_of
from vjnode.show.shared_memory import ShowMemory
from vjnode.show.stages.engine import EngineJob

SIZE = 256
PERIOD_S = 1 / 60


class OfACard(OneByOne):
    """An engine whose grey level shows the codes that it got."""

    name, identity = "of a card", "of a card"

    def __init__(self, size):
        self.size, self.closed = size, False

    def draw(self, latent):
        assert not self.closed
        level = int(np.abs(latent.codes()).sum() * 1e3) % 256
        return np.full((SIZE, SIZE, 4), level, np.uint8)

    def close(self):
        self.closed = True


@pytest.fixture
def card(monkeypatch):
    """A function that pretends there is a card of so many ms a picture, and returns its engine."""

    def card(ms, name="tensorrt", size=SIZE):
        engine = OfACard(size)
        choice = Choice(engine, (Verdict(name, engine.name, "", ms),))
        monkeypatch.setattr(render_open, "may_be_fast", lambda: True)
        monkeypatch.setattr(render_open, "choose", lambda size, measured, spec: choice)
        return engine

    return card


def library_for(drawing, size=SIZE, **more):
    told = []
    library = render_open.open_renderer(
        size=size, drawing=drawing, period_s=PERIOD_S, memory_mib=64, told=told.append, **more
    )
    library.close()
    return library, told


@pytest.mark.parametrize(
    ("drawing", "ms", "live"),
    [("auto", 1.0, True), ("auto", 12.0, False), ("keys", 1.0, False), ("live", 5.0, True)],
)
def test_a_card_draws_live_when_it_is_fast_enough(card, drawing, ms, live):
    engine = card(ms)
    library, told = library_for(drawing)
    assert isinstance(library, DirectRenderer if live else KeyframeRenderer)
    assert engine.closed == live
    assert [choice.engine for choice in told] == [engine] * live


def test_a_live_look_changes_with_the_weight_and_the_face_at_once(card):
    card(1.0)
    library = render_open.open_renderer(size=SIZE, drawing="auto", period_s=PERIOD_S, memory_mib=64)
    track = live_track()
    for number in range(200):
        track.push(drive(number * BLOCK_S, min(number / 100, 1.0)))
    first = Controls("", face_names()[0], expression_names()[0], attack=0.0, release=0.0)
    second = Controls("", face_names()[1], expression_names()[0], attack=0.0, release=0.0)
    frames = FrameRenderer(library, track)
    levels, out = [], np.zeros((SIZE, SIZE, 4), np.uint8)
    for now_s, controls in ((0.05, first), (0.1, first), (0.3, first), (0.3, second)):
        assert frames.prepare(controls, keys=1, timeout_s=0.0)
        info = frames.render(now_s, controls, out)
        assert (info.face, info.keys, info.keys_wanted) == (controls.choice("face"), 1, 1)
        levels.append(int(out[0, 0, 0]))
    assert len(set(levels)) == len(levels)
    library.close()


def test_without_a_card_small_pictures_are_drawn_live_by_a_network_of_their_own(monkeypatch):
    monkeypatch.setattr(render_open, "may_be_fast", lambda: False)
    library, told = library_for("live")
    assert isinstance(library, DirectRenderer)
    assert "live" in library.engine_name
    assert told[0].taken.ms > 0


@pytest.fixture
def processor(monkeypatch):
    """A function that pretends there is a processor, of two cores unless it is told otherwise.

    live, full: ms that a picture takes with the small network, and with the whole generator.
    known: an earlier show has measured and kept these times. card: there is a card as well.
    """

    def processor(*, live=None, full=None, cores=2, known=False, card=False):
        def ms(engine, spec=None):
            return live if " live " in engine.name else full

        if not card:
            monkeypatch.setattr(render_open, "may_be_fast", lambda: False)
        monkeypatch.setattr(render_open, "measured_ms", ms)
        monkeypatch.setattr(render_open, "kept_ms", lambda engine: ms(engine) if known else None)
        monkeypatch.setattr(render_open, "cores", lambda: cores)

    return processor


@pytest.mark.parametrize(("ms", "overlaps"), [(25.0, False), (30.0, True), (60.0, False)])
@pytest.mark.parametrize("known", [False, True])
def test_two_are_drawn_at_once_if_one_by_one_is_not_smooth(processor, ms, overlaps, known):
    processor(live=ms, known=known)
    library, told = library_for("live")
    assert (library.at_once > 1) == overlaps
    assert library.engine_name.endswith("two at once") == overlaps
    assert told[0].taken.engine == library.engine_name
    assert told[0].taken.ms == ms


def test_on_one_core_pictures_are_drawn_one_by_one(processor):
    processor(live=30.0, cores=1)
    assert library_for("live")[0].at_once == 1


@pytest.mark.parametrize(
    ("ms", "of_the_card"), [(5.0, True), (12.0, True), (24.0, True), (26.0, False), (300.0, False)]
)
def test_a_card_draws_live_where_it_keeps_up_or_is_quicker_than_the_small_network(
    card, processor, ms, of_the_card
):
    engine = card(ms)
    processor(live=25.0, card=True)
    library, told = library_for("live")
    assert (library.engine_name == engine.name) == of_the_card
    assert ("live" in library.engine_name) != of_the_card
    assert told[0].taken.ms == (ms if of_the_card else 25.0)
    assert engine.closed  # along with the library, or because the small network was taken


def test_the_only_engine_that_a_user_allows_is_not_compared(card, processor, monkeypatch):
    engine = card(300.0)
    processor(live=25.0, card=True)
    monkeypatch.setenv("VJNODE_ENGINE", "tensorrt")
    assert library_for("live")[0].engine_name == engine.name


def test_a_card_that_cannot_be_used_is_as_none(card):
    engine = card(100.0, name="openvino")
    assert "openvino" in library_for("live")[0].engine_name
    assert engine.closed


@pytest.mark.parametrize("known", [False, True])
def test_a_processor_that_is_fast_enough_draws_large_pictures_live(processor, known):
    processor(full=24.0, known=known)
    library, told = library_for("live", size=1024)
    assert isinstance(library, DirectRenderer)
    assert (library.at_once, told[0].taken.ms) == (1, 24.0)
    processor(full=49.0)
    assert library_for("live", size=1024)[1][0].taken.ms == 49.0


def test_large_pictures_that_take_too_long_are_refused_with_what_does_not(card, processor):
    processor(full=62.5)
    remedy = "16 times a second here .*at least 20; add --size 512 or --size 256, or .*keys"
    with pytest.raises(InputError, match=f"1024 px {remedy}"):
        library_for("live", size=1024)
    engine = card(80.0, size=1024)
    processor(full=100.0, card=True)
    with pytest.raises(InputError, match=r"12.5 times a second here \(of a card\)"):
        library_for("live", size=1024)
    assert engine.closed


def test_a_show_that_goes_on_is_not_refused_for_what_was_measured_beside_it(processor, caplog):
    processor(full=62.5)
    library, told = library_for("live", size=1024, restarted=True)
    assert isinstance(library, DirectRenderer)
    assert told[0].taken.ms == 62.5
    assert "drawing 1024 px 16 times a second" in caplog.text


def test_an_engine_that_is_started_again_is_told_that_the_show_goes_on():
    config = ShowConfig("tone", (parse_output("null"),), size=SIZE, drawing="live")
    job = EngineJob(SIZE, config.fps, 64, (), config.drawing)
    with ShowMemory(SIZE, 1) as memory:
        spec = next(one for one in stages_of(config, memory, job, None) if one.name == "engine")
        jobs = [spec.run(attempt)[1][1] for attempt in range(3)]
    assert [one.restarted for one in jobs] == [False, True, True]
    assert jobs[0] == job


def test_what_was_opened_on_a_card_is_closed_where_the_processor_fails(
    card, processor, monkeypatch
):
    def failing(engine, spec):
        opened.append(engine)
        raise VjnodeError("the processor fails")

    def close(engine):
        closed.append(engine)

    opened, closed, engine = [], [], card(80.0)
    processor(live=25.0, card=True)
    monkeypatch.setattr(render_open, "measured_ms", failing)
    monkeypatch.setattr(OpenVinoEngine, "close", close)
    with pytest.raises(VjnodeError, match="the processor fails"):
        library_for("live")
    assert engine.closed
    assert closed == opened != []


def test_a_card_whose_time_is_not_known_is_not_taken_for_the_quickest(card, processor):
    engine = card(None)
    processor(live=25.0, card=True)
    assert "live" in library_for("live")[0].engine_name
    assert engine.closed


@pytest.mark.parametrize(("ms", "live"), [(5.0, True), (7.0, False), (35.0, False)])
def test_auto_draws_live_on_a_processor_that_keeps_up(monkeypatch, tmp_path, ms, live):
    """``auto`` goes by the time that an earlier show with key frames has measured and kept."""
    (tmp_path / "models").symlink_to(cache_dir("models"))
    monkeypatch.setenv("VJNODE_CACHE", str(tmp_path))
    monkeypatch.setattr(render_open, "may_be_fast", lambda: False)
    monkeypatch.setattr(timing, "_drawing_s", lambda engine, latent: ms / 1e3)
    opened = threading.Event()
    earlier = render_open.open_renderer(
        size=SIZE,
        drawing="keys",
        period_s=PERIOD_S,
        memory_mib=64,
        told=lambda choice: opened.set(),
    )
    earlier.sweep(Look(face_names()[0], (expression_names()[0],)))
    assert opened.wait(60.0)
    earlier.close()
    library, told = library_for("auto")
    assert isinstance(library, DirectRenderer if live else KeyframeRenderer)
    assert [choice.taken.ms for choice in told] == [ms] * live


def test_auto_opens_nothing_to_find_out_what_was_never_measured(processor, monkeypatch):
    processor(full=1.0, known=False)
    monkeypatch.setattr(render_open, "choose", None)
    assert isinstance(library_for("auto")[0], KeyframeRenderer)
