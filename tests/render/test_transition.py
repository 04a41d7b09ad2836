import itertools
from dataclasses import replace

import numpy as np
import pytest

from vjnode.engines.base import OneByOne
from vjnode.generators.latent import still
from vjnode.render.base import Drawn, Look, Progress, done
from vjnode.render.direct import DirectRenderer
from vjnode.render.direct_transition import DirectTransition
from vjnode.render.layers import LeftOut
from vjnode.render.passage import Shown
from vjnode.render.transition import (
    HANDOVER_S,
    LINGER_S,
    AtOnce,
    PassageTransition,
)

SIZE = 8
LEVELS = {"a": 40, "b": 140, "c": 240}
A, B, C = (Look(name, ("laugh", "turn")) for name in LEVELS)
ALL, FEW = Progress(64, 64), Progress(1, 64)
TICK_S = 1 / 60
TURNS = 30
"""Levels by which the second channel moves a look; key frames cannot show it."""


def grey(level):
    return Drawn(np.full((SIZE, SIZE, 4), round(float(level)), np.uint8))


class Levels:
    """Latents whose only number is the level of a mix of looks, and how far they are moved."""

    def latent(self, leg, share, weights):
        level = sum(part * LEVELS[look.face] for look, part in leg.mix(share).items())
        moved = 10 * weights[0] + TURNS * sum(weights[1:])
        return still(np.full((1, 1), level + moved, np.float32))

    def latents(self, leg, share, weights):
        return [(self.latent(leg, share, weights), 1.0)]


class Keys:
    """Draws looks as levels from key frames."""

    way, engine_name, at_once, draws_beside_the_clock = "keys", "none", 1, True

    def __init__(self):
        self.begun = []

    def begin(self, look, weights):
        self.begun.append((look, weights[0]))
        turned = TURNS * sum(weight for _, weight in look.held)
        return done(grey(LEVELS[look.face] + 10 * weights[0] + turned))


class Late:
    """Shows each latent some ticks late, and a little darker than key frames are."""

    def __init__(self, *, late=5, darker=4):
        self.ready, self.given_up, self.px = True, False, 512
        self.late, self.darker = late, darker
        self.asked, self.warmed, self.rests = [], 0, 0

    def warm(self):
        self.warmed += 1

    def rest(self):
        self.rests += 1
        self.asked = []

    def show(self, latent, now_s):
        self.asked.append((now_s, float(latent.codes()[0, 0])))
        if len(self.asked) <= self.late:
            return None
        at_s, level = self.asked[-1 - self.late]
        return Shown(grey(level - self.darker), at_s)

    def close(self):
        pass


class Show:
    """Ticks of a transition, and what they show."""

    def __init__(self, transition):
        self.transition, self.now_s = transition, 100.0

    def ticks(self, count, look, *, over_s=1.0, progress=ALL, weight=0.0, turns=()):
        """Return the level of each tick. turns: weight of the second channel at each."""
        levels = []
        for tick in range(count):
            self.now_s += TICK_S
            weights = (weight, turns[tick] if len(turns) else 0.0)
            begun = self.transition.begin(
                look, weights, self.now_s, over_s=over_s, progress=progress
            )
            out = np.zeros((SIZE, SIZE, 4), np.uint8)
            begun.result().copy_to(out)
            levels.append(int(out[0, 0, 0]))
        return levels


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def late():
    return Late()


@pytest.fixture
def show(keys, late):
    return Show(PassageTransition(keys, late, Levels()))


def largest_step(levels):
    return max(abs(b - a) for a, b in itertools.pairwise(levels))


HONEST = 1.5 * 100 / 60 + 2
"""Largest step of a morph of 1 s between neighbours, by its easing; and rounding."""


def test_without_a_time_a_look_is_there_at_once(show, keys, late):
    assert show.ticks(3, A, over_s=0.0) == [40] * 3
    assert show.ticks(3, B, over_s=0.0) == [140] * 3
    assert (late.warmed, late.asked) == (0, [])


