import itertools
import json

import pytest

from vjnode.control.glide import BY_HAND, EASINGS, Glide, Way, eased, steepest
from vjnode.control.parameters import PARAMETERS
from vjnode.control.state import Controls

START = Controls("", "ada", "laugh", gain=0.5, curve=1.0, morph=2.0, lfo_beats=0.0)
GOAL = START.with_(gain=2.5, curve=3.0, morph=0.0, lfo_beats=8.0, gate=-40.0)


@pytest.mark.parametrize("easing", EASINGS)
def test_an_easing_goes_all_the_way_and_never_back_or_too_fast(easing):
    ways = [eased(n / 1000, easing) for n in range(1001)]
    assert (ways[0], ways[-1]) == pytest.approx((0.0, 1.0))
    steps = [b - a for a, b in itertools.pairwise(ways)]
    assert min(steps) >= 0.0
    assert max(steps) <= steepest(easing) / 1000 + 1e-12
    assert max(steps) > 0.99 * steepest(easing) / 1000


def test_numbers_go_there_in_the_time_of_the_way_and_what_is_of_the_room_is_there_at_once():
    way = START.gliding_to(GOAL, Way(2.0, "linear"), 10.0)
    assert way.number("gain") == 2.5  # what is set is told at once
    now = way.at(11.0)
    assert (now.number("gain"), now.number("curve")) == (1.5, 2.0)
    assert (now.number("morph"), now.number("lfo_beats"), now.number("gate")) == (0.0, 8.0, -40.0)
    assert way.at(12.0) is way
    assert way.morph_s == 2.0


def test_at_once_is_at_once():
    assert START.gliding_to(GOAL, Way(0.0), 10.0).at(10.0).number("gain") == 2.5


def test_it_turns_round_without_a_jump():
    there = START.gliding_to(GOAL, Way(2.0), 10.0)
    back = there.gliding_to(START, Way(2.0), 11.0)
    assert back.at(11.0).number("gain") == there.at(11.0).number("gain") == pytest.approx(1.5)
    assert back.at(13.0).number("gain") == 0.5


def test_a_hand_takes_over_without_a_jump_and_the_rest_goes_on():
    way = START.gliding_to(GOAL, Way(2.0, "linear"), 10.0)
    taken = way.moved("gain", 4.0, 11.0)
    assert taken.at(11.0).number("gain") == 1.5
    assert taken.at(11.0 + BY_HAND.over_s).number("gain") == 4.0
    assert taken.at(11.5).number("curve") == way.at(11.5).number("curve")
    over = taken.moved("gain", 1.0, 12.0)
    assert over.at(12.0).number("gain") == 1.0  # as ever
    assert not over.glides  # what has arrived is carried along no more


def test_only_floats_of_the_look_glide():
    glide = {row.name for row in PARAMETERS if row.glides}
    assert {"gain", "attack", "idle_gaze", "route/expression/beat/amount"} <= glide
    assert not glide & {"morph", "morph_bars", "gate", "bpm", "lfo_beats", "blackout_fade"}
    assert all(row.kind == "float" for row in PARAMETERS if row.glides)


def test_time_before_it_began_is_its_beginning():
    assert Glide(1.0, 10.0, Way(2.0)).at(3.0, 9.0) == 1.0


def test_motion_can_be_told_and_comes_back_also_at_another_time():
    way = START.gliding_to(GOAL, Way(2.0, "soft"), 10.0)
    for controls in (way, START):
        said = json.loads(json.dumps(controls.motion()))
        plain = controls.on_way({}, None)
        assert plain.in_motion(said) == controls
        assert plain.in_motion(said, later_s=5.0).at(16.0) == controls.at(11.0)
