import itertools
import math
import threading

import numpy as np
import pytest

from tests.events import wait_for
from tests.modulation.drives import drive
from vjnode.audio.sources.base import BLOCK_S
from vjnode.audio.tempo.beat import Beat
from vjnode.control.glide import Way
from vjnode.control.state import Controls, change
from vjnode.engines.base import OneByOne
from vjnode.engines.openvino.parallel import SideBySide
from vjnode.generators.latent import still
from vjnode.modulation.response import TrackConfig
from vjnode.modulation.weight_track import WeightTrack
from vjnode.render.direct import DirectRenderer
from vjnode.render.frame_renderer import FrameRenderer, asked_look
from vjnode.render.idle_motion import DEPTH
from vjnode.render.keyframe_renderer import KeyframeRenderer
from vjnode.render.layers import Layers
from vjnode.render.open import open_keyframes
from vjnode.show.factory import stock

SIZE = 16
ADA = Controls("", "ada", "laugh", attack=0.0, release=0.0, accent=0.0)
BEN = ADA.with_(face="ben")


class SlowForBen(OneByOne):
    """An engine that draws ada at once and ben when it is told to."""

    name, identity, size = "test", "test", SIZE

    def __init__(self):
        self.may_draw_ben = threading.Event()

    def draw(self, latent):
        first = latent.codes()[0, 0]
        if first >= 100:
            self.may_draw_ben.wait()
        return np.full((SIZE, SIZE, 4), int(first), np.uint8)

    def draw_unless(self, given_up, latent):
        return None if given_up() else self.draw(latent)

    def close(self):
        pass


@pytest.fixture
def engine():
    return SlowForBen()


@pytest.fixture
def frames(engine):
    def latents(look, weights):
        level = (100 if look.face == "ben" else 0) + 63 * weights[0]
        return still(np.full((23, 512), level, np.float32))

    library = KeyframeRenderer(
        lambda threads: engine,
        latents,
        lambda look: Layers(look.in_one_channel(), None),
        size=SIZE,
        memory_bytes=1 << 24,
        folder=None,
    )
    track = WeightTrack(TrackConfig(slope=math.inf))
    beat = Beat(bpm=120.0, beats=4.0, anchor_s=0.0, locked=True)
    for number in range(200):
        track.push(drive(number * BLOCK_S, 1.0, low=0.5, onsets=number, beat=beat))
    frames = FrameRenderer(library, track)
    assert frames.prepare(ADA, keys=64, timeout_s=60)
    yield frames
    engine.may_draw_ben.set()
    library.close()


def paint(frames, now_s, controls):
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    return frames.render(now_s, controls, out), int(out[0, 0, 0])


def test_gain_scales_the_movement(frames):
    paint(frames, 0.1, ADA)
    full, bright = paint(frames, 0.2, ADA)
    half, middle = paint(frames, 0.3, ADA.with_(gain=0.5))
    assert (full.moment.weight, half.moment.weight) == (1.0, 0.5)
    assert middle == pytest.approx(bright / 2, abs=2)
    assert (full.frame, half.frame) == (1, 2)


def test_a_look_that_is_not_there_yet_leaves_the_one_before_on(frames, engine):
    paint(frames, 0.1, ADA)
    shown, bright = paint(frames, 0.2, ADA)
    waiting, still = paint(frames, 0.3, BEN)
    assert (shown.face, waiting.face) == ("ada", "ada")
    assert still == bright
    engine.may_draw_ben.set()
    assert frames.prepare(BEN, keys=1, timeout_s=60)
    assert paint(frames, 0.4, BEN)[0].face == "ben"


def test_a_recall_before_the_first_frame_leaves_what_was_prepared_on(frames):
    assert paint(frames, 0.1, BEN)[0].face == "ada"


def test_numbers_glide_from_frame_to_frame_and_turn_round_without_a_jump(frames):
    paint(frames, 0.1, ADA)
    there = ADA.gliding_to(ADA.with_(gain=0.0), Way(1.0, "linear"), 0.1)
    shown = [paint(frames, 0.1 + n / 60, there)[0] for n in range(31)]
    assert shown[30].gain == pytest.approx(0.5)
    assert [info.moment.weight for info in shown[1:]] == pytest.approx(
        [info.gain for info in shown[1:]], abs=0.02
    )
    back = there.gliding_to(ADA, Way(1.0, "linear"), 0.6)
    assert paint(frames, 0.6, back)[0].gain == pytest.approx(0.5)
    assert paint(frames, 1.6, back)[0].gain == 1.0


def test_a_look_that_was_prepared_beforehand_is_there_with_the_next_frame(frames, engine):
    paint(frames, 0.1, ADA)
    engine.may_draw_ben.set()
    library = frames._renderer
    library.prefetch([], first=[asked_look(BEN)])
    wait_for(lambda: warm(library, asked_look(BEN)))
    assert paint(frames, 0.2, BEN)[0].face == "ben"