def test_a_passage_is_made_ready_as_soon_as_there_is_a_time(show, late):
    show.ticks(2, A)
    assert late.warmed
    assert not late.asked


def test_a_look_becomes_another_evenly_and_key_frames_take_over(show, late):
    levels = show.ticks(10, A) + show.ticks(100, B)
    assert levels[:10] == [40] * 10
    assert levels[-1] == 140
    assert largest_step(levels) <= HONEST
    assert late.asked == []
    there = next(at for at, level in enumerate(levels) if level >= 134)
    assert 60 <= there - 10 <= 60 + 2 * late.late


def test_until_the_passage_is_ready_the_look_before_stays(show, late):
    late.ready = False
    assert show.ticks(5, A) + show.ticks(30, B) == [40] * 35
    late.ready = True
    levels = show.ticks(120, B)
    assert largest_step(levels) <= HONEST
    assert levels[-1] == 140


def test_a_passage_that_takes_long_to_get_ready_is_not_waited_for(show, keys, late):
    late.ready = False
    levels = show.ticks(5, A) + show.ticks(90, B)
    assert levels[40] == 40
    late.ready = True
    levels += show.ticks(60, B)
    assert largest_step(levels) <= HONEST
    assert (levels[-1], late.asked) == (140, [])
    assert {look for look, _ in keys.begun[70:90]} == {A, B}
    show.ticks(10, C)
    assert late.asked  # the next one is drawn


def test_a_short_way_does_not_wait_for_a_passage_at_all(show, keys, late):
    late.ready = False
    levels = show.ticks(5, A) + show.ticks(20, B, over_s=0.25)
    assert levels[6] > 40
    assert levels[-1] == 140
    assert {look for look, _ in keys.begun[8:12]} == {A, B}


def test_without_enough_key_frames_the_passage_holds_the_new_look(show, late):
    show.ticks(10, A)
    show.ticks(120, B, progress=FEW)
    assert show.ticks(60, B, progress=FEW) == [136] * 60
    assert show.ticks(5, B, progress=FEW, weight=1.0)[-1] == 136
    assert show.ticks(10, B, progress=FEW, weight=1.0)[-1] == 146  # late, but moved by the sound
    handed_over = show.ticks(40, B, weight=1.0)
    assert largest_step(handed_over) <= 1
    assert handed_over[-1] == 150
    assert late.asked == []


def test_it_turns_round_and_back_without_a_jump(show):
    levels = [*show.ticks(10, A), *show.ticks(40, B), *show.ticks(20, A), *show.ticks(150, B)]
    assert largest_step(levels) <= HONEST
    assert levels[-1] == 140
    levels = [*levels[-1:], *show.ticks(50, A), *show.ticks(150, C)]
    assert largest_step(levels) <= 2 * HONEST  # twice as far
    assert levels[-1] == 240


def test_it_is_turned_round_within_the_hand_over(show):
    ticks = round(0.5 * HANDOVER_S / TICK_S)
    levels = show.ticks(10, A) + show.ticks(ticks + 5, B) + show.ticks(60, A)
    assert largest_step(levels) <= HONEST
    assert levels[-1] == 40


def test_key_frames_are_as_late_as_the_passage_where_both_are_seen(show, keys, late):
    show.ticks(30, A)
    keys.begun.clear()
    for tick in range(25):
        show.ticks(1, B, weight=0.01 * tick)
    moved = [weight for look, weight in keys.begun]
    assert keys.begun[-1][0] == A
    rates = np.diff(moved)
    assert (rates > 0.003).all()
    assert rates[-1] < 0.0075  # slower than it comes, 0.01


def test_too_slow_a_machine_dissolves_key_frames(show, keys, late):
    late.given_up, late.ready = True, False
    levels = show.ticks(10, A) + show.ticks(30, B) + show.ticks(90, C)
    assert largest_step(levels) <= 2 * HONEST
    assert levels[-1] == 240
    assert late.asked == []
    assert {look for look, _ in keys.begun} == {A, B, C}


