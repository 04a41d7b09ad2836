import math

import pytest

from vjnode.drive.drive import Drive
from vjnode.drive.weight import WeightTrack

AT_ONCE = {"attack_s": 0.0, "release_s": 0.0}


def drive(captured_s, weight, *, t_s=None, onsets=0):
    return Drive(captured_s if t_s is None else t_s, captured_s, -20.0, onsets, weight)


def track(*drives, **settings):
    made = WeightTrack(**(AT_ONCE | settings))
    made.at(0.0, 1.0)  # the first moment is always at rest
    for one in drives:
        made.push(one)
    return made


def test_between_two_drives_the_weight_is_interpolated():
    made = track(drive(1.0, 0.2), drive(1.1, 0.6))
    assert made.at(1.0, 1.0).weight == pytest.approx(0.2)
    moment = made.at(1.075, 1.0)
    assert moment.weight == pytest.approx(0.5)
    assert moment.t_s == moment.captured_s == pytest.approx(1.075)
    assert not moment.resting


def test_live_the_face_is_one_step_behind_and_never_looks_ahead():
    made = track(drive(1.0, 0.2), delay_s=0.1)
    assert made.at(1.1, 1.0).weight == pytest.approx(0.2)
    made.push(drive(1.1, 0.6))
    moment = made.at(1.15, 1.0)
    assert moment.weight == pytest.approx(0.4)
    assert moment.captured_s == pytest.approx(1.05)


def test_a_late_drive_is_waited_for_with_the_last_weight():
    made = track(drive(1.0, 0.2), drive(1.1, 0.6))
    moment = made.at(1.2, 1.0)
    assert moment.weight == pytest.approx(0.6)
    assert moment.captured_s == 1.1


def test_without_new_drives_the_face_goes_to_rest_with_the_release():
    made = track(drive(1.0, 0.8), release_s=0.5, rest_after_s=0.25)
    assert made.at(1.0, 1.0).weight == pytest.approx(0.8)
    assert made.at(1.2, 1.0).weight == pytest.approx(0.8)
    assert made.at(1.3, 1.0).resting
    weights = [made.at(1.3 + 0.1 * i, 1.0).weight for i in range(1, 31)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 0.01
    made.push(drive(4.4, 0.8))
    assert made.at(4.4, 1.0).weight == pytest.approx(0.8)


def test_over_a_gap_in_the_sound_nothing_glides():
    made = track(drive(1.0, 0.4), drive(3.0, 1.0), rest_after_s=0.25)
    assert made.at(1.1, 1.0).weight == pytest.approx(0.4)
    assert made.at(2.9, 1.0).weight == 0.0
    assert made.at(3.0, 1.0).weight == 1.0


def test_before_the_first_sound_the_face_rests():
    made = track()
    assert made.at(5.0, 4.0).weight == 0.0
    made.push(drive(6.0, 1.0))
    moment = made.at(5.5, 4.0)
    assert moment.weight == 0.0
    assert moment.resting


def test_the_envelope_has_the_configured_times_or_those_of_the_moment():
    made = track(drive(1.0, 1.0), attack_s=0.1)
    made.at(0.98, 1.0)
    first = made.at(1.03, 1.0).weight
    assert first == pytest.approx(1 - math.exp(-0.5))
    second = made.at(1.08, 1.0, attack_s=0.05).weight
    assert second == pytest.approx(1 - (1 - first) * math.exp(-1.0))


def test_gain_comes_last_and_the_weight_stays_within_its_range():
    made = track(drive(1.0, 0.3), rest_after_s=9.0)
    made.at(1.0, 1.0)
    assert made.at(1.1, 2.0).weight == pytest.approx(0.6)
    assert made.at(1.2, 4.0).weight == 1.0
    assert made.at(1.3, 0.0).weight == 0.0
    assert made.at(1.4, -1.0).weight == 0.0
    assert made.at(1.5, 99.0).weight == 1.0


def test_over_the_seam_of_a_loop_the_position_goes_on():
    made = track(drive(9.98, 0.5, t_s=39.98), drive(10.0, 0.5, t_s=0.01))
    assert made.at(9.99, 1.0).t_s == pytest.approx(39.99)
    assert made.at(10.0, 1.0).t_s == pytest.approx(0.01)


def test_onsets_are_those_that_have_been_heard():
    made = track(drive(1.0, 0.5, onsets=3), drive(1.1, 0.5, onsets=4))
    assert made.at(1.05, 1.0).onsets == 3
    assert made.at(1.1, 1.0).onsets == 4


def test_a_song_that_starts_anew_starts_a_new_track_of_time():
    made = track(drive(50.0, 0.5), drive(0.02, 0.9))
    assert made.at(0.02, 1.0).weight == 0.9


def test_drives_that_are_past_are_forgotten():
    made = track(*(drive(0.02 * i, 0.5) for i in range(1, 10_000)))
    made.at(150.0, 1.0)
    assert len(made._drives) < 2_600
