"""A recording shows what was sent, when it was sent, with the sound of that moment."""

import hashlib
import os
import signal
import struct
import subprocess
import sys
import textwrap
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.output.shows import Tap, flat, noise, tone
from vjnode.audio.source import RATE_HZ
from vjnode.errors import InputError, OutputError
from vjnode.output import codecs, record
from vjnode.output.base import OutputContext

FPS = Fraction(60)
SUFFIXES = (".mp4", ".mov", ".mkv")


def context(size=64, fps=FPS, **more):
    return OutputContext(size, fps, **more)


def record_frames(path, frames, dues, **more):
    output = record.open_output(str(path), context(frames[0].pixels.shape[0], **more))
    for frame, due_s in zip(frames, dues, strict=True):
        output.send(frame, due_s)
    output.close()


def video_of(path):
    """Times and RGB pictures."""
    with av.open(path) as file:
        frames = list(file.decode(video=0))
    return [float(f.pts * f.time_base) for f in frames], [
        f.to_ndarray(format="rgb24") for f in frames
    ]


def sound_of(path):
    """The sound from time 0 on, shape (n, 2)."""
    with av.open(path) as file:
        blocks = list(file.decode(audio=0))
    start = round(float(blocks[0].pts * blocks[0].time_base) * RATE_HZ)
    return np.concatenate([np.zeros((start, 2), np.float32), *(b.to_ndarray().T for b in blocks)])


def boxes_of(path):
    """The names of an .mp4's outermost boxes."""
    data, position, names = path.read_bytes(), 0, []
    while position < len(data):
        length, name = struct.unpack(">I4s", data[position : position + 8])
        names.append(name.decode())
        position += length
    return names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_colours_come_back_right(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120), (0, 0, 0), (255, 255, 255)]
    record_frames(path, [flat(rgb) for rgb in colours], [n / 60 for n in range(6)])
    _, pictures = video_of(path)
    for rgb, picture in zip(colours, pictures, strict=True):
        assert np.abs(picture.astype(int) - rgb).max() <= 4, rgb


def test_the_file_says_that_its_colours_are_bt709(tmp_path):
    record_frames(tmp_path / "out.mp4", [flat((9, 9, 9))], [0.0])
    with av.open(tmp_path / "out.mp4") as file:
        video = file.streams.video[0].codec_context
        assert (video.colorspace, video.color_primaries, video.color_trc) == (1, 1, 1)
        assert video.color_range == 1
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")


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


KILLED = """
    import sys, time
    from fractions import Fraction
    from tests.output.shows import flat
    from vjnode.output.base import OutputContext
    from vjnode.output.record import open_output
    output = open_output(sys.argv[1], OutputContext(64, Fraction(60)))
    for n in range(200):
        output.send(flat((n, n, n)), n / 60)
    time.sleep(0.5)
    print("sent", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_whose_writer_was_killed_plays(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(path)], stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"sent\n"
        os.kill(writer.pid, signal.SIGKILL)
    times, pictures = video_of(path)
    assert times[-1] >= 200 / 60 - 1.6  # a fragment, and half a second of waiting for sound
    assert [round(float(p.mean())) for p in pictures] == pytest.approx(
        list(range(len(times))), abs=2
    )


def test_a_restart_keeps_the_earlier_parts(tmp_path):
    path = tmp_path / "set.mp4"
    path.write_bytes(b"yesterday")
    for attempt, level in ((0, 40), (1, 80), (2, 120)):
        record_frames(path, [flat((level,) * 3)], [0.0], attempt=attempt)
    for name, level in (("set.mp4", 40), ("set-2.mp4", 80), ("set-3.mp4", 120)):
        _, pictures = video_of(tmp_path / name)
        assert pictures[0].mean() == pytest.approx(level, abs=2)


def test_no_more_than_a_few_frames_are_held(tmp_path):
    """Frames come faster than they can be encoded: ``send`` waits, memory does not grow."""
    resource = pytest.importorskip("resource")
    output = record.open_output(str(tmp_path / "out.mp4"), context(1024))
    frame = noise(1, 1024)
    sizes = []
    for n in range(60):
        output.send(frame, n / 60)
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    output.close()
    assert (sizes[-1] - sizes[10]) / 1024 < 30  # MiB; fifty frames would be 75 and more


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
    assert "Is a directory" in refused(tmp_path / "out.mp4")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys")
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_full_disk_is_told_with_path_and_remedy(tmp_path):
    path = tmp_path / "out.mp4"
    path.symlink_to("/dev/full")
    text = refused(path)
    assert str(path) in text
    assert "disk is full" in text


def test_too_full_a_disk_is_refused_before_the_show(tmp_path, monkeypatch):
    monkeypatch.setattr(record, "MIN_FREE_MIB", 1 << 40)
    (tmp_path / "old.mp4").write_bytes(b"yesterday")
    for name in ("old.mp4", "new.mp4"):
        assert f"{1 << 40} MiB are needed" in refused(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["old.mp4"]
    assert (tmp_path / "old.mp4").read_bytes() == b"yesterday"


LIMITED = """
    import resource, sys
    from fractions import Fraction
    from tests.output.shows import noise
    from vjnode.errors import OutputError
    from vjnode.output.base import OutputContext
    from vjnode.output.record import open_output
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000,) * 2)
    output = open_output(sys.argv[1], OutputContext(256, Fraction(60)))
    try:
        for n in range(2000):
            output.send(noise(n % 9), n / 60)
    except OutputError as error:
        print(error)
    output.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
def test_what_was_written_before_a_fault_plays(tmp_path):
    path = tmp_path / "out.mp4"
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"the recording {path} stopped" in ended.stdout
    assert "larger than the system allows" in ended.stdout
    with av.open(path) as file:
        shown = 0
        try:
            for _ in file.decode(video=0):
                shown += 1
        except av.error.InvalidDataError:
            pass  # the last fragment is cut off
    assert shown >= 30
