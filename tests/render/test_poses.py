"""Heads that a hand has turned: held where they rest, and drawn from key frames in that pose."""

from dataclasses import replace

import numpy as np
import pytest

from vjnode.control.parameters import CHANNELS
from vjnode.control.state import Controls
from vjnode.engines.registry import open_engine
from vjnode.generators.registry import DEFAULT
from vjnode.modulation.weight_track import live_track
from vjnode.render.base import Look
from vjnode.render.frame_renderer import FrameRenderer, asked_look
from vjnode.render.layers import layers_of, poses_of
from vjnode.render.open import latents_of, open_keyframes
from vjnode.render.open_transition import left_out_of
from vjnode.render.poses import AFTER_S, HeldPoses
from vjnode.render.transition import PassageTransition

SIZE = 256
TURNED = Look("raven", ("laugh", "", "", "turn"))
TICK_S = 1 / 60
LAYERS = layers_of(DEFAULT)


def held(poses, weights, look=TURNED, *, s=1.0, begin_s=0.0, still=(3,)):
    """Return the look after ``s`` with these weights."""
    for tick in range(round(s / TICK_S)):
        asked = poses.step(look, weights, begin_s + tick * TICK_S, still)
    return asked


@pytest.fixture
def poses():
    return HeldPoses(poses_of(DEFAULT, LAYERS))


def test_a_pose_is_held_once_it_rests(poses):
    assert held(poses, (0.2, 0, 0, 0.5), s=0.9 * AFTER_S) == TURNED
    assert held(poses, (0.7, 0, 0, 0.5), begin_s=1).held == ((3, 0.5),)
    assert held(poses, (0.7, 0, 0, 0.506), begin_s=2, s=0.1).held == ((3, 0.5),)  # a fader's step
    assert held(poses, (0.7, 0, 0, 0.55), begin_s=3, s=0.1) == TURNED
    assert held(poses, (0.7, 0, 0, 0.55), begin_s=4).held == ((3, 35 / 64),)
    assert held(poses, (0.7, 0, 0, 0.0), begin_s=5) == TURNED


def test_what_a_source_drives_is_not_held(poses):
    assert held(poses, (0.2, 0, 0, 0.5), still=(0, 1, 2)) == TURNED


@pytest.mark.parametrize("expressions", [("laugh", "brows_up"), ("turn", "")])
def test_where_nothing_is_left_out_nothing_is_held(poses, expressions):
    assert not held(poses, (0.5, 0.5), Look("raven", expressions), still=(0, 1)).held


def test_one_channel_is_left_to_move(poses):
    both = Look("raven", ("turn", "nod_up"))
    assert held(poses, (0.5, 0.25), both, still=(0, 1)).held == ((0, 0.5),)


def test_controls_tell_what_a_hand_alone_moves():
    amount = {f"route/{CHANNELS[3]}/constant/amount": 0.5}
    assert Controls("", "raven", "laugh").still_channels() == {3}
    assert Controls("", "raven", "laugh", **amount).still_channels() == {3}
    swayed = amount | {f"route/{CHANNELS[3]}/lfo/amount": -0.1}
    assert not Controls("", "raven", "laugh", **swayed).still_channels()


def test_channels_with_one_drive_have_one_weight():
    like_the_first = {
        f"route/{CHANNELS[3]}/weight/{part}": value
        for part, value in (("amount", 1.0), ("release", 0.05))
    } | {f"route/{CHANNELS[3]}/onset/amount": 0.2}
    controls = Controls("", "raven", "laugh", **like_the_first)
    assert controls.joint_channels() == (3,)
    look = asked_look(controls)
    assert look.joint == (3,)
    assert LAYERS(look).keys == Look("raven", ("laugh", "turn"), joint=(1,))
    assert asked_look(controls.with_(**{"channel/4/gain": 0.9})).joint == ()


def psnr(a, b):
    return 10 * np.log10(255**2 / np.square(a.astype(float) - b)[..., :3].mean())


class Broken:
    """A passage that no machine is fast enough for."""

    ready, given_up, px = False, True, 0

    def warm(self):
        pass

    rest = close = warm


@pytest.fixture(scope="module")
def renderer():
    renderer = open_keyframes(size=SIZE, memory_mib=64)
    yield renderer
    renderer.close()


def shown_and_drawn(renderer, look, weights):
    """Return a picture from complete key frames, the same drawn, and the face at rest."""
    assert renderer.prepare(look, keys=10**6, timeout_s=120)
    out = np.zeros((SIZE, SIZE, 4), np.uint8)
    renderer.begin(look, weights).result().copy_to(out)
    engine = open_engine(SIZE, spec=DEFAULT)
    drawn = engine.draw(latents_of(DEFAULT)(look, weights))
    straight = engine.draw(latents_of(DEFAULT)(Look(look.face, ("",)), ()))
    engine.close()
    return out, drawn, straight


@pytest.mark.parametrize(
    ("look", "weights"),
    [
        (Look("raven", ("laugh", "", "blink", "turn"), held=((3, 0.5),)), (0.6, 0, 0.5, 0.1)),
        (Look("raven", ("turn", "laugh", "", ""), held=((0, 0.75),)), (0.0, 0.4, 0, 0)),
        (Look("raven", ("laugh", "", "", "turn"), joint=(3,)), (0.7, 0, 0, 0.0)),
    ],
    ids=["held", "the first is held", "joint"],
)
def test_key_frames_show_heads_that_rest_or_turn_with_the_first(renderer, look, weights):
    shown, drawn, straight = shown_and_drawn(renderer, look, weights)
    assert psnr(shown, drawn) >= 33
    assert psnr(shown, straight) < 25


def test_a_show_takes_up_key_frames_of_the_pose(renderer):
    """Even where nothing is fast enough to turn a head while it moves."""
    transition = PassageTransition(
        renderer, Broken(), None, left_out_of(LAYERS), poses=poses_of(DEFAULT, LAYERS)
    )
    track = live_track()
    frames = FrameRenderer(renderer, track, transition)
    controls = Controls("", "raven", "laugh", idle_gaze=0.0, idle_breath=0.0, idle_smile=0.0)
    controls = controls.with_(**{"expression/2": "none", "expression/3": "none"})
    straight, turned = (np.zeros((SIZE, SIZE, 4), np.uint8) for _ in range(2))
    assert frames.prepare(controls, keys=10**6, timeout_s=120)
    frames.render(0.0, controls, straight)
    controls = controls.with_(**{f"route/{CHANNELS[3]}/constant/amount": 0.75})
    for tick in range(1, 60):
        frames.render(tick * TICK_S, controls, turned)
    posed = replace(asked_look(controls), held=((3, 0.75),))
    assert renderer.prepare(posed, keys=10**6, timeout_s=120)
    frames.render(60 * TICK_S, controls, turned)
    info = frames.render(61 * TICK_S, controls, turned)
    look, _ = frames.drawn_look
    assert look.held == ((3, 0.75),)
    assert info.note == ""
    assert psnr(straight, turned) < 25