def test_a_passage_that_breaks_leaves_the_look_that_was_asked_for(show, late):
    show.ticks(10, A)
    show.ticks(30, B)
    late.given_up, late.ready = True, False
    assert show.ticks(3, B) == [140] * 3


def test_a_morph_is_cut_short_when_its_time_is_taken_away(show):
    show.ticks(10, A)
    show.ticks(30, B)
    assert show.ticks(3, B, over_s=0.0) == [140] * 3
    assert show.ticks(3, A, over_s=0.0) == [40] * 3


def turning(look):
    """Return that the second channel is left out of A's and B's key frames."""
    return (LeftOut(1, "turn", "turn turns the head"),) if look != C else ()


@pytest.fixture
def turned(keys, late):
    return Show(PassageTransition(keys, late, Levels(), turning))


WAVE = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(120) / 120)
"""Weight of a head that turns once within two seconds."""


@pytest.mark.parametrize("over_s", [0.0, 1.0])
def test_what_key_frames_leave_out_is_drawn_live_while_it_acts(turned, late, over_s):
    assert turned.ticks(10, A, over_s=over_s) == [40] * 10
    assert (turned.transition.note, late.asked) == ("", [])
    levels = turned.ticks(120, A, over_s=over_s, turns=WAVE)
    assert turned.transition.note == "drawn live at 512 px: turn turns the head"
    assert max(levels) == 40 - late.darker + TURNS
    levels += turned.ticks(round((LINGER_S + 1) / TICK_S), A, over_s=over_s)
    assert levels[-1] == 40
    assert largest_step(levels) <= 3
    assert (turned.transition.note, late.asked) == ("", [])


def test_looks_follow_at_once_while_the_head_turns(turned, keys):
    turned.ticks(60, A, over_s=0.0, turns=np.linspace(0, 1, 60))
    keys.begun.clear()
    levels = turned.ticks(60, B, over_s=0.0, turns=np.ones(60))
    assert levels[-1] == 136 + TURNS
    assert levels.index(136 + TURNS) <= 8
    assert turned.ticks(60, C, over_s=0.0)[-1] == 240  # key frames show all of this one


def test_a_cut_to_a_head_that_turns_is_seen_at_once(keys, late):
    """Its turn follows, and nothing of the look before is seen on the way."""
    turns = turning(B)
    show = Show(PassageTransition(keys, late, Levels(), lambda look: turns if look == B else ()))
    for before in (A, C, A):
        show.ticks(5, before, over_s=0.0)
        levels = show.ticks(60, B, over_s=0.0, turns=np.ones(60))
        assert levels[0] == 140
        assert levels[-1] == 136 + TURNS
        assert levels == sorted(levels)
        assert largest_step(levels) <= 3
        assert show.ticks(1, before, over_s=0.0) == [LEVELS[before.face]]


def test_while_the_passage_gets_ready_key_frames_are_shown(turned, late):
    late.ready = False
    assert turned.ticks(90, A, turns=np.ones(90)) == [40] * 90
    assert late.warmed
    assert turned.transition.note == ""
    late.ready = True
    assert turned.ticks(40, A, turns=np.ones(40))[-1] == 36 + TURNS


def test_a_machine_that_is_too_slow_to_turn_a_head_says_so(turned, late, caplog):
    late.given_up, late.ready = True, False
    turned.ticks(5, A)
    assert turned.transition.note == ""
    assert turned.ticks(60, A, turns=np.ones(60)) == [40] * 60
    assert turned.transition.note == "turn is not shown: turn turns the head"
    assert caplog.text.count("turn is not shown") == 1


HELD = replace(A, held=((1, 1.0),))


