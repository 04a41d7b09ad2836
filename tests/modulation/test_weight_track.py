import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from tests.modulation.drives import drive
from vjnode.audio.features.analyser import FLOOR_DB
from vjnode.audio.tempo.beat import Beat
from vjnode.modulation.drive import HITS
from vjnode.modulation.matrix import SOURCES, Route
from vjnode.modulation.response import Response, TrackConfig
from vjnode.modulation.weight_track import CALMING, WeightTrack

BLOCK_S = 256 / 44_100


def only(**routes):
    """Nothing but these routes, each as (amount, attack, release) or as an amount at once."""
    nothing = dict.fromkeys(SOURCES, 0.0) | routes
    shaped = {k: v if isinstance(v, tuple) else (v, 0.0, 0.0) for k, v in nothing.items()}
    return Response(routes=tuple(Route(k, "expression", *v) for k, v in shaped.items()))


AT_ONCE = only(weight=1.0)


def track(*drives, **settings):
    made = WeightTrack(TrackConfig(**({"slope": math.inf} | settings)))
    made.at(0.0, AT_ONCE)  # the first moment is always at rest
    for one in drives:
        made.push(one)
    return made


def test_between_two_drives_the_weight_is_interpolated():
    made = track(drive(1.0, 0.2), drive(1.1, 0.6))
    assert made.at(1.0, AT_ONCE).weight == pytest.approx(0.2)
    moment = made.at(1.075, AT_ONCE)
    assert moment.weight == pytest.approx(0.5)
    assert not moment.resting


def test_live_the_face_is_one_step_behind_and_never_looks_ahead():
    made = track(drive(1.0, 0.2), delay_s=0.1)
    assert made.at(1.1, AT_ONCE).weight == pytest.approx(0.2)
    made.push(drive(1.1, 0.6))
    moment = made.at(1.15, AT_ONCE)
    assert moment.weight == pytest.approx(0.4)
    assert moment.captured_s == moment.t_s == pytest.approx(1.05)


def test_live_a_hit_does_not_wait_for_the_step_after_it():
    made = track(drive(1.0, 0.2), delay_s=0.1)
    made.push(drive(1.1, 0.6, hits=((1.1, 1.0),)))
    assert made.at(1.12, AT_ONCE).weight == pytest.approx(0.6)
    made.push(drive(1.2, 0.1, hits=((1.1, 1.0),)))
    assert made.at(1.22, AT_ONCE).weight == pytest.approx(0.5)  # it falls as ever


def test_live_what_is_still_to_come_changes_nothing():
    rng = np.random.default_rng(0)
    drives, hits = [], ()
    for i in range(1, 400):
        now_s = i * BLOCK_S
        if rng.random() < 0.1:
            hits = (*hits, (now_s - 0.005, float(rng.random())))[-HITS:]
        # The encoder speaks at every second block.
        weight_s = (i - i % 2) * BLOCK_S
        said = {"weight_s": weight_s, "hits": hits, "low": float(rng.random())}
        weight = drives[-1].weight if i % 2 and drives else float(rng.random())
        drives.append(drive(now_s, weight, audible=rng.random() > 0.05, **said))
    response = only(weight=(0.6, 0.01, 0.3), onset=(0.3, 0.0, 0.1), low=(0.2, 0.0, 0.1))
    live = track(delay_s=2 * BLOCK_S + 0.001)
    told = track(*drives, delay_s=2 * BLOCK_S + 0.001)
    waiting = drives.copy()
    for frame in range(1, 120):
        while waiting and waiting[0].captured_s <= frame / 60:
            live.push(waiting.pop(0))
        assert live.at(frame / 60, response) == told.at(frame / 60, response)


def test_a_late_drive_is_waited_for_with_the_last_weight():
    made = track(drive(1.0, 0.2), drive(1.1, 0.6))
    moment = made.at(1.2, AT_ONCE)
    assert moment.weight == pytest.approx(0.6)
    assert moment.captured_s == 1.1
    assert not moment.resting


