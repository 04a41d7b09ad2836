"""Rendering a song: the whole chain, judged by what can be seen in the video."""

import av
import numpy as np
import pytest

from tests.show.process import read_trace, vjnode
from vjnode.face.landmarks import LandmarkMeter
from vjnode.storage import shipped

pytestmark = pytest.mark.slow

SONG = shipped("demo", "demo.ogg")
FPS = 30


@pytest.fixture(scope="module")
def renderings(tmp_path_factory):
    """The demo song, rendered twice by two processes."""
    folder = tmp_path_factory.mktemp("renderings")
    for name in ("one", "two"):
        done = vjnode(
            *("render", SONG, folder / f"{name}.mp4", "--size", 256, "--fps", FPS),
            *("--trace", folder / f"{name}.jsonl", "--face", "freya", "--expression", "laugh"),
        )
        assert done.returncode == 0, done.stderr
    return folder


def test_the_same_song_gives_the_same_bytes_twice(renderings):
    for suffix in ("mp4", "jsonl"):
        one, two = (renderings / f"{name}.{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_the_video_is_as_long_as_the_song_and_has_its_sound(renderings):
    lines = read_trace(renderings / "one.jsonl")
    assert [line["t"] for line in lines] == pytest.approx(np.arange(len(lines)) / FPS, abs=1e-5)
    with av.open(str(SONG)) as song, av.open(str(renderings / "one.mp4")) as video:
        seconds = song.duration / av.time_base
        assert len(lines) == pytest.approx(seconds * FPS, abs=2)
        frames = sum(1 for _ in video.decode(video=0))
        assert frames == len(lines)
    with av.open(str(renderings / "one.mp4")) as video:
        sound = np.concatenate([frame.to_ndarray() for frame in video.decode(audio=0)], axis=1)
        assert sound.shape[1] / 44_100 == pytest.approx(seconds, abs=0.1)
        assert np.abs(sound).max() > 0.1


def test_the_mouth_follows_the_weight(renderings):
    """Calm stays small, wild laughs, the end rests: measured in the decoded pictures."""
    weights = np.array([line["weight"] for line in read_trace(renderings / "one.jsonl")])
    meter = LandmarkMeter()
    with av.open(str(renderings / "one.mp4")) as video:
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
    assert calm < 0.5 * wild
    assert end < 0.35 * wild
