import numpy as np

from vjnode.render.idle_motion import AFTER_S, DEPTH, EASE_OUT_S, Idle

FPS = 60


def run(idle, seconds, *, quiet, start_s=0.0):
    times = start_s + np.arange(round(seconds * FPS)) / FPS
    return np.array([idle.step(float(t), quiet=quiet) for t in times])


def test_music_is_not_moved():
    assert not run(Idle(), 60, quiet=False).any()


def test_a_rest_between_two_notes_is_no_silence():
    assert not run(Idle(), AFTER_S - 0.05, quiet=True).any()


def test_silence_lives_slowly_and_a_little():
    moved = run(Idle(), 60, quiet=True)
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
    moved = run(Idle(), 6, quiet=True)
    assert moved[round(1.0 * FPS)] < 0.01
    assert moved[: 6 * FPS].max() > 0.3 * DEPTH


def test_when_sound_comes_it_goes_softly():
    idle = Idle()
    before = run(idle, 13.0, quiet=True)
    after = run(idle, EASE_OUT_S + 0.1, quiet=False, start_s=13.0)
    assert after[-1] == 0.0
    steps = np.abs(np.diff(np.concatenate([before[-1:], after])))
    assert steps.max() < 0.01


def test_the_same_silence_is_the_same_movement():
    assert (run(Idle(), 20, quiet=True) == run(Idle(), 20, quiet=True)).all()
