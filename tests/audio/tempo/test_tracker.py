import numpy as np
import pytest

from tests.audio.costs import cost
from tools.data.grooves import GROOVES, chunks, groove, pad
from vjnode.audio.sources.base import RATE_HZ
from vjnode.audio.tempo.tracker import TempoTracker

TEMPI = (70, 75, 80, 90, 100, 110, 120, 128, 140, 150, 160, 174, 180)


def track(sound):
    tracker = TempoTracker()
    return [found for chunk in chunks(sound) if (found := tracker.push(chunk)) is not None]


def off_s(estimate, first_s, bpm):
    """Return the distance of the beat from the nearest true one, s."""
    beats = (estimate.beat_s - first_s) * bpm / 60.0
    return abs(beats - round(beats)) * 60.0 / bpm


@pytest.mark.parametrize(
    ("name", "tempi"),
    [
        ("four on the floor", TEMPI),
        ("rock", TEMPI),
        ("breakbeat", TEMPI[::2]),
        ("two step", TEMPI[1::2]),
        ("shuffle", TEMPI[::2]),
    ],
)
def test_grooves_have_their_own_tempo_and_their_beats_on_the_drums(name, tempi):
    for bpm in tempi:
        sound, beats = groove(name, bpm, 9.1, seed=bpm, jitter_s=0.01, offset_s=0.13)
        late = [found for found in track(sound) if found.heard_s > 8.0]
        assert len(late) >= 4
        for found in late:
            assert found.bpm == pytest.approx(bpm, rel=0.008), (name, bpm)
            assert off_s(found, beats[0], bpm) < 0.025, (name, bpm)
            assert found.confidence > 0.5, (name, bpm)


@pytest.mark.parametrize(("name", "bpm"), [("half time", 70), ("half time", 140), ("swing", 95)])
def test_what_is_hardest_to_tell_comes_out_too(name, bpm):
    sound, beats = groove(name, bpm, 9.5, seed=1, backing=False)
    found = track(sound)[-1]
    assert found.bpm == pytest.approx(bpm, rel=0.008)
    assert off_s(found, beats[0], bpm) < 0.025


def test_the_beat_is_where_the_attack_is():
    """The beat is not at the end of some analysis window: sharp drums, no jitter, every tempo."""
    errors = []
    for bpm in (83.0, 117.0, 133.0, 171.0):
        sound, beats = groove("rock", bpm, 9.0, backing=False, offset_s=0.05)
        found = track(sound)[-1]
        ahead = (found.beat_s - beats[0]) * bpm / 60.0
        errors.append((ahead - round(ahead)) * 60.0 / bpm)
    assert np.abs(errors).max() < 0.012
    assert abs(np.mean(errors)) < 0.006


def test_quiet_music_is_heard_like_loud_music():
    sound, _ = groove("rock", 111.0, 9.0, seed=4)
    loud, quiet = track(2.0 * sound)[-1], track(0.01 * sound)[-1]
    assert quiet.bpm == pytest.approx(loud.bpm, rel=0.001)
    assert quiet.beat_s == pytest.approx(loud.beat_s, abs=0.004)
    assert quiet.confidence > 0.5


def noise(seed):
    random = np.random.Generator(np.random.PCG64(seed))
    return np.clip(0.2 * random.standard_normal(12 * RATE_HZ), -1.0, 1.0).astype(np.float32)


def chord():
    t = np.arange(12 * RATE_HZ) / RATE_HZ
    tones = [np.sin(2.0 * np.pi * f * t) for f in (110.0, 110.6, 220.0, 277.2, 329.6, 440.0)]
    return (np.sum(tones, axis=0) / 8.0).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(12 * RATE_HZ, np.float32), noise(1), noise(2), 1e-6 * noise(3), chord()],
    ids=["silence", "noise", "other noise", "hiss", "chord"],
)
def test_no_beat_is_made_up(sound):
    assert all(found.confidence < 0.25 for found in track(sound))


def test_swelling_pads_are_not_sure():
    random = np.random.Generator(np.random.PCG64(5))
    sound = (0.3 * pad(12 * RATE_HZ, 2.0, random)).astype(np.float32)
    assert all(found.confidence < 0.6 for found in track(sound))


def test_any_sound_gives_finite_numbers():
    random = np.random.Generator(np.random.PCG64(6))
    square = np.sign(random.standard_normal(5 * RATE_HZ)).astype(np.float32)
    silence = np.zeros(2 * RATE_HZ, np.float32)
    click = silence.copy()
    click[1000] = 1.0
    steady = np.ones(2 * RATE_HZ, np.float32)
    for found in track(np.concatenate([click, square, silence, steady, click, square])):
        assert np.isfinite([found.bpm, found.beat_s, found.confidence]).all()
        assert 0.0 <= found.confidence <= 1.0
        assert 40.0 < found.bpm < 250.0
        assert found.beat_s <= found.heard_s


def test_confidence_goes_when_the_music_goes():
    sound, _ = groove("rock", 120.0, 9.0)
    found = track(np.concatenate([sound, np.zeros(4 * RATE_HZ, np.float32)]))
    assert [f for f in found if f.heard_s < 9.0][-1].confidence > 0.8
    assert found[-1].confidence < 0.1


def test_the_same_sound_gives_the_same_result():
    sound, _ = groove("amen", 140.0, 6.0)
    assert track(sound) == track(sound)


def test_every_groove_of_the_helper_is_a_whole_bar():
    for pattern in GROOVES.values():
        rows = [row for row in (pattern.kick, pattern.snare, pattern.hat, pattern.bass) if row]
        assert len({len(row) for row in rows}) == 1


def test_a_block_costs_as_little_as_a_few_transforms():
    pieces = chunks(groove("rock", 120.0, 30.0)[0])
    tracker, at = TempoTracker(), iter(range(0, len(pieces), 860))

    def hear():
        for piece in pieces[(start := next(at)) : start + 860]:
            tracker.push(piece)

    assert cost(hear) / 860 <= 12  # measured: 4 to 5
