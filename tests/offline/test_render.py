"""Rendering a song: what is heard when, and the whole chain, judged by what can be seen."""

import functools
import math
import sys
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import pytest

from tests.audio.sounds import write_wav
from tests.early import PYTHON, run
from tests.show.process import read_trace
from tools.data.grooves import groove
from vjnode.audio.sources.base import BLOCK_S, RATE_HZ
from vjnode.control.state import Controls
from vjnode.faces.landmarks import LandmarkMeter
from vjnode.modulation.interpolation import time_point
from vjnode.modulation.matrix import Route
from vjnode.modulation.response import Response, TrackConfig
from vjnode.modulation.weight_track import WeightTrack, live_track
from vjnode.offline import drawing, render
from vjnode.offline.render import open_hearing
from vjnode.output.base import Delivery
from vjnode.paths import shipped

SONG = shipped("demo", "demo.ogg")
FPS = 30
CONTROLS = Controls("", "ada", "laugh")
AT_ONCE = Response(routes=(Route("weight", "expression", 1.0, 0.0, 0.0),))


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Three seconds with a beat: 3.01 s, so that it ends inside a frame."""
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return write_wav(path, groove("rock", 120.0, 3.01)[0])


def moments(song, controls=CONTROLS, **settings):
    """Time, moment and the sound that was heard up to there, of each frame."""
    hearing = open_hearing(song, controls, **settings)
    with closing(hearing.source):
        return [
            (now_s, hearing.track.at(now_s, Response()), hearing.tap.read()[0])
            for _, now_s in hearing.frames(Fraction(FPS))
        ]


@pytest.mark.parametrize("interval_s", [0.0, 0.05, 0.25, 1.0])
def test_there_is_a_frame_for_every_moment_and_its_sound_is_not_ahead_of_it(song, interval_s):
    found = moments(song, interval_s=interval_s)
    assert [now_s for now_s, _, _ in found] == pytest.approx(np.arange(91) / FPS)
    heard_s = np.cumsum([len(sound) for _, _, sound in found]) / RATE_HZ
    for (now_s, _, _), so_far_s in zip(found, heard_s, strict=True):
        assert now_s <= so_far_s <= now_s + BLOCK_S + 1e-9


def test_a_rendering_looks_ahead_so_that_its_time_points_are_not_late(song):
    """Each is the mean of what the encoder says around it, before and after."""
    hearing = open_hearing(song, CONTROLS)
    with closing(hearing.source):
        drives = [hearing.listener.hear(block) for block in iter(hearing.source.read, None)]
    said = dict(sorted((drive.weight_s, drive.weight) for drive in drives[1:]))
    hearing, found = open_hearing(song, CONTROLS), {}
    hearing.track = WeightTrack(TrackConfig(interval_s=0.25, slope=math.inf))
    with closing(hearing.source):
        for _, now_s in hearing.frames(Fraction(20)):
            found[now_s] = hearing.track.at(now_s, AT_ONCE).weight
    for now_s in (0.25, 1.0, 1.75, 2.5):
        wanted = time_point(list(said), list(said.values()), at_s=now_s, interval_s=0.25)
        assert found[now_s] == pytest.approx(wanted)
    assert found[1.1] == pytest.approx(0.6 * found[1.0] + 0.4 * found[1.25])


def test_more_points_than_none_are_smoother(song):
    def steps(points):
        hearing = open_hearing(song, CONTROLS, points=points)
        with closing(hearing.source):
            weights = [
                hearing.track.at(now_s, AT_ONCE).weight
                for _, now_s in hearing.frames(Fraction(FPS))
            ]
        return np.abs(np.diff(weights[30:]))

    held, between = steps(0), steps(7)
    assert between.max() < 0.5 * held.max()


def test_with_an_interval_of_nothing_it_is_the_live_show(song):
    found = [moment.weight for _, moment, _ in moments(song, interval_s=0.0)]
    hearing, track = open_hearing(song, CONTROLS), live_track()
    blocks, wanted = list(iter(hearing.source.read, None)), []
    hearing.source.close()
    for frame in range(len(found)):
        while blocks and blocks[0].captured_s - BLOCK_S < frame / FPS:
            track.push(hearing.listener.hear(blocks.pop(0)))
        wanted.append(track.at(frame / FPS, Response()).weight)
    assert found == wanted


def test_what_was_turned_for_hearing_is_in_force_from_the_first_block(song):
    controls = Controls("", "ada", "laugh", bpm=99.0, agc="off", gate=-20.0)
    found = [moment for _, moment, _ in moments(song, controls)]
    assert {moment.bpm for moment in found[1:]} == {99.0}
    assert {moment.agc_db for moment in found} == {0.0}
    assert found[30].beat == pytest.approx(99.0 / 60.0 % 1.0, abs=0.02)


def rendered(song, folder, name, *options):
    """Render a song by a process of its own, with a trace beside the video."""
    done = run(
        *(PYTHON, "-m", "vjnode", "render", song, folder / f"{name}.mp4", "--size", 256),
        *("--trace", folder / f"{name}.jsonl", "--face", "aster", *options),
    )
    assert done.returncode == 0, done.stderr


@functools.cache
def renderings():
    """Render the demo song twice, in a folder that lasts as long as what is returned."""
    kept = TemporaryDirectory()
    for name in ("one", "two"):
        rendered(SONG, Path(kept.name), name, "--fps", FPS, "--expression", "laugh")
    return kept


@pytest.mark.slow
@pytest.mark.early(work=renderings)
def test_the_same_song_gives_the_same_bytes_twice(early):
    for suffix in ("mp4", "jsonl"):
        one, two = (Path(early.name) / f"{name}.{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def turning():
    """Render five seconds twice while an LFO turns the head, and once while it does not."""
    kept = TemporaryDirectory()
    folder = Path(kept.name)
    # A wave of the LFO takes four seconds.
    song = write_wav(folder / "song.wav", groove("rock", 120.0, 5.0)[0])
    for name, turns in (("one", 1.0), ("two", 1.0), ("ahead", 0.0)):
        amount = f"route/expression/4/lfo/amount={turns}"
        rendered(song, folder, name, "--fps", 5, "--set", amount)
    return kept


@pytest.mark.slow
@pytest.mark.early(work=turning)
def test_four_channels_give_the_same_bytes_twice_and_a_head_that_turns(early):
    """An LFO turns the head, which key frames do not show: those frames are drawn one by one."""
    folder = Path(early.name)
    for suffix in ("mp4", "jsonl"):
        one, two = ((folder / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
        assert one == two
    lines = read_trace(folder / "one.jsonl")
    assert lines[0]["expression"] == "laugh"
    assert [lines[0][f"expression/{one}"] for one in (2, 3, 4)] == ["brows_up", "blink", "turn"]
    assert all(max(line[f"weight/{one}"] for line in lines) > 0.3 for one in (2, 4))
    meter, yaws = LandmarkMeter(), {}
    for name in ("one", "ahead"):
        with av.open(str(folder / f"{name}.mp4")) as video:
            pictures = [one.to_ndarray(format="rgb24") for one in video.decode(video=0)]
        yaws[name] = np.array([meter.measure(one).yaw for one in pictures])
    assert np.ptp(yaws["one"]) > 10 > 2 * np.ptp(yaws["ahead"])


def rgba_of(path):
    """Return the pictures of a video, (n, size, size, 4) int."""
    with av.open(str(path)) as video:
        return np.array([one.to_ndarray(format="rgba") for one in video.decode(video=0)], int)


@pytest.mark.slow
def test_the_head_is_cut_out_of_every_frame(song, tmp_path):
    controls, look = Controls("", "aster", "laugh"), {"size": 256, "fps": Fraction(5)}
    wanted = {
        "plain.mp4": Delivery(codec="h264"),
        "head.mov": Delivery(alpha="matte"),
        "green.mp4": Delivery(codec="h264", background="#00ff00"),
    }
    for name, delivery in wanted.items():
        render.render(song, tmp_path / name, controls, trace=None, delivery=delivery, **look)
    plain, head, green = (rgba_of(tmp_path / name) for name in wanted)
    alpha = head[..., 3]
    assert np.ptp(alpha, axis=0).max() <= 4  # it stands still
    assert alpha[:, :16, :16].max() <= 2
    assert alpha[:, 96:224, 96:160].min() >= 253
    whole, nothing = alpha.min(axis=0) >= 253, alpha.max(axis=0) <= 2
    assert np.abs(head - plain)[:, whole, :3].mean() < 6
    assert np.abs(green - plain)[:, whole, :3].mean() < 6
    assert np.abs(green[:, nothing, :3] - (0, 255, 0)).mean() < 6


@pytest.mark.slow
@pytest.mark.early(work=renderings)
def test_the_video_is_as_long_as_the_song_and_has_its_sound(early):
    path = Path(early.name) / "one.mp4"
    lines = read_trace(path.with_suffix(".jsonl"))
    assert [line["t"] for line in lines] == pytest.approx(np.arange(len(lines)) / FPS, abs=1e-5)
    with av.open(str(SONG)) as song, av.open(str(path)) as video:
        seconds = song.duration / av.time_base
        assert len(lines) == pytest.approx(seconds * FPS, abs=2)
        frames = sum(1 for _ in video.decode(video=0))
        assert frames == len(lines)
    with av.open(str(path)) as video:
        sound = np.concatenate([frame.to_ndarray() for frame in video.decode(audio=0)], axis=1)
        assert sound.shape[1] / 44_100 == pytest.approx(seconds, abs=0.1)
        assert np.abs(sound).max() > 0.1


@pytest.mark.slow
@pytest.mark.early(work=renderings)
def test_the_mouth_follows_the_weight(early):
    """Calm stays small, wild laughs, the end rests: measured in the decoded pictures."""
    path = Path(early.name) / "one.mp4"
    weights = np.array([line["weight"] for line in read_trace(path.with_suffix(".jsonl"))])
    meter = LandmarkMeter()
    with av.open(str(path)) as video:
        mouths = {
            number: meter.measure(frame.to_ndarray(format="rgb24")).mouth_open
            for number, frame in enumerate(video.decode(video=0))
            if number % 6 == 0
        }
    shown = weights[list(mouths)]
    mouth = np.array(list(mouths.values()))
    assert np.corrcoef(shown, mouth)[0, 1] >= 0.95
    times = np.array(list(mouths)) / FPS
    calm, wild, end = (
        mouth[(times > low) & (times < high)].mean() for low, high in ((1, 8), (22, 30), (38.5, 40))
    )
    assert wild > 0.25
    assert calm < 0.65 * wild  # automatic gain lifts a calm beginning
    assert end < 0.35 * wild


def test_without_a_stderr_no_progress_is_shown_and_nothing_fails(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as in pythonw.exe
    with drawing.frame_bar("rendering", 30) as bar:
        bar.update()
