"""The first frame of a loop follows the last: in its weights, and in what can be seen."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from tests.audio.sounds import write_wav
from tools.data import grooves
from vjnode.control.state import Controls
from vjnode.errors import InputError
from vjnode.modulation.moment import Moment
from vjnode.offline.drawing import Film
from vjnode.offline.groove import groove
from vjnode.offline.loop import (
    MEET,
    Loop,
    closed,
    coming_round,
    frame_count,
    passed_over,
    render_loop,
    song_passage,
)
from vjnode.output.base import Delivery
from vjnode.render.animation import Posture

FPS = Fraction(30)
CONTROLS = Controls("", "aster", "laugh")


def steps(weights):
    """Return the largest step from each row to the next, and from the last to the first."""
    inside = [np.abs(later - earlier).sum() for earlier, later in pairwise(weights)]
    return max(inside), np.abs(weights[0] - weights[-1]).sum()


def test_weights_that_never_repeat_come_round():
    chance = np.random.default_rng(1)
    for _ in range(50):
        walk = np.cumsum(chance.normal(0.0, 0.02, (140, 5)), axis=0)
        walk = np.abs((walk + 0.5) % 2.0 - 1.0)
        postures = [Posture(Moment(), 0.0, tuple(one)) for one in walk]
        made = np.array([one.weights for one in closed(postures, 120)])
        assert made.shape == (120, 5)
        assert np.array_equal(made[20:], walk[20:120])
        inside, seam = steps(made)
        free, _ = steps(walk)
        assert seam <= inside
        # The way from one walk to the other is gone within a beat, beside the walk itself.
        assert inside <= free + 1.6 / 20 + MEET


def test_a_bar_that_begins_with_the_only_hit_has_no_larger_step_there():
    hit = np.exp(-np.arange(140) % 120 / 20.0)
    postures = [Posture(Moment(), 0.0, (one, 0.0)) for one in hit]
    made = np.array([one.weights for one in closed(postures, 120)])
    inside, seam = steps(made)
    assert seam <= inside
    assert made[:, 0].max() > 0.04


def test_a_blink_stays_whole():
    """Faded, it would be half a blink; both lie open somewhere, and there one follows the other."""
    first, then = np.zeros((30, 1)), np.zeros((30, 1))
    first[2:9], then[20:27] = 1.0, 1.0
    made = passed_over(first, then)
    assert set(made.ravel()) == {0.0, 1.0}
    assert made[2:9].all() or made[20:27].all()


@pytest.mark.parametrize(("bpm", "bars"), [(120.0, 1), (124.7, 4), (87.0, 3), (174.0, 16)])
def test_a_loop_is_a_whole_number_of_frames_and_of_waves(bpm, bars):
    count = frame_count(bars, bpm, FPS)
    assert count / 30 == pytest.approx(bars * 240 / bpm, abs=0.5 / 30)
    for controls in (CONTROLS.with_(lfo_rate=0.37), CONTROLS.with_(lfo_beats=3.0)):
        made = coming_round(controls, bars, count, FPS)
        waves = made.number("lfo_rate") * count / 30
        assert waves == pytest.approx(round(waves))
        assert waves >= 1
        assert made.number("lfo_beats") == 0.0
    assert coming_round(CONTROLS.with_(lfo_rate=0.0), bars, count, FPS).number("lfo_rate") == 0.0


def test_a_groove_is_one_bar_like_another():
    bars = [[], []]
    for drive in groove(150.0, 3.2 - 1e-9):
        bars[drive.captured_s >= 1.6 - 1e-9].append(drive)
    for one, other in zip(*bars, strict=False):
        said = ("weight", "low", "mid", "high")
        assert [getattr(one, name) for name in said] == pytest.approx(
            [getattr(other, name) for name in said], abs=1e-6
        )
        assert other.beat.beats - one.beat.beats == pytest.approx(4.0)
        assert one.hits[-1][0] + 1.6 == pytest.approx(other.hits[-1][0])


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return write_wav(path, grooves.groove("rock", 120.0, 14.0)[0])


def test_a_loop_begins_with_a_bar_of_the_song(song):
    passage = song_passage(song, CONTROLS, Loop(2, start_s=4.0), FPS, 0.0)
    assert passage.bpm == pytest.approx(120.0, abs=1.5)
    assert 4.0 <= passage.begins_s <= 6.2
    first = next(one for one in passage.drives if one.captured_s >= passage.begins_s)
    beats = first.beat.at(first.captured_s).beats
    assert (beats + 2.0) % 4.0 - 2.0 == pytest.approx(0.0, abs=0.2)
    set_by_hand = song_passage(song, CONTROLS, Loop(2, 99.0), FPS, 0.0)
    assert set_by_hand.bpm == 99.0


def test_what_cannot_become_a_loop_is_told(song, tmp_path):
    with pytest.raises(InputError, match=r"song\.wav is too short: 16 bars .* fewer bars"):
        song_passage(song, CONTROLS, Loop(16), FPS, 0.0)
    still = write_wav(tmp_path / "still.wav", np.zeros((44100 * 3, 2), np.float32))
    with pytest.raises(InputError, match=r"no tempo was found in still\.wav .*--bpm"):
        song_passage(still, CONTROLS, Loop(1), FPS, 0.0)


@pytest.mark.parametrize(
    ("by", "fps", "more"),
    [("groove", 10, {}), ("song", 10, {}), ("groove", 5, {"route/expression/4/lfo/amount": 0.8})],
    ids=["groove", "song", "turning"],
)
def test_no_seam_is_seen(by, fps, more, song, tmp_path):
    controls = CONTROLS.with_(**more)
    target = tmp_path / "loop.mov"
    film = Film(target, 256, Fraction(fps), delivery=Delivery(codec="mjpeg"))
    heard, bpm = (song, 0.0) if by == "song" else (None, 120.0)
    render_loop(film, controls, Loop(1, bpm, 4.0), heard)
    with av.open(str(target)) as video:
        shown = [one.to_ndarray(format="rgb24").astype(int) for one in video.decode(video=0)]
    assert len(shown) == pytest.approx(2 * fps, abs=1)
    inside = [np.abs(later - earlier).mean() for earlier, later in pairwise(shown)]
    assert np.abs(shown[0] - shown[-1]).mean() <= max(inside)
    assert max(inside) > 0.5