def test_without_new_drives_the_face_goes_to_rest_soon():
    response = only(weight=(1.0, 0.0, 0.5))
    made = track(drive(1.0, 0.8), rest_after_s=0.25)
    assert made.at(1.0, response).weight == pytest.approx(0.8)
    assert made.at(1.25, response).weight == pytest.approx(0.8)
    moment = made.at(1.3, response)
    assert moment.resting
    assert moment.rms_db == FLOOR_DB
    assert moment.weight == pytest.approx(0.8 * math.exp(-0.05 * CALMING / 0.5))
    weights = [made.at(1.3 + 0.1 * i, response).weight for i in range(1, 11)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 0.01
    made.push(drive(2.4, 0.8))
    moment = made.at(2.4, response)
    assert moment.weight == pytest.approx(0.8)
    assert not moment.resting


def test_when_the_gate_closes_the_default_face_is_at_rest_within_half_a_second():
    made, response = track(), Response()
    for i in range(1, 400):
        now_s = i * BLOCK_S
        loud = now_s < 1.0
        # The gate holds for 0.1 s.
        made.push(drive(now_s, 1.0 if loud else 0.3, audible=now_s < 1.1))
        weight = made.at(now_s, response).weight
        assert weight <= 0.02 or now_s < 1.5
        if i == round(0.95 / BLOCK_S):
            assert weight > 0.95


def test_while_the_gate_is_closed_the_music_does_not_move_the_face():
    loud = {"low": 1.0, "mid": 1.0, "high": 1.0, "hits": ((1.0, 1.0),)}
    made = track(drive(1.0, 0.9, audible=False, **loud))
    response = only(weight=1.0, onset=(1.0, 0.0, 0.2), low=1.0, mid=1.0, high=1.0)
    moment = made.at(1.0, response)
    assert moment.weight == 0.0
    assert (moment.low, moment.mid, moment.high) == (0.0, 0.0, 0.0)


def test_over_a_gap_in_the_sound_nothing_glides():
    made = track(drive(1.0, 0.4), drive(3.0, 1.0), rest_after_s=0.25)
    assert made.at(1.1, AT_ONCE).weight == pytest.approx(0.4)
    assert made.at(2.9, AT_ONCE).weight == 0.0
    assert made.at(3.0, AT_ONCE).weight == 1.0


def test_before_the_first_sound_the_face_rests():
    made, response = track(), replace(AT_ONCE, gain=4.0)
    assert made.at(5.0, response).weight == 0.0
    made.push(drive(6.0, 1.0))
    moment = made.at(5.5, response)
    assert (moment.weight, moment.captured_s, moment.t_s) == (0.0, 0.0, 0.0)
    assert moment.resting


def test_the_weight_has_the_times_of_its_route_at_any_moment():
    made = track(drive(1.0, 1.0))
    made.at(0.98, AT_ONCE)
    first = made.at(1.03, only(weight=(1.0, 0.1, 0.0))).weight
    assert first == pytest.approx(1 - math.exp(-0.5))
    second = made.at(1.08, only(weight=(1.0, 0.05, 0.0))).weight
    assert second == pytest.approx(1 - (1 - first) * math.exp(-1.0))


def test_curve_floor_and_ceiling_shape_the_weight_while_there_is_sound():
    made = track(drive(1.0, 0.5))
    response = replace(AT_ONCE, curve=2.0, floor=0.2, ceiling=0.8)
    assert made.at(1.0, response).weight == pytest.approx(0.2 + 0.6 * 0.25)


def test_gain_comes_last_and_the_weight_stays_within_its_range():
    made = track(drive(1.0, 0.3), rest_after_s=9.0)
    gains = (1.0, 2.0, 4.0, 0.0, -1.0, 99.0)
    found = [
        made.at(1.0 + 0.1 * i, replace(AT_ONCE, gain=gain)).weight for i, gain in enumerate(gains)
    ]
    assert found[:2] + found[3:5] == pytest.approx([0.3, 0.6, 0.0, 0.0])
    assert 0.9 < found[2] == found[5] < 1.0  # a soft knee, and no gain beyond 4
    assert made.at(2.0, replace(AT_ONCE, gain=0.5)).weight == pytest.approx(0.15)


@pytest.mark.parametrize("fps", [24, 60, 144])
def test_an_accent_is_there_at_once_and_is_the_same_at_any_frame_rate(fps):
    """At each frame it is as large as its own age says, wherever the hit fell between frames."""
    began_s, strength = 0.5003, 0.8
    made, response = track(rest_after_s=9.0), only(onset=(0.5, 0.0, 0.15))
    waiting = [
        drive(i * BLOCK_S, hits=((began_s, strength),) if i * BLOCK_S >= began_s + 0.005 else ())
        for i in range(1, 200)
    ]
    told_s = next(one.captured_s for one in waiting if one.hits)
    seen = 0
    for frame in range(1, fps):
        now_s = frame / fps
        while waiting and waiting[0].captured_s <= now_s:
            made.push(waiting.pop(0))
        due = 0.5 * strength * math.exp(-(now_s - began_s) / 0.15) if now_s >= told_s else 0.0
        assert made.at(now_s, response).weight == pytest.approx(due)
        seen += due > 0.25
    assert seen >= fps // 24


def test_no_hit_is_lost_on_a_frame_that_comes_late():
    """Hits told by drives that no frame has looked at, and more than one a frame."""
    response = only(onset=(1.0, 0.0, 10.0))
    for count in range(1, HITS + 1):
        hits = tuple((1.0 + 0.02 * i, 0.2 + 0.1 * i) for i in range(count))
        made = track(drive(1.2), drive(1.2 + BLOCK_S, hits=hits), drive(1.23, hits=hits))
        loudest = (0.1 + 0.1 * count) * math.exp(-(1.25 - hits[-1][0]) / 10.0)
        assert made.at(1.25, response).weight == pytest.approx(loudest, rel=1e-3)


def test_a_hit_makes_one_accent_however_often_it_is_told():
    made, response = track(rest_after_s=9.0), only(onset=(1.0, 0.0, 0.1))
    for i in range(1, 100):
        made.push(drive(1.0 + i * BLOCK_S, hits=((1.0, 1.0),)))
    found = [made.at(1.1 + 0.1 * i, response).weight for i in range(4)]
    assert found == pytest.approx([math.exp(-1 - i) for i in range(4)])


def test_a_hit_at_the_very_beginning_of_a_song_counts():
    made = track(drive(BLOCK_S, hits=((0.0, 1.0),)))
    assert made.at(0.02, only(onset=(1.0, 0.0, 0.1))).weight == pytest.approx(math.exp(-0.2))


@pytest.mark.parametrize("band", ["low", "mid", "high"])
def test_a_band_can_move_the_expression(band):
    made = track(drive(1.0, **{band: 0.6}))
    moment = made.at(1.0, only(**{band: 0.5}))
    assert moment.weight == pytest.approx(0.3)
    assert getattr(moment, band) == 0.6


def test_the_beat_can_move_the_expression_and_goes_on_between_drives():
    beat = Beat(bpm=120.0, beats=8.0, anchor_s=1.0, locked=True)
    made, response = track(drive(1.0, beat=beat), rest_after_s=9.0), only(beat=1.0)
    found = {part: made.at(1.0 + part / 2, response) for part in (0.0, 0.25, 0.5, 1.0, 1.5)}
    assert found[0.0].weight == found[1.0].weight == pytest.approx(1.0)
    assert found[0.5].weight < found[0.25].weight < 0.6
    assert [moment.beat for moment in found.values()] == pytest.approx([0, 0.25, 0.5, 0, 0.5])
    assert [moment.bar for moment in found.values()] == pytest.approx(
        [0, 0.0625, 0.125, 0.25, 0.375]
    )
    assert {moment.bpm for moment in found.values()} == {120.0}


def test_without_a_tempo_there_is_no_beat():
    moment = track(drive(1.0, beat=Beat(beats=0.5))).at(1.0, only(beat=1.0))
    assert (moment.weight, moment.bpm, moment.beat, moment.bar) == (0.0, 0.0, 0.0, 0.0)


def test_a_slow_wave_can_move_the_expression_free_or_locked_to_the_beat():
    free = replace(only(lfo=1.0), lfo_rate_hz=0.5)
    made = track(drive(1.0), rest_after_s=9.0)
    made.at(1.0, AT_ONCE)
    begun = WeightTrack(TrackConfig(rest_after_s=9.0))
    begun.push(drive(1.0))
    found = [begun.at(1.0 + t_s, free).weight for t_s in (0.0, 0.5, 1.0, 2.0)]
    assert found == pytest.approx([0.0, 0.5, 1.0, 0.0])
    locked = replace(free, lfo_beats=4.0)
    made.push(drive(1.1, beat=Beat(bpm=120.0, beats=4.0, anchor_s=1.1, locked=True)))
    found = [made.at(1.1 + t_s, locked).weight for t_s in (0.0, 0.5, 1.0, 2.0)]
    assert found == pytest.approx([0.0, 0.5, 1.0, 0.0], abs=1e-9)


def test_a_constant_moves_the_expression_without_any_sound():
    assert track().at(1.0, only(constant=0.4)).weight == pytest.approx(0.4)


def test_over_the_seam_of_a_loop_the_position_goes_on():
    made = track(drive(9.98, 0.5, t_s=39.98), drive(10.0, 0.5, t_s=0.01), delay_s=0.015)
    assert made.at(9.99, AT_ONCE).t_s == pytest.approx(39.975)
    assert made.at(10.0, AT_ONCE).t_s == 0.0
    made.push(drive(10.02, 0.5, t_s=0.03))
    assert made.at(10.02, AT_ONCE).t_s == pytest.approx(0.015)


def test_onsets_are_those_that_have_been_heard():
    made = track(drive(1.0, 0.5, onsets=3), drive(1.1, 0.5, onsets=4))
    assert made.at(1.05, AT_ONCE).onsets == 3
    moment = made.at(1.1, AT_ONCE)
    assert (moment.onsets, moment.rms_db, moment.agc_db) == (4, -20.0, 3.0)


def test_a_song_that_starts_anew_starts_a_new_track_of_time():
    response = only(weight=1.0, onset=(0.1, 0.0, 0.1))
    made = track(drive(50.0, 0.5, hits=((49.9, 1.0),)), drive(0.02, 0.6, hits=((0.02, 1.0),)))
    assert made.at(0.02, response).weight == pytest.approx(0.7, abs=0.01)


def test_a_new_audio_process_is_followed_from_its_first_word():
    """It counts on, has forgotten the hits, and its encoder has not spoken yet."""
    made = track(drive(100.0, 0.9, onsets=7, hits=((99.0, 1.0),)))
    assert made.at(100.0, AT_ONCE).weight == pytest.approx(0.9)
    assert made.at(102.0, AT_ONCE).weight == 0.0
    made.push(drive(103.0, 0.1, onsets=7, weight_s=0.0))
    made.push(drive(103.0 + BLOCK_S, 0.4, onsets=7))
    made.push(drive(103.1, 0.4, onsets=8, hits=((103.05, 1.0),)))
    assert made.at(103.1, AT_ONCE).weight == pytest.approx(0.4)
    assert made.at(103.1, AT_ONCE).onsets == 8


def test_a_rendering_goes_in_strides_with_points_between():
    """Means around every 0.25 s, by hand: 0.1, 0.6, 0.5; linear between, so nothing jumps."""
    times_s = [0.0, 0.1, 0.125, 0.2, 0.3, 0.37, 0.375]
    weights = [0.0, 0.2, 0.3, 0.6, 0.9, 0.6, 0.5]
    drives = [drive(*pair) for pair in zip(times_s, weights, strict=True)]

    def found(points):
        made = WeightTrack(TrackConfig(interval_s=0.25, points=points, slope=math.inf))
        made.at(-0.1, AT_ONCE)  # the first moment is always at rest
        for one in drives:
            made.push(one)
        return [made.at(t_s, AT_ONCE).weight for t_s in (0.0, 0.0625, 0.125, 0.25, 0.375)]

    assert drives[-1].captured_s >= WeightTrack(TrackConfig(interval_s=0.25)).ahead_s
    assert found(7) == pytest.approx([0.1, 0.225, 0.35, 0.6, 0.55], abs=1e-9)
    assert found(0) == pytest.approx([0.1, 0.1, 0.1, 0.6, 0.6], abs=1e-9)


def test_silence_leaves_nothing_behind_however_long_it_is():
    """With the gate closed or no device, drives go on coming and frames go on being drawn."""
    made, response, sizes = track(), Response(), []
    for i in range(1, 36_000):
        made.push(drive(i * BLOCK_S, 0.3, audible=False))
        if i % 3 == 0:
            made.at(i * BLOCK_S, response)
        if i % 6_000 == 0:
            sizes.append(len(pickle.dumps(made)))
    assert max(sizes) < 1.1 * sizes[0]
    # So the first sound has as little to clear away as any. The state of the blinks' random
    # numbers takes 3 kB of it.
    assert sizes[-1] < 12_000
    made.push(drive(36_000 * BLOCK_S, 0.8))
    assert made.at(36_000 * BLOCK_S, AT_ONCE).weight == pytest.approx(0.8)


@pytest.mark.parametrize("settings", [{}, {"interval_s": 0.25}])
def test_drives_that_nobody_asks_for_do_not_pile_up(settings):
    made, sizes = track(**settings), []
    for i in range(1, 16_000):
        made.push(drive(i * BLOCK_S, 0.3))
        if i % 4_000 == 0:
            sizes.append(len(pickle.dumps(made)))
    assert max(sizes) < 1.1 * sizes[0]


def test_dynamics_go_from_steady_to_dancing():
    """Between hits the weight falls; how far is a setting."""

    def falls(dynamics):
        made, response = track(), replace(AT_ONCE, dynamics=dynamics)
        found = []
        for i in range(1, 1500):
            now_s = i * BLOCK_S
            made.push(drive(now_s, 0.8 if now_s % 0.5 < 0.2 else 0.5))
            found.append(made.at(now_s, response).weight)
        late = np.array(found[1000:])
        assert late.mean() == pytest.approx(0.62, abs=0.05)
        return np.ptp(late)

    steady, heard, dancing = falls(0.0), falls(0.5), falls(1.0)
    assert steady < 0.12
    assert heard == pytest.approx(0.3)
    assert dancing > 1.3 * heard


def test_drives_that_are_past_are_forgotten():
    made = track(*(drive(0.02 * i, 0.5) for i in range(1, 10_000)))
    made.at(150.0, AT_ONCE)
    assert len(made._drives) < 2_600
    assert len(made._steps._steps) < 2_600