def test_key_frames_of_a_pose_take_over_from_the_passage_and_give_back(turned, keys, late):
    """Neither is a cut: what is shown turns as evenly as the weight does."""
    turned.transition = PassageTransition(
        keys, late, Levels(), lambda look: () if look.held else turning(look)
    )
    levels = turned.ticks(60, A, over_s=0.0, turns=np.linspace(0, 1, 60))
    levels += turned.ticks(60, HELD, over_s=0.0, turns=np.ones(60))
    assert levels[-1] == 40 + TURNS
    assert keys.begun[-1][0] == HELD
    assert (turned.transition.note, late.asked) == ("", [])
    levels += turned.ticks(60, A, over_s=0.0, turns=np.linspace(1, 0.5, 60))
    assert abs(levels[-1] - (40 - late.darker + TURNS / 2)) <= 2
    assert largest_step(levels) <= 3


def test_a_pose_stays_held_while_a_look_becomes_another(keys, late):
    transition = PassageTransition(
        keys, late, Levels(), poses=lambda look: (1,) if look != C else ()
    )
    show = Show(transition)
    show.ticks(1, A)
    for tick in range(60):
        look = transition.held(B, (0.0, 0.5), 200 + tick * TICK_S, (1,))
    assert look.held == ((1, 0.5),)
    show.now_s = 201.0
    show.ticks(20, look, over_s=1.0)
    assert transition.held(B, (0.0, 0.9), show.now_s, (1,)) == look
    assert transition.held(C, (0.0, 0.9), show.now_s, (1,)) == C


def only_c(look):
    """Return whether a look's face has weights of its own; the last one has."""
    return look.face == "c"


def test_a_face_with_weights_of_its_own_is_dissolved(keys, late):
    show = Show(PassageTransition(keys, late, Levels(), only_keys=only_c))
    show.ticks(10, A)
    levels = show.ticks(70, C)
    assert late.asked == []
    assert levels == sorted(levels)
    assert (levels[-1], largest_step(levels) < 10) == (240, True)
    levels = show.ticks(70, B)  # and back to one without
    assert late.asked == []
    assert levels[-1] == 140
    assert 40 < show.ticks(30, A)[-1] < 140
    assert late.asked


def test_a_face_with_weights_of_its_own_does_not_turn_and_says_so(keys, late, caplog):
    def turning(look):
        return (LeftOut(1, "turn", "turn turns the head"),)

    show = Show(PassageTransition(keys, late, Levels(), turning, only_keys=only_c))
    assert show.ticks(60, C, turns=np.ones(60)) == [240] * 60
    assert show.transition.note == "turn is not shown: turn turns the head"
    assert caplog.text.count("which no face with weights of its own does") == 1


def test_a_pose_that_is_held_dissolves_in_on_a_face_with_weights_of_its_own(keys, late):
    held = replace(B, held=((1, 1.0),))
    only_b = PassageTransition(keys, late, Levels(), only_keys=lambda look: look.face == B.face)
    show = Show(only_b)
    show.ticks(10, B, over_s=0.0)
    levels = show.ticks(60, held, over_s=0.0)
    levels += show.ticks(60, B, over_s=0.0)
    assert late.asked == []
    assert (levels[0], levels[59], levels[-1]) == (140, 140 + TURNS, 140)
    assert largest_step(levels) <= 2


class Engine(OneByOne):
    name, identity, size = "levels", "levels", SIZE

    def draw(self, latent):
        return np.full((SIZE, SIZE, 4), round(float(latent.codes()[0, 0])), np.uint8)

    def close(self):
        pass


def test_where_every_frame_is_drawn_so_is_every_mix():
    levels = Levels()

    def latents(look, weights):
        return still(np.full((1, 1), LEVELS[look.face] + 10 * weights[0], np.float32))

    show = Show(DirectTransition(DirectRenderer(Engine(), latents), levels))
    seen = show.ticks(5, A) + show.ticks(61, B)
    assert seen[:6] == [40] * 6
    assert (seen[5 + 30], seen[-1]) == (90, 140)
    assert largest_step(seen) <= HONEST
    assert show.ticks(1, A, over_s=0.0) == [40]


def test_without_a_transition_looks_follow_at_once(keys):
    show = Show(AtOnce(keys))
    assert show.ticks(2, A) + show.ticks(2, B) == [40, 40, 140, 140]
