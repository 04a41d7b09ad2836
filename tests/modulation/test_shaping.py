import math

import pytest

from vjnode.modulation.shaping import Gate, shape


def test_untouched_the_weight_passes():
    assert [shape(w) for w in (0.0, 0.3, 1.0)] == [0.0, 0.3, 1.0]


def test_the_curve_bends_between_the_ends():
    assert shape(0.5, curve=2.0) == 0.25
    assert shape(0.25, curve=0.5) == 0.5
    assert shape(0.0, curve=0.25) == 0.0
    assert shape(1.0, curve=4.0) == 1.0
    assert shape(0.5, curve=99.0) == shape(0.5, curve=4.0)


def test_floor_and_ceiling_are_what_the_ends_become():
    assert shape(0.0, floor=0.2, ceiling=0.6) == 0.2
    assert shape(1.0, floor=0.2, ceiling=0.6) == pytest.approx(0.6)
    assert shape(0.5, floor=0.2, ceiling=0.6) == pytest.approx(0.4)
    assert shape(7.0, floor=-1.0, ceiling=2.0) == 1.0


def test_faders_that_cross_neither_jump_nor_turn_the_face_around():
    before = None
    for floor in range(101):
        calm, wild = (shape(w, floor=floor / 100, ceiling=0.5) for w in (0.2, 0.9))
        assert calm <= wild
        if before is not None:
            assert abs(calm - before[0]) <= 0.011
            assert abs(wild - before[1]) <= 0.011
        before = calm, wild


def test_the_gate_opens_at_once_and_closes_after_the_hold():
    gate = Gate(-60.0)
    assert not gate.step(-60.1, 0.01)
    assert gate.step(-60.0, 0.01)
    assert [gate.step(-90.0, 0.01) for _ in range(10)] == [True] * 9 + [False]
    assert gate.step(-10.0, 0.0)


def test_within_the_hysteresis_the_gate_stays_as_it_is():
    gate = Gate(-60.0)
    assert not any(gate.step(-61.0, 0.1) for _ in range(10))
    gate.step(-59.0, 0.1)
    assert all(gate.step(-62.9, 0.1) for _ in range(100))


def test_short_holes_do_not_close_it():
    gate = Gate(-60.0)
    gate.step(-20.0, 0.01)
    for _ in range(50):
        assert gate.step(-120.0, 0.09)
        assert gate.step(-20.0, 0.01)


def test_the_threshold_may_be_turned_and_bad_levels_are_silence():
    gate = Gate(-60.0)
    gate.step(-50.0, 0.01)
    gate.threshold_db = -40.0
    assert not gate.step(-50.0, 0.2)
    assert not gate.step(math.nan, 0.1)
    assert gate.step(math.inf, 0.1)
    assert not gate.step(-math.inf, 1.0)
