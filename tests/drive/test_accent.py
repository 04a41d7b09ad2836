import math

import pytest

from vjnode.drive.accent import Accent, Hit

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
