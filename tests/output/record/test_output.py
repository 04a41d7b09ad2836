"""A recording shows what was sent, when it was sent, with the sound of that moment."""

import hashlib
import struct
import sys
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from tests.output.shows import Tap, flat, noise, tone
from vjnode.audio.sources.base import RATE_HZ
from vjnode.errors import InputError, OutputError
from vjnode.output.base import Frame, OutputContext
from vjnode.output.delivery import Adapter
from vjnode.output.record import codecs, files
from vjnode.output.record import output as record
from vjnode.output.registry import parse_output
from vjnode.output.test_pattern import BARS, Pattern, bar_centre

FPS = Fraction(60)
SUFFIXES = (".mp4", ".mov", ".mkv")
KINDS = [
    *((".mp4", "h264"), (".mov", "prores"), (".mkv", "prores")),
    *((".mov", "mjpeg"), (".mov", "hap")),
]
COARSE = {"hap": 5, "hap_alpha": 8}
"""Errors of codecs that store even colours in 5, 6 and 5 bits, levels."""


def context(size=64, fps=FPS, **more):
    return OutputContext(size, fps, **more)


def record_frames(path, frames, dues, **more):
    output = record.open_output(str(path), context(frames[0].pixels.shape[0], **more))
    for frame, due_s in zip(frames, dues, strict=True):
        output.send(frame, due_s)
    output.close()


def video_of(path, *, torn=False):
    """Times and RGB pictures; a file that is torn may end within one, which is then left out."""
    frames = []
    with av.open(path) as file:
        packets = list(file.demux(video=0))
        for place, packet in enumerate(packets):
            try:
                frames += packet.decode()
            except av.InvalidDataError:
                # The very last packet is the one that flushes the decoder.
                if not torn or place < len(packets) - 2:
                    raise
    return [float(f.pts * f.time_base) for f in frames], [
        f.to_ndarray(format="rgb24") for f in frames
    ]


def sound_of(path):
    """The sound from time 0 on, shape (n, 2)."""
    planar = av.AudioResampler("fltp")
    with av.open(path) as file:
        decoded = list(file.decode(audio=0))
    blocks = [block for one in decoded for block in planar.resample(one)]
    start = round(float(decoded[0].pts * decoded[0].time_base) * RATE_HZ)
    return np.concatenate([np.zeros((start, 2), np.float32), *(b.to_ndarray().T for b in blocks)])


def boxes_of(path):
    """The names of an .mp4's outermost boxes."""
    data, position, names = path.read_bytes(), 0, []
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name.decode())
        position += length
    return names


@pytest.mark.parametrize(("suffix", "codec"), [*((one, "") for one in SUFFIXES), *KINDS[1:]])
def test_colours_come_back_right(tmp_path, suffix, codec):
    path = tmp_path / f"out{suffix}"
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120), (0, 0, 0), (255, 255, 255)]
    record_frames(path, [flat(rgb) for rgb in colours], [n / 60 for n in range(6)], codec=codec)
    _, pictures = video_of(path)
    for rgb, picture in zip(colours, pictures, strict=True):
        assert np.abs(picture.astype(int) - rgb).max() <= COARSE.get(codec, 4), rgb


def test_the_file_says_that_its_colours_are_bt709(tmp_path):
    record_frames(tmp_path / "out.mp4", [flat((9, 9, 9))], [0.0])
    with av.open(tmp_path / "out.mp4") as file:
        video = file.streams.video[0].codec_context
        assert (video.colorspace, video.color_primaries, video.color_trc) == (1, 1, 1)
        assert video.color_range == 1
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")


