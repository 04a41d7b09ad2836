import math

import numpy as np
import pytest

from vjnode.modulation.modulators import RISE, SLOPE, Accent, Hit, Legato, Lfo, beat_pulse, follow

TIMES = {"attack_s": 0.1, "release_s": 0.4}


def test_after_the_attack_time_63_percent_of_a_rise_is_made():
    assert follow(0.0, 1.0, dt_s=0.1, **TIMES) == pytest.approx(1 - math.exp(-1))


def test_a_fall_takes_the_release_time():
    assert follow(1.0, 0.2, dt_s=0.4, **TIMES) == pytest.approx(0.2 + 0.8 * math.exp(-1))


def test_the_movement_does_not_depend_on_the_frame_rate():
    coarse = follow(0.3, 0.9, dt_s=0.1, **TIMES)
    fine = 0.3
    for _ in range(10):
        fine = follow(fine, 0.9, dt_s=0.01, **TIMES)
    assert fine == pytest.approx(coarse)


def test_a_time_of_zero_jumps():
    assert follow(0.0, 1.0, dt_s=0.01, attack_s=0.0, release_s=1.0) == 1.0


def test_a_clock_that_stands_or_goes_back_moves_nothing():
    assert follow(0.5, 1.0, dt_s=0.0, **TIMES) == 0.5
    assert follow(0.5, 1.0, dt_s=-3.0, **TIMES) == 0.5


def test_a_long_gap_ends_at_the_target():
    assert follow(0.0, 1.0, dt_s=1e6, **TIMES) == 1.0


FRAME_S = 1 / 60


def settled(level, slope=SLOPE):
    """A weight that has long been at ``level``."""
    legato = Legato(slope)
    for _ in range(600):
        legato.step(level, FRAME_S)
    assert legato.level == pytest.approx(level, abs=1e-3)
    return legato


def test_what_trembles_without_an_attack_moves_little_and_slowly():
    legato, before = settled(0.4), 0.4
    for frame in range(240):
        level = legato.step(0.4 + 0.2 * math.sin(frame * 0.9), FRAME_S)
        assert abs(level - before) <= SLOPE * FRAME_S + 1e-9
        assert abs(level - 0.4) < 0.05
        before = level


def test_after_an_attack_everything_is_followed_at_once_for_a_while():
    legato = settled(0.4)
    assert legato.step(0.45, FRAME_S, attack=True) == 0.45
    for _ in range(40):
        assert legato.step(0.9, FRAME_S) == 0.9
        assert legato.step(0.3, 0.0) == 0.3
    for _ in range(10):
        legato.step(0.3, FRAME_S)
    assert legato.step(0.5, FRAME_S) < 0.32


def test_a_swell_arrives_within_a_second():
    legato = settled(0.1)
    for _ in range(60):
        legato.step(0.9, FRAME_S)
    assert legato.level > 0.6


def test_the_calm_movement_is_the_same_at_any_frame_rate():
    coarse, fine = settled(0.2), settled(0.2)
    coarse.step(0.3, 0.1)
    for _ in range(10):
        fine.step(0.3, 0.01)
    assert fine.level == pytest.approx(coarse.level, abs=0.02)


def test_an_infinite_slope_follows_everything():
    assert Legato(math.inf).step(0.03, FRAME_S) == 0.03


def test_a_standing_clock_moves_nothing():
    legato = settled(0.4)
    before = legato.level
    assert legato.step(0.9, 0.0) == before
    assert legato.step(0.9, -1.0) == before


DECAY = {"attack_s": 0.0, "release_s": 0.2}
SOFT = {"attack_s": 0.05, "release_s": 0.2}


def played(hits, end_s, fps, times):
    """The accent at ``end_s`` of hits given by their time and strength, stepped at ``fps``."""
    accent, now_s, before_s = Accent(), 0.0, 0.0
    frames = round(end_s * fps)
    for frame in range(frames + 1):
        now_s = frame / fps
        new = [Hit(now_s - at_s, force) for at_s, force in hits if before_s < at_s <= now_s]
        accent.step(new, dt_s=now_s - before_s, **times)
        before_s = now_s
    return accent.level


def test_an_onset_is_there_at_once_and_dies_from_its_own_time():
    accent = Accent()
    accent.step([Hit(0.01, 0.8)], dt_s=0.016, **DECAY)
    assert accent.level == pytest.approx(0.8 * math.exp(-0.01 / 0.2))
    accent.step([], dt_s=0.19, **DECAY)
    assert accent.level == pytest.approx(0.8 * math.exp(-1.0))


