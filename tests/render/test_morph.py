import itertools

import pytest

from vjnode.render.base import Look
from vjnode.render.morph import Morph

A, B, C = (Look(name, ("laugh",)) for name in "abc")
TICK_S = 1 / 60


def walk(morph, asked, *, over_s=2.0):
    """Step through the looks that are asked for, as (look, ticks); return the mixes."""
    mixes, now_s = [], 10.0
    morph.step(morph.asked, now_s, over_s)
    for look, ticks in asked:
        for _ in range(ticks):
            now_s += TICK_S
            morph.step(look, now_s, over_s)
            mixes.append(morph.mix)
    return mixes


def steps(mixes):
    """Return the distance between neighbouring mixes: the share that passes over."""
    pairs = itertools.pairwise(mixes)
    return [
        sum(abs(a.get(look, 0.0) - b.get(look, 0.0)) for look in {*a, *b}) / 2 for a, b in pairs
    ]


def honest():
    """Return the largest step of a morph that nobody interferes with."""
    return max(steps(walk(Morph(A), [(B, 130)]))) + 1e-12


def test_it_takes_as_long_as_it_is_told_and_eases_in_and_out():
    mixes = walk(Morph(A), [(B, 121)])
    share = [mix.get(B, 0.0) for mix in mixes]
    assert (share[0], share[60], share[-1]) == pytest.approx((0.0, 0.5, 1.0))
    assert share[-2] < 1.0
    assert mixes[-1] == {B: 1.0}
    assert max(steps(mixes)) <= 1.5 * (1 / 120) + 1e-9
    assert max(share[1], 1.0 - share[-2]) < 0.1 / 120


def test_shares_add_up_wherever_it_is_led():
    for mix in walk(Morph(A), [(B, 40), (C, 30), (A, 50), (B, 7), (C, 200)]):
        assert sum(mix.values()) == pytest.approx(1.0)
        assert min(mix.values()) > 0.0


def test_it_turns_round_and_is_back_after_as_long():
    morph = Morph(A)
    mixes = walk(morph, [(B, 50), (A, 50)])
    there, back = mixes[:50], mixes[50:]
    # It is asked before it is led on, so that the first step goes on as before.
    assert [mix[B] for mix in back[1:49]] == pytest.approx([mix[B] for mix in there[:0:-1]][:48])
    assert max(steps(mixes)) <= honest()
    assert not morph.settled
    walk(morph, [(A, 2)])
    assert (morph.settled, morph.mix) == (True, {A: 1.0})


def test_it_may_be_turned_round_again():
    morph = Morph(A)
    mixes = walk(morph, [(B, 60), (A, 30), (B, 91)])
    assert max(steps(mixes)) <= honest()
    assert morph.settled
    assert morph.mix == {B: 1.0}


def test_a_third_look_is_reached_from_the_mix():
    morph = Morph(A)
    mixes = walk(morph, [(B, 61), (C, 121)])
    assert mixes[60] == pytest.approx({A: 0.5, B: 0.5})
    assert mixes[61] == pytest.approx(mixes[60], abs=0.02)
    assert max(steps(mixes)) <= honest()
    assert mixes[-2][C] < 1.0
    assert morph.mix == {C: 1.0}


def test_many_looks_in_a_row_leave_no_more_than_there_were():
    looks = [Look(str(number), ("laugh",)) for number in range(4)]
    mixes = walk(Morph(A), [(looks[number % 4], 1) for number in range(200)])
    assert len(mixes[-1]) <= 5
    assert max(steps(mixes)) <= honest()


def test_at_once_is_at_once_in_the_middle_of_a_morph_too():
    morph = Morph(A)
    walk(morph, [(B, 1)], over_s=0.0)
    assert morph.mix == {B: 1.0}
    walk(morph, [(C, 40)])
    assert not morph.settled
    walk(morph, [(A, 1)], over_s=0.0)
    assert (morph.mix, morph.settled) == ({A: 1.0}, True)


def test_a_way_keeps_the_easing_that_it_set_out_with():
    morph = Morph(A)
    morph.step(A, 0.0, 1.0)
    morph.step(B, 0.0, 1.0, "linear")
    shares = []
    for n in range(1, 8):
        morph.step(B if n < 6 else A, n / 10, 1.0, "in")
        shares.append(morph.mix[B])
    assert shares == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.5])