def warm(library, look):
    """Tell whether all key frames of the first channel of a look are there."""
    sweep = library._cache.published.get(look.in_one_channel())
    return sweep is not None and sweep.ready == sweep.keys


def test_a_frame_knows_what_was_heard(frames):
    heard = paint(frames, 0.25, ADA)[0].moment
    assert (heard.rms_db, heard.agc_db, heard.low, heard.bpm) == (-20.0, 3.0, 0.5, 120.0)
    assert (heard.beat, heard.bar) == pytest.approx((0.5, 0.125))
    assert heard.onsets == int(0.25 / BLOCK_S)
    assert heard.captured_s == pytest.approx(0.25, abs=BLOCK_S)


def test_what_is_turned_counts_from_the_next_frame(frames):
    paint(frames, 0.1, ADA)
    assert paint(frames, 0.2, ADA)[0].moment.weight == 1.0
    assert paint(frames, 0.3, ADA.with_(ceiling=0.75))[0].moment.weight == pytest.approx(0.75)
    silent = ADA.with_(**{"route/expression/weight/amount": 0.5})
    assert paint(frames, 0.4, silent)[0].moment.weight == pytest.approx(0.5)


def test_without_sound_the_face_lives_and_the_weight_says_nothing_of_it(frames):
    moved = []
    for n in range(12 * 60):
        info, level = paint(frames, 5.0 + n / 60, ADA)  # the last drive is seconds old
        assert info.moment.weight == 0.0
        assert level == pytest.approx(63 * info.idle, abs=1)
        moved.append(info.idle)
    assert moved[0] == 0.0
    assert max(moved) > 0.5 * DEPTH
    assert max(abs(b - a) for a, b in itertools.pairwise(moved)) < 0.002


def test_with_sound_it_does_nothing_of_itself(frames):
    for n in range(60):
        assert paint(frames, 0.1 + n / 60, ADA)[0].idle == 0.0


def test_what_is_shown_is_known_and_whether_it_is_complete(frames):
    assert frames.drawn_look is None
    paint(frames, 0.1, ADA)
    look, complete = frames.drawn_look
    assert (look.face, complete) == ("ada", True)


class Begun:
    """An engine whose pictures say which weight they were begun with."""

    name, identity, size = "begun", "begun", SIZE

    def draw(self, latent):
        return np.full((SIZE, SIZE, 4), round(200 * float(latent.codes()[0, 0])), np.uint8)

    def close(self):
        pass


def test_frames_that_overlap_are_told_with_their_own_pictures():
    renderer = DirectRenderer(
        SideBySide(Begun), lambda look, weights: still(np.full((23, 512), weights[0], np.float32))
    )
    track = WeightTrack(TrackConfig(slope=math.inf))
    for number in range(200):
        track.push(drive(number * BLOCK_S, min(number / 100, 1.0)))
    frames, out = FrameRenderer(renderer, track), np.zeros((SIZE, SIZE, 4), np.uint8)
    assert renderer.at_once == 2
    told = []
    for tick in range(1, 8):
        info = frames.render(0.1 * tick, ADA, out)
        assert out[0, 0, 0] == round(200 * min(info.moment.weight + info.idle, 1.0))
        told.append(info)
    assert [info.frame for info in told] == [0, 0, 1, 2, 3, 4, 5]
    assert len({info.moment.weight for info in told[1:]}) == 6
    apart = np.zeros_like(out)
    frames.draw_still(0.5, apart)  # as stills do, between frames
    assert apart[0, 0, 0] == 100
    assert frames.render(0.9, ADA, out).frame == 6
    renderer.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "taken",
    [
        {},
        {"idle_gaze": 0.0, "idle_breath": 0.0},
        {"idle_breath": 0.0},
        {"channel/2/expression": "none"},
        {"channel/2/expression": "none", "channel/3/expression": "none", "idle_gaze": 0.0},
        {"expression": "turn"},
        {"expression": "none", "channel/2/expression": "laugh"},
    ],
)
def test_any_channel_and_idle_movement_can_be_taken_away(taken):
    """From key frames, all of them there: what is not prepared is not asked for."""
    renderer = open_keyframes(size=256, memory_mib=64)
    track = WeightTrack(TrackConfig(slope=math.inf))
    for number in range(200):
        track.push(drive(number * BLOCK_S, 0.3, onsets=number // 20))
    controls, available = Controls("", "flint", "laugh"), stock()
    for name, value in taken.items():
        controls = change(controls, name, value, available)
    frames, out = FrameRenderer(renderer, track), np.zeros((256, 256, 4), np.uint8)
    try:
        assert frames.prepare(controls, keys=1000, timeout_s=60)
        for number in range(60):
            frames.render(number / 60, controls, out)
            assert (out[..., 3] == 255).all()
    finally:
        renderer.close()
