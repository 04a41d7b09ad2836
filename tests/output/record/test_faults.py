"""A recording stays playable, and the show goes on, whatever becomes of writer and disk."""

import itertools
import json
import shutil
import subprocess
import sys
import textwrap
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.events import returns, wait_for
from tests.output.record.test_output import sound_of, video_of
from tests.output.shows import Tap, flat, noise, tone
from tests.processes import kill
from vjnode.audio.sources.base import RATE_HZ
from vjnode.errors import OutputError
from vjnode.output.base import OutputContext
from vjnode.output.record import muxer
from vjnode.output.record import output as record

FPS = Fraction(60)


def script(text):
    return [sys.executable, "-c", textwrap.dedent(text)]


KILLED = """
    import sys, time
    from fractions import Fraction
    from tests.output.shows import Tap, flat, tone
    from vjnode.output.base import OutputContext, Silence
    from vjnode.output.record.output import open_output
    path, codec, sounding = sys.argv[1], sys.argv[2], sys.argv[3] == "sounding"
    tap = Tap() if sounding else Silence()
    output = open_output(path, OutputContext(64, Fraction(30), codec=codec, sound=tap, live=True))
    for n in range(10_000):
        if sounding and n:
            tap.hear(tone(1 / 30, (n - 1) / 30), n / 30)
        output.send(flat((n % 250,) * 3), n / 30)
        while not output._queue.empty():  # as fast as this machine encodes, so that none is lost
            time.sleep(0.001)
        print(n, flush=True)
"""


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [
        ("out.mp4", "h264", "sounding"),
        ("out.mp4", "h264", "silent"),
        ("out.mov", "h264", "sounding"),
        ("out.mkv", "h264", "sounding"),
        ("out.mov", "prores", "sounding"),
        ("out.mov", "mjpeg", "sounding"),
    ],
)
def test_a_file_whose_writer_was_killed_plays_up_to_its_last_second(tmp_path, name, codec, sound):
    path = tmp_path / name
    with subprocess.Popen(
        [*script(KILLED), str(path), codec, sound], stdout=subprocess.PIPE
    ) as writer:
        sent = 0
        while sent < 100:
            sent = int(writer.stdout.readline())
        kill(writer.pid)
        sent = int((writer.stdout.read().split() or [sent])[-1])
    times, pictures = video_of(path)
    assert times[-1] >= sent / 30 - 1.0
    levels = [round(float(p.mean())) for p in pictures]
    assert levels == pytest.approx([round(t * 30) % 250 for t in times], abs=3)
    assert len(times) == round(times[-1] * 30) + 1
    heard = sound_of(path)
    assert len(heard) / RATE_HZ >= sent / 30 - 1.0
    if sound == "sounding":
        kept = slice(RATE_HZ, 2 * RATE_HZ)
        assert np.abs(heard[kept] - tone(1.0, 1.0)).max() < 0.05


@pytest.fixture
def disk(monkeypatch):
    """An event that stands for the disk: while it is cleared, no write comes back."""
    write, disk = muxer.Movie.write, threading.Event()
    disk.set()

    def wait_and_write(self, *batch):
        disk.wait()
        write(self, *batch)

    monkeypatch.setattr(muxer.Movie, "write", wait_and_write)
    yield disk
    disk.set()


