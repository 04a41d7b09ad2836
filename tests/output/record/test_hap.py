"""Recordings in HAP play in what plays HAP: here FFmpeg's decoder, which is not ours."""

import builtins

import av
import numpy as np
import pytest

from tests.output.record.test_output import FPS, record_frames, video_of
from tests.output.shows import flat, noise
from vjnode.errors import OutputError
from vjnode.output.record import codecs
from vjnode.output.record.muxer import Movie


@pytest.mark.parametrize(("alpha", "tag"), [("opaque", "Hap1"), ("matte", "Hap5")])
def test_the_file_says_which_hap_it_is_and_each_picture_stands_alone(tmp_path, alpha, tag):
    path = tmp_path / "out.mov"
    frames = [flat((n, 2 * n, 255 - n)) for n in range(0, 100, 10)]
    record_frames(path, frames, [n / 60 for n in range(10)], codec="hap", alpha=alpha)
    with av.open(path) as file:
        video = file.streams.video[0]
        context = video.codec_context
        assert (context.name, context.codec_tag, video.average_rate) == ("hap", tag, FPS)
        assert (context.width, context.height) == frames[0].pixels.shape[:2]
        packets = [one for one in file.demux(video) if one.size]
        assert all(one.is_keyframe for one in packets)
        assert [float(one.pts * one.time_base) for one in packets] == pytest.approx(
            np.arange(10) / 60
        )
        assert len(list(file.decode(audio=0))) == 0
    _, pictures = video_of(path)
    for frame, picture in zip(frames, pictures, strict=True):
        assert np.abs(picture.astype(int) - frame.pixels[..., :3]).max() <= 5


def test_pixels_may_be_reused_as_soon_as_they_are_sent(tmp_path):
    movie = Movie(codecs.HAP, size=64, fps=FPS)
    movie.begin(tmp_path / "out.mov")
    pixels = flat((200, 0, 0), 64).pixels.copy()
    picture = movie.picture(pixels, 0)
    pixels[:] = 0
    movie.write(picture, [])
    movie.finish()
    assert video_of(tmp_path / "out.mov")[1][0][..., 0].min() > 190


def test_a_large_picture_has_a_long_head(tmp_path):
    """Beyond 16 MiB the length takes four more bytes."""
    record_frames(tmp_path / "out.mov", [noise(1, 4352)], [0.0], codec="hap_alpha", alpha="matte")
    assert video_of(tmp_path / "out.mov")[1][0].shape == (4352, 4352, 3)


def test_sizes_that_have_no_whole_blocks_are_refused():
    with pytest.raises(OutputError, match="258 px is no multiple of that; record at size=256"):
        Movie(codecs.HAP, size=258, fps=FPS)


def test_without_its_packages_the_remedy_is_told(monkeypatch):
    found = builtins.__import__

    def without(name, *more):
        if name == "etcpak":
            raise ModuleNotFoundError("none", name=name)
        return found(name, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OutputError, match=r"etcpak is missing; run: .*\[hap\]"):
        Movie(codecs.HAP_ALPHA, size=64, fps=FPS)