def test_of_several_onsets_the_strongest_counts():
    accent = Accent()
    accent.step([Hit(0.0, 0.3), Hit(0.0, 0.7), Hit(0.0, 0.5)], dt_s=0.02, **DECAY)
    assert accent.level == pytest.approx(0.7)
    accent.step([Hit(0.0, 0.2)], dt_s=0.01, **DECAY)
    assert accent.level == pytest.approx(0.7 * math.exp(-0.05))


@pytest.mark.parametrize("times", [DECAY, SOFT, {"attack_s": 0.2, "release_s": 0.2}])
def test_the_frame_rate_changes_nothing(times):
    hits = [(0.033, 0.6), (0.101, 1.0), (0.107, 0.2), (0.3, 0.4)]
    at_25, at_60, at_1000 = (played(hits, 0.4, fps, times) for fps in (25, 60, 1000))
    assert at_25 == pytest.approx(at_1000, abs=1e-12)
    assert at_60 == pytest.approx(at_1000, abs=1e-12)
    assert at_1000 > 0.1


def test_with_an_attack_it_rises_first_and_is_never_above_the_impulse():
    accent, levels = Accent(), []
    accent.step([Hit(0.0, 1.0)], dt_s=0.001, **SOFT)
    assert accent.level == 0.0
    for _ in range(400):
        levels.append(accent.step([], dt_s=0.001, **SOFT))
    top = levels.index(max(levels))
    assert levels[: top + 1] == sorted(levels[: top + 1])
    assert levels[top:] == sorted(levels[top:], reverse=True)
    assert all(level <= math.exp(-i * 0.001 / 0.2) + 1e-12 for i, level in enumerate(levels, 1))
    # y' = (h − y) / attack from 0, against small Euler steps.
    y, dt_s = 0.0, 1e-6
    for i in range(30_000):
        y += (math.exp(-i * dt_s / 0.2) - y) * dt_s / 0.05
    assert levels[29] == pytest.approx(y, abs=1e-5)


def test_one_that_is_told_late_is_as_far_gone_as_it_would_be():
    accent = Accent()
    accent.step([Hit(0.05, 1.0)], dt_s=0.016, **DECAY)
    assert accent.level == pytest.approx(math.exp(-0.05 / 0.2))


def test_extremes_stay_finite():
    accent = Accent()
    for dt_s in (0.0, -1.0, 1e-12, 1e9):
        for times in (0.0, 1e-9, 10.0):
            level = accent.step(
                [Hit(0.0, 9.0), Hit(-1.0, 0.5)], dt_s=dt_s, attack_s=times, release_s=times
            )
            assert 0.0 <= level <= 1.0
    assert accent.step([], dt_s=0.01, attack_s=0.0, release_s=0.0) == 0.0


def test_the_pulse_peaks_on_the_beat_and_falls_to_zero_before_the_next():
    assert beat_pulse(0.0) == beat_pulse(1.0) == beat_pulse(7.0) == 1.0
    assert beat_pulse((1 - RISE) / 2) == pytest.approx(0.25)
    assert beat_pulse(1 - RISE) == 0.0
    assert beat_pulse(1 - RISE / 2) == pytest.approx(0.5)


def test_the_pulse_never_jumps():
    pulse = [beat_pulse(phase) for phase in np.linspace(-1, 2, 30_001)]
    assert np.abs(np.diff(pulse)).max() < 2e-3
    assert min(pulse) >= 0.0
    assert max(pulse) <= 1.0


def test_the_wave_begins_at_zero_and_has_its_rate():
    lfo = Lfo()
    assert lfo.step(0.0, rate_hz=0.5) == 0.0
    assert lfo.step(0.5, rate_hz=0.5) == pytest.approx(0.5)
    assert lfo.step(0.5, rate_hz=0.5) == pytest.approx(1.0)
    assert lfo.step(1.0, rate_hz=0.5) == pytest.approx(0.0, abs=1e-12)


def test_a_change_of_rate_does_not_jump():
    lfo, waves = Lfo(), []
    for frame in range(600):
        waves.append(lfo.step(1 / 60, rate_hz=0.1 if frame < 300 else 2.0))
    assert np.abs(np.diff(waves)).max() <= math.pi * 2.0 / 60


def test_locked_to_the_beat_it_is_where_the_beat_is():
    lfo = Lfo()
    assert lfo.step(0.016, rate_hz=3.0, beats=4.0, position=6.0) == pytest.approx(1.0)
    assert lfo.step(0.016, rate_hz=3.0, beats=4.0, position=8.0) == pytest.approx(0.0)
    assert lfo.step(0.016, rate_hz=3.0, beats=0.5, position=0.25) == pytest.approx(1.0)


def test_without_a_beat_it_runs_on_freely():
    lfo = Lfo()
    lfo.step(0.0, rate_hz=1.0, beats=4.0, position=1.0)
    assert lfo.step(0.25, rate_hz=1.0, beats=4.0, position=None) == pytest.approx(1.0)