@pytest.mark.parametrize(
    ("suffix", "codec", "said"),
    [
        (".mov", "prores", ("prores", "yuv422p10le", "Standard", 1, 1)),
        (".mov", "mjpeg", ("mjpeg", "yuvj422p", "Baseline", 5, 2)),
    ],
)
def test_other_codecs_say_what_they_are(tmp_path, suffix, codec, said):
    path = tmp_path / f"out{suffix}"
    output = record.open_output(str(path), context(codec=codec))
    output.send(flat((9, 9, 9)), 0.0)
    assert output.about()["file"] == str(path)
    assert output.about()["codec"].lower().startswith(codec)
    output.close()
    with av.open(path) as file:
        video, audio = (stream.codec_context for stream in file.streams)
        assert (
            *(video.name, video.pix_fmt, video.profile, video.colorspace, video.color_range),
        ) == said
        assert (audio.name, audio.channels) == ("pcm_s16le", 2)


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_alpha_comes_back(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    frame = noise(3, 64)
    pixels = cv2.GaussianBlur(frame.pixels, (0, 0), 3)
    pixels[..., 3] = np.arange(64, dtype=np.uint8) * 4
    record_frames(path, [Frame(pixels, frame.info)], [0.0], alpha="luma")
    with av.open(path) as file:
        video = file.streams.video[0]
        assert (video.codec_context.name, video.codec_context.profile) == ("prores", "4444")
        found = next(file.decode(video=0)).to_ndarray(format="rgba").astype(int)
    np.testing.assert_allclose(found[..., 3], pixels[..., 3], atol=2)
    np.testing.assert_allclose(found[..., :3], pixels[..., :3], atol=6)


@pytest.mark.parametrize("codec", ["prores4444", "hap_alpha"])
@pytest.mark.parametrize("options", ["alpha=matte", "alpha=matte,premultiplied"])
def test_a_head_that_was_cut_out_comes_back(tmp_path, options, codec):
    """All levels of alpha are in the picture; where its colours are even they come back, too."""
    path, pattern = tmp_path / "out.mov", Pattern(256, FPS)
    adapter = Adapter(parse_output(f"record:{path},{options}").delivery, 256)
    adapter.use(pattern.matte)
    frame = pattern.frame(0)
    shown = adapter.adapt(frame.pixels).astype(int)
    shown_frames = [Frame(adapter.adapt(frame.pixels), frame.info)]
    record_frames(path, shown_frames, [0.0], alpha="matte", codec=codec)
    with av.open(path) as file:
        found = next(file.decode(video=0)).to_ndarray(format="rgba").astype(int)
    np.testing.assert_array_equal(shown[..., 3], pattern.matte[..., 3])
    np.testing.assert_array_equal(np.unique(shown[..., 3]), np.arange(256))
    np.testing.assert_allclose(found[..., 3], pattern.matte[..., 3], atol=2)
    bars = slice(60, 110)
    middles = [bar_centre(index, 256)[0] for index in range(len(BARS))]
    even = [slice(x - 8, x + 8) for x in middles]
    limit = COARSE.get(codec, 6)
    for part in even:
        np.testing.assert_allclose(found[bars, part, :3], shown[bars, part, :3], atol=limit)


@pytest.mark.parametrize(("suffix", "codec"), KINDS)
def test_detail_survives(tmp_path, suffix, codec):
    path = tmp_path / f"out{suffix}"
    picture = cv2.GaussianBlur(noise(5, 256).pixels, (0, 0), 2)
    record_frames(path, [Frame(picture, noise(5, 256).info)] * 3, [0, 1 / 60, 2 / 60], codec=codec)
    _, pictures = video_of(path)
    error = pictures[2].astype(float) - picture[..., :3]
    assert 10 * np.log10(255**2 / (error**2).mean()) > 33  # dB


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_each_picture_stands_at_its_deadline_and_missed_ones_leave_no_hole(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    numbers = [0, 1, 2, 7, 8, 8, 7, 9, 100]
    frames = [flat((n, n, n)) for n in numbers]
    record_frames(path, frames, [5000.25 + n / 60 for n in numbers])
    times, pictures = video_of(path)
    kept = [0, 1, 2, 7, 8, 9, 100]
    np.testing.assert_allclose(times, np.array(kept) / 60, atol=6e-4)  # Matroska counts ms
    assert [round(float(p.mean())) for p in pictures] == pytest.approx(kept, abs=2)


def test_odd_rates_are_exact(tmp_path):
    fps = Fraction(30000, 1001)
    record_frames(
        tmp_path / "out.mp4", [flat((1, 2, 3))] * 91, [n / fps for n in range(91)], fps=fps
    )
    times, _ = video_of(tmp_path / "out.mp4")
    assert times[90] == pytest.approx(90 / fps, abs=1e-6)


def test_a_jump_is_possible_to_every_second(tmp_path):
    path = tmp_path / "out.mp4"
    numbers = [n for n in range(300) if n % 3]  # a third is missing
    record_frames(path, [noise(n % 7, 32) for n in numbers], [n / 60 for n in numbers])
    with av.open(path) as file:
        keys = [float(p.pts * p.time_base) for p in file.demux(video=0) if p.is_keyframe and p.size]
    assert len(keys) == 5
    assert max(np.diff(keys)) <= 1.05


def hear_until(tap, now_s, blocks, *, start_s=0.0, lost=()):
    """Fill ``tap`` with the blocks of a gated tone that are over by ``now_s``."""
    while (end_s := (blocks + 1) * 0.01) <= now_s:
        block = tone(0.01, blocks * 0.01) * (int(blocks * 0.01 / 0.5) % 2)
        if not any(first <= blocks * 0.01 < last for first, last in lost):
            tap.hear(block, start_s + end_s)
        blocks += 1
    return blocks


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sound_is_in_step_with_the_picture(tmp_path, suffix):
    """The picture turns white with the tone; both edges must meet within half a frame."""
    path, tap, start_s, blocks = tmp_path / f"out{suffix}", Tap(), 777.7, 0
    output = record.open_output(str(path), context(sound=tap))
    for n in range(150):
        blocks = hear_until(tap, n / 60 + 0.03, blocks, start_s=start_s)
        level = 255 * (n // 30 % 2)
        output.send(flat((level,) * 3), start_s + n / 60)
    output.close()
    times, pictures = video_of(path)
    white_s = next(t for t, p in zip(times, pictures, strict=True) if p.mean() > 128)
    sound = sound_of(path)
    loud_s = np.flatnonzero(np.abs(sound[:, 0]) > 0.1)[0] / RATE_HZ
    assert white_s == pytest.approx(0.5, abs=1e-3)
    assert loud_s == pytest.approx(0.5, abs=0.004)
    assert len(sound) / RATE_HZ == pytest.approx(2.5, abs=0.04)
    expected = tone(0.3, 0.6)
    heard = sound[round(0.6 * RATE_HZ) :][: len(expected)]
    assert np.abs(heard - expected).max() < 0.05


@pytest.mark.parametrize(("suffix", "codec"), KINDS)
def test_clicks_and_flashes_meet_at_start_and_end(tmp_path, suffix, codec):
    """The sound card's clock is wrong by 300 ppm, and its blocks come when they like."""
    path, tap, start_s, fps, seconds = tmp_path / f"out{suffix}", Tap(), 321.0, 30, 41
    rng, block, ppm = np.random.default_rng(1), 512, 300e-6
    heard_s = lambda n: n * block / RATE_HZ * (1 + ppm)  # noqa: E731
    output = record.open_output(str(path), context(fps=Fraction(fps), codec=codec, sound=tap))
    blocks = 0
    for n in range(seconds * fps):
        now_s = n / fps
        while heard_s(blocks + 1) + 0.02 <= now_s:
            times = np.linspace(heard_s(blocks), heard_s(blocks + 1), block, endpoint=False)
            click = ((times % 4 >= 1.0) & (times % 4 < 1.01)).astype(np.float32)
            pcm = np.repeat(click[:, None], 2, axis=1) * 0.8
            blocks += 1
            tap.hear(pcm, start_s + heard_s(blocks) + rng.uniform(-0.004, 0.004))
        flash = (n - fps) % (4 * fps) == 0
        output.send(flat((255 * flash,) * 3), start_s + now_s)
    output.close()
    times, pictures = video_of(path)
    flashes = [t for t, p in zip(times, pictures, strict=True) if p.mean() > 128]
    loud = np.flatnonzero(np.abs(sound_of(path)[:, 0]) > 0.3) / RATE_HZ
    clicks = [t for t, before in zip(loud, [-1, *loud[:-1]], strict=True) if t - before > 1]
    assert len(clicks) == len(flashes) == 10
    assert np.abs(np.subtract(clicks, flashes)).max() < 1 / 60  # half a frame here, one at 60


def test_a_lost_device_is_silent_and_its_return_is_in_step(tmp_path):
    path, tap, blocks = tmp_path / "out.mp4", Tap(), 0
    output = record.open_output(str(path), context(sound=tap))
    for n in range(240):
        blocks = hear_until(tap, n / 60, blocks, lost=[(0.6, 2.7)])
        output.send(flat((n, 0, 0)), n / 60)
    output.close()
    loud = np.abs(sound_of(path)[:, 0]) > 0.1
    assert loud[round(0.51 * RATE_HZ) : round(0.59 * RATE_HZ)].any()
    assert not loud[round(0.62 * RATE_HZ) : round(2.69 * RATE_HZ)].any()
    assert np.flatnonzero(loud[RATE_HZ:])[0] / RATE_HZ == pytest.approx(1.7, abs=0.004)


def test_without_any_sound_there_is_a_silent_track_as_long_as_the_picture(tmp_path):
    record_frames(tmp_path / "out.mp4", [flat((5, 5, 5))] * 90, [n / 60 for n in range(90)])
    sound = sound_of(tmp_path / "out.mp4")
    assert not sound.any()
    assert len(sound) / RATE_HZ == pytest.approx(1.5, abs=0.04)


def test_sound_beyond_the_last_picture_is_cut(tmp_path):
    tap = Tap()
    output = record.open_output(str(tmp_path / "out.mp4"), context(sound=tap))
    for n in range(30):
        output.send(flat((5, 5, 5)), n / 60)
    tap.hear(tone(3.0), 3.0)
    output.close()
    with av.open(tmp_path / "out.mp4") as file:
        assert file.duration / 1e6 == pytest.approx(0.5, abs=0.03)
    assert np.abs(sound_of(tmp_path / "out.mp4")).max() > 0.3


def test_the_same_show_gives_the_same_file(tmp_path):
    for name in ("a.mp4", "b.mp4", "a.mkv", "b.mkv"):
        tap, blocks = Tap(), 0
        output = record.open_output(str(tmp_path / name), context(256, sound=tap))
        for n in range(40):
            blocks = hear_until(tap, n / 60, blocks)
            output.send(noise(n), n / 60)
        output.close()
    digest = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()}
    assert digest["a.mp4"] == digest["b.mp4"]
    assert digest["a.mkv"] == digest["b.mkv"]


def test_pixels_may_be_reused_after_send(tmp_path):
    path = tmp_path / "out.mp4"
    frame = noise(0, 64)
    output = record.open_output(str(path), context())
    for n in range(30):
        frame.pixels[..., :3] = n * 8
        output.send(frame, n / 60)
        frame.pixels[..., :3] = 255
    output.close()
    _, pictures = video_of(path)
    assert [round(float(p.mean())) for p in pictures] == pytest.approx(
        [n * 8 for n in range(30)], abs=2
    )


def test_a_finished_file_has_one_index(tmp_path):
    record_frames(
        tmp_path / "out.mp4", [noise(n, 64) for n in range(130)], [n / 60 for n in range(130)]
    )
    assert boxes_of(tmp_path / "out.mp4") == ["ftyp", "free", "mdat", "moov"]


def test_a_restart_keeps_the_earlier_parts(tmp_path):
    path = tmp_path / "set.mp4"
    path.write_bytes(b"yesterday")
    for attempt, level in ((0, 40), (1, 80), (2, 120)):
        record_frames(path, [flat((level,) * 3)], [0.0], attempt=attempt)
    for name, level in (("set.mp4", 40), ("set-2.mp4", 80), ("set-3.mp4", 120)):
        _, pictures = video_of(tmp_path / name)
        assert pictures[0].mean() == pytest.approx(level, abs=2)


def test_a_part_never_takes_the_name_of_another_recording(tmp_path):
    for name in ("set-2.mp4", "set-4.mp4"):
        (tmp_path / name).write_bytes(b"last night")
    for attempt, level in ((0, 40), (1, 80), (2, 120)):
        record_frames(tmp_path / "set.mp4", [flat((level,) * 3)], [0.0], attempt=attempt)
    for name in ("set-2.mp4", "set-4.mp4"):
        assert (tmp_path / name).read_bytes() == b"last night"
    for name, level in (("set.mp4", 40), ("set-3.mp4", 80), ("set-5.mp4", 120)):
        _, pictures = video_of(tmp_path / name)
        assert pictures[0].mean() == pytest.approx(level, abs=2)


def test_a_show_that_comes_to_nothing_leaves_the_recording_of_another(tmp_path):
    path = tmp_path / "set.mp4"
    path.write_bytes(b"last night")
    output = record.open_output(str(path), context(live=True))
    assert path.read_bytes() == b"last night"  # whoever is killed now, as well
    output.close()
    assert path.read_bytes() == b"last night"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("attempt", [0, 1])
def test_a_show_that_comes_to_nothing_leaves_no_file(tmp_path, attempt):
    output = record.open_output(str(tmp_path / "set.mp4"), context(attempt=attempt))
    assert not list(tmp_path.iterdir())  # whoever is killed now, as well
    output.close()
    assert not list(tmp_path.iterdir())


def test_a_part_that_cannot_begin_leaves_no_empty_file(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MIN_FREE_MIB", 1 << 40)
    for _ in range(3):
        output = record.open_output(str(tmp_path / "set.mp4"), context(attempt=1))
        assert "MiB are needed" in output.about()["interrupted"]
    assert not list(tmp_path.iterdir())


def test_closing_twice_and_without_frames(tmp_path):
    output = record.open_output(str(tmp_path / "out.mp4"), context())
    output.close()
    output.close()


def refused(target, **more):
    with pytest.raises((InputError, OutputError)) as caught:
        record.open_output(str(target), context(**more))
    return str(caught.value)


def test_unknown_suffix_is_refused(tmp_path):
    text = refused(tmp_path / "out.avi")
    assert "out.avi" in text
    assert ".mp4, .mov, .mkv" in text


def test_missing_folder_is_refused(tmp_path):
    text = refused(tmp_path / "nowhere" / "out.mp4")
    assert str(tmp_path / "nowhere") in text
    assert "make it" in text


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "out.mp4").mkdir()
    assert "it is a folder" in refused(tmp_path / "out.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /sys")
def test_unwritable_place_is_refused():
    text = refused("/sys/kernel/out.mp4")
    assert "/sys/kernel/out.mp4" in text
    assert "write" in text


def test_odd_size_is_refused(tmp_path):
    assert "63 px" in refused(tmp_path / "out.mp4", size=63)


def test_missing_encoder_is_named(tmp_path, monkeypatch):
    nobodys = replace(codecs.H264, encoder="libx264-of-nobody")
    monkeypatch.setattr(codecs, "CODECS", (nobodys,))
    text = refused(tmp_path / "out.mp4")
    assert "libx264-of-nobody" in text
    assert "pip install" in text


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /dev/full")
def test_full_disk_is_told_with_path_and_remedy(tmp_path):
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    output = record.open_output(str(path), context())
    with pytest.raises(OutputError) as caught:  # noqa: PT012
        for n in range(60):
            output.send(flat((5, 5, 5)), n / 60)
    output.close()
    text = str(caught.value)
    assert str(path) in text
    assert "disk is full" in text


def test_too_full_a_disk_is_refused_before_the_show(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MIN_FREE_MIB", 1 << 40)
    (tmp_path / "old.mp4").write_bytes(b"yesterday")
    for name in ("old.mp4", "new.mp4"):
        assert f"{1 << 40} MiB are needed" in refused(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["old.mp4"]
    assert (tmp_path / "old.mp4").read_bytes() == b"yesterday"
