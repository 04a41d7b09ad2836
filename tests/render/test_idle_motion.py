import numpy as np
import pytest

from vjnode.render.idle_motion import AFTER_S, DEPTH, EASE_OUT_S, REACH, Idle, Movement

FPS = 60


def run(idle, seconds, *, quiet, start_s=0.0, **given):
    """Return smile, gaze and breath of each frame, (frames, 3)."""
    times = start_s + np.arange(round(seconds * FPS)) / FPS
    moved = [idle.step(float(t), quiet=quiet, **given) for t in times]
    return np.array([(one.smile, one.gaze, one.breath) for one in moved])


def smiles(idle, seconds, **given):
    return run(idle, seconds, **given)[:, 0]


def test_music_that_drives_the_face_has_it_to_itself():
    moved = run(Idle(), 60, quiet=False, weight=0.8)[FPS:]
    assert not moved[:, 0].any()
    assert np.abs(moved[:, 1:]).max() < 0.01


def test_a_rest_between_two_notes_is_no_silence():
    assert not smiles(Idle(), AFTER_S - 0.05, quiet=True).any()


def test_silence_lives_slowly_and_a_little():
    moved = smiles(Idle(), 60, quiet=True)
    assert moved.min() >= 0
    assert 0.5 * DEPTH < moved.max() <= DEPTH
    assert (
        np.abs(np.diff(moved)).max() * FPS < 0.12
    )  # of the whole way to full expression, a second
    later = moved[5 * FPS :]
    assert np.ptp(later) > 0.4 * DEPTH
    for start in range(0, len(later) - 6 * FPS, FPS):  # it never stands still for long
        assert np.ptp(later[start : start + 6 * FPS]) > 0.15 * DEPTH


def test_it_is_on_its_way_within_some_seconds_and_begins_at_rest():
    moved = smiles(Idle(), 6, quiet=True)
    assert moved[round(1.0 * FPS)] < 0.01
    assert moved[: 6 * FPS].max() > 0.3 * DEPTH


def test_when_sound_comes_the_smile_goes_softly():
    idle = Idle()
    before = smiles(idle, 13.0, quiet=True)
    after = smiles(idle, EASE_OUT_S + 0.1, quiet=False, start_s=13.0)
    assert after[-1] == 0.0
    steps = np.abs(np.diff(np.concatenate([before[-1:], after])))
    assert steps.max() < 0.01


def test_the_same_silence_is_the_same_movement():
    assert (run(Idle(), 20, quiet=True) == run(Idle(), 20, quiet=True)).all()


def test_eyes_rest_and_move_on_and_mostly_look_ahead():
    gaze = run(Idle(), 300, quiet=True, gaze=1.0)[:, 1]
    moving = np.abs(np.diff(gaze)) > 0.002
    glances = np.count_nonzero(np.diff(moving.astype(int)) == 1)
    assert 40 < glances < 160
    assert moving.mean() < 0.15
    assert gaze.min() < -0.5
    assert gaze.max() > 0.5
    assert np.median(np.abs(gaze)) < 0.5


def test_the_head_breathes_slowly():
    breath = run(Idle(), 60, quiet=True, breath=1.0)[:, 2]
    assert breath[0] == 0.0
    assert breath.min() >= 0.0
    assert 0.7 < breath.max() <= 1.0
    assert np.abs(np.diff(breath)).max() * FPS < 0.8


def test_what_another_channel_does_hides_glances_and_breath_at_once():
    idle = Idle()
    run(idle, 10, quiet=True, gaze=1.0, breath=1.0)
    shut = idle.step(10.0, quiet=True, others=1.0, gaze=1.0, breath=1.0)
    assert (shut.gaze, shut.breath) == (0.0, 0.0)


@pytest.mark.parametrize(("amount", "column"), [("smile", 0), ("gaze", 1), ("breath", 2)])
def test_each_amount_acts_on_its_own_and_none_is_none(amount, column):
    usual, without, doubled = (
        run(Idle(), 20, quiet=True, **given) for given in ({}, {amount: 0.0}, {amount: 1.0})
    )
    assert not without[:, column].any()
    np.testing.assert_allclose(doubled[:, column], 2 * usual[:, column])
    others = [one for one in range(3) if one != column]
    assert (without[:, others] == usual[:, others]).all()


def test_weights_are_one_for_each_action_and_within_their_range():
    for movement in (Movement(), Movement(0.1, -1.0, 1.0), Movement(0.1, 1.0, 0.5)):
        assert len(movement.weights) == len(REACH)
        assert all(0.0 <= weight <= 1.0 for weight in movement.weights)