def test_a_slow_disk_never_holds_the_show_up_and_loses_no_sound(tmp_path, disk):
    tap, path = Tap(), tmp_path / "out.mp4"
    output = record.open_output(str(path), OutputContext(64, FPS, sound=tap, live=True))
    for n in range(180):
        if n % 20 == 0:  # for a third of a second the disk does nothing
            disk.clear()
        if n:
            tap.hear(tone(1 / 60, (n - 1) / 60), n / 60)
        output.send(flat((n, n, n)), n / 60)  # if this waited for the disk, it would do so for good
        if n % 20 == 19:
            disk.set()
            wait_for(output._queue.empty)
    dropped = output.about()["dropped_frames"]
    output.close()
    times, pictures = video_of(path)
    assert len(times) + dropped == 180
    assert dropped > 90
    assert [round(float(p.mean())) for p in pictures] == pytest.approx(
        [round(t * 60) for t in times], abs=2
    )
    heard = sound_of(path)[RATE_HZ // 2 : 2 * RATE_HZ]
    assert np.abs(heard - tone(1.5, 0.5)).max() < 0.05


def test_a_rendering_waits_and_drops_nothing(tmp_path, disk):
    output = record.open_output(str(tmp_path / "out.mp4"), OutputContext(64, FPS))
    disk.clear()

    def render():
        for n in range(60):
            output.send(flat((n, n, n)), n / 60)

    rendering = threading.Thread(target=render)
    rendering.start()
    wait_for(output._queue.full)
    disk.set()
    rendering.join()
    output.close()
    assert len(video_of(tmp_path / "out.mp4")[0]) == 60
    assert output.about()["dropped_frames"] == 0


@pytest.mark.parametrize("live", [True, False])
def test_no_more_than_a_few_frames_are_held(tmp_path, live):
    """Memory does not grow when frames come faster than they can be encoded."""
    resource = pytest.importorskip("resource")
    output = record.open_output(str(tmp_path / "out.mp4"), OutputContext(1024, FPS, live=live))
    frame = noise(1, 1024)
    sizes = []
    for n in range(60):
        output.send(frame, n / 60)
        sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    output.close()
    assert (sizes[-1] - sizes[10]) / 1024 < 30  # MiB; fifty frames would be 75 and more


@pytest.mark.parametrize(("name", "alpha"), [("out.mov", "opaque"), ("out.mov", "luma")])
def test_noise_is_the_worst_that_prores_can_meet(tmp_path, name, alpha):
    path = tmp_path / name
    output = record.open_output(str(path), OutputContext(512, FPS, alpha=alpha, codec="prores"))
    for n in range(5):
        output.send(noise(n, 512), n / 60)
    output.close()
    assert len(video_of(path)[0]) == 5


def fault_of(output):
    """Send frames until one is refused; return the reason."""
    numbers = itertools.count()

    def refused():
        try:
            output.send(flat((5, 5, 5)), next(numbers) / 60)
        except OutputError as error:
            return str(error)
        return ""

    return wait_for(refused, output.about)


@pytest.mark.skipif(sys.platform == "win32", reason="a folder in use keeps its name there")
def test_a_folder_that_is_taken_away_is_named_and_leaves_a_whole_film(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    output = record.open_output(str(folder / "out.mp4"), OutputContext(64, FPS, live=True))
    for n in range(30):
        output.send(flat((5, 5, 5)), n / 60)
        wait_for(output._queue.empty)
    folder.rename(tmp_path / "elsewhere")
    fault = fault_of(output)
    assert f"its folder {folder} cannot be reached any more" in fault
    assert "bring it back" in fault
    assert returns(output.close)
    assert len(video_of(tmp_path / "elsewhere" / "out.mp4")[0]) >= 20


def test_whatever_goes_wrong_in_the_writer_is_told_and_holds_nothing_up(tmp_path, monkeypatch):
    def fall(self, *batch):
        raise MemoryError("no room for a picture")

    monkeypatch.setattr(muxer.Movie, "write", fall)
    output = record.open_output(str(tmp_path / "out.mp4"), OutputContext(64, FPS))
    assert "MemoryError: no room for a picture" in fault_of(output)
    assert output.about()["dropped_frames"] == 0
    assert returns(output.close)


def test_an_end_that_cannot_be_written_is_told_by_close(tmp_path, monkeypatch):
    def fall(self):
        raise OutputError("the disk is full")

    monkeypatch.setattr(muxer.Movie, "finish", fall)
    output = record.open_output(str(tmp_path / "out.mp4"), OutputContext(64, FPS))
    output.send(flat((5, 5, 5)), 0.0)
    with pytest.raises(OutputError, match=r"the end of the recording .* is missing: the disk"):
        output.close()


FULL = """
    import json, shutil, subprocess, sys, time
    from fractions import Fraction
    from pathlib import Path
    from tests.output.shows import noise
    from vjnode.errors import OutputError
    from vjnode.output.base import OutputContext
    from vjnode.output.record.output import open_output

    def record(attempt):
        more = {"attempt": attempt, "live": True, "codec": "mjpeg"}
        context = OutputContext(512, Fraction(60), **more)
        return open_output(sys.argv[1] + "/disk/set.mov", context)

    disk = Path(sys.argv[1]) / "disk"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], check=True)
    frames, said = [noise(n, 512) for n in range(4)], {}
    used_s, output, n = time.process_time(), record(0), 0
    try:
        while n < 20_000:
            output.send(frames[n % 4], n / 60)
            n += 1
            time.sleep(0.004)
    except OutputError as error:
        said["error"] = str(error)
    output.close()
    said["recording_s"] = (time.process_time() - used_s) / n
    said["size"] = (disk / "set.mov").stat().st_size

    # What the supervisor does then.
    used_s, output = time.process_time(), record(1)
    for k in range(3000):  # 50 s of the show
        output.send(frames[k % 4], 1000 + k / 60)
    said["waiting"] = output.about()
    said["waiting_s"] = (time.process_time() - used_s) / 3000
    said["names"] = sorted(path.name for path in disk.iterdir())
    shutil.move(disk / "set.mov", sys.argv[1])  # somebody makes room
    for k in range(40):
        output.send(frames[k % 4], 1100 + k / 60)
        time.sleep(0.01)
    output.close()
    said["again"] = output.about()
    shutil.move(disk / "set-2.mov", sys.argv[1])
    print(json.dumps(said))
"""


def namespaces():
    """Return whether this system lets a test mount a disk of its own."""
    if shutil.which("unshare") is None:
        return False
    mounting = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(mounting, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_full_disk_leaves_a_film_and_a_show_that_goes_on(tmp_path):
    if not namespaces():
        pytest.skip("mounting a small disk needs Linux, root and unshare")
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        ["unshare", "-m", *script(FULL), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "disk/set.mov stopped: the disk is full" in said["error"]
    assert "record to another disk" in said["error"]
    assert said["size"] > 15 << 20  # of 40 MiB, 16 are left to others
    assert len(video_of(tmp_path / "set.mov", torn=True)[0]) > 30
    assert sound_of(tmp_path / "set.mov").shape[0] > RATE_HZ // 4
    # The next part waits, in one process, without working hard, and leaves no empty files.
    assert "32 MiB are needed" in said["waiting"]["interrupted"]
    assert said["waiting"]["missed_frames"] == 3000
    assert said["waiting_s"] < said["recording_s"] / 100, said  # per frame; measured: a thousandth
    assert said["names"] == ["set.mov"]
    # With room again the recording goes on by itself.
    assert said["again"]["file"].endswith("disk/set-2.mov")
    assert len(video_of(tmp_path / "set-2.mov")[0]) + said["again"]["dropped_frames"] == 40


LIMITED = """
    import resource, sys
    from fractions import Fraction
    from tests.output.shows import noise
    from vjnode.errors import OutputError
    from vjnode.output.base import OutputContext
    from vjnode.output.record.output import open_output
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000,) * 2)
    output = open_output(sys.argv[1], OutputContext(256, Fraction(60), codec=sys.argv[2]))
    frames = [noise(n) for n in range(4)]
    try:
        for n in range(2000):
            output.send(frames[n % 4], n / 60)
    except OutputError as error:
        print(error)
    output.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
@pytest.mark.parametrize(("name", "codec"), [("out.mp4", "h264"), ("out.mov", "mjpeg")])
def test_what_was_written_before_a_fault_plays(tmp_path, name, codec):
    path = tmp_path / name
    ended = subprocess.run(
        [*script(LIMITED), str(path), codec], capture_output=True, text=True, check=True
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
    assert shown >= 15
