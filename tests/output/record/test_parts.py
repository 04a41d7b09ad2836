"""A recording in several files: joined, they are what one file would have been."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from tests.events import wait_for
from tests.output.record.test_output import sound_of, video_of
from tests.output.shows import Tap, flat, tone
from vjnode.audio.sources.base import RATE_HZ
from vjnode.errors import OutputError
from vjnode.output.base import OutputContext
from vjnode.output.record import muxer
from vjnode.output.record import output as record

FPS = 60
HOUR_S = 3600.0


def play(output, tap, numbers, *, start_s=500.0, late_s=0.05):
    """Send frames whose level is their number, and the tone that is heard meanwhile."""
    heard_s = numbers[0] / FPS
    for n in numbers:
        until_s = max(n / FPS - late_s, heard_s)
        if round(until_s * RATE_HZ) > round(heard_s * RATE_HZ):
            begin, end = round(heard_s * RATE_HZ), round(until_s * RATE_HZ)
            tap.hear(tone((end - begin) / RATE_HZ, begin / RATE_HZ), start_s + end / RATE_HZ)
            heard_s = until_s
        output.send(flat((n % 200,) * 3), start_s + n / FPS)


def parts_of(folder, stem="set", suffix=".mp4"):
    """The recording's files, the first first."""
    count = len(list(folder.iterdir()))
    return [folder / f"{stem}{f'-{n}' if n > 1 else ''}{suffix}" for n in range(1, count + 1)]


def levels(path):
    return [round(float(picture.mean())) for picture in video_of(path)[1]]


@pytest.mark.parametrize(("suffix", "codec"), [(".mov", "prores"), (".mov", "mjpeg")])
def test_parts_join_without_a_lost_or_doubled_frame_or_sample(tmp_path, suffix, codec):
    tap = Tap()
    context = OutputContext(64, Fraction(FPS), sound=tap, codec=codec, part_s=1.0)
    output = record.open_output(str(tmp_path / f"set{suffix}"), context)
    play(output, tap, range(210))
    assert output.about()["parts"] >= 3
    output.close()
    paths = parts_of(tmp_path, suffix=suffix)
    assert [path.is_file() for path in paths] == [True] * 4
    assert [len(levels(path)) for path in paths] == [60, 60, 60, 30]
    joined = [level for path in paths for level in levels(path)]
    assert joined == pytest.approx([n % 200 for n in range(210)], abs=2)
    assert all(video_of(path)[0][0] == 0.0 for path in paths)
    sounds = [sound_of(path) for path in paths]
    assert [len(sound) for sound in sounds] == [RATE_HZ] * 3 + [RATE_HZ // 2]
    heard = np.concatenate(sounds)[: round(3.4 * RATE_HZ)]
    np.testing.assert_allclose(heard, tone(3.4), atol=1e-3)


def test_parts_in_aac_join_as_well_as_it_can_be_told(tmp_path):
    tap = Tap()
    context = OutputContext(64, Fraction(FPS), sound=tap, part_s=1.0)
    output = record.open_output(str(tmp_path / "set.mp4"), context)
    play(output, tap, range(150))
    output.close()
    paths = parts_of(tmp_path)
    assert [len(levels(path)) for path in paths] == [60, 60, 30]
    for number, path in enumerate(paths):
        sound = sound_of(path)
        seconds = 0.5 if number == 2 else 1.0
        assert seconds <= len(sound) / RATE_HZ < seconds + 1024 / RATE_HZ
        sounding = round((seconds - (0.1 if number == 2 else 0.0)) * RATE_HZ)
        assert np.abs(sound[:sounding] - tone(seconds, number)[:sounding]).max() < 0.05


def test_without_parts_it_is_one_file(tmp_path):
    tap = Tap()
    output = record.open_output(
        str(tmp_path / "set.mp4"), OutputContext(64, Fraction(FPS), sound=tap)
    )
    play(output, tap, range(200))
    output.close()
    assert [path.name for path in tmp_path.iterdir()] == ["set.mp4"]


def test_parts_and_those_after_a_fault_replace_no_older_recording(tmp_path):
    """Only the first takes a name that somebody has."""
    for name in ("set.mp4", "set-2.mp4", "set-4.mp4"):
        (tmp_path / name).write_bytes(b"last night")
    for attempt in (0, 1):
        tap = Tap()
        context = OutputContext(64, Fraction(FPS), sound=tap, part_s=1.0, attempt=attempt)
        output = record.open_output(str(tmp_path / "set.mp4"), context)
        play(output, tap, range(90))
        output.close()
    for name in ("set-2.mp4", "set-4.mp4"):
        assert (tmp_path / name).read_bytes() == b"last night"
    lengths = {name: len(levels(tmp_path / name)) for name in made(tmp_path)}
    assert lengths == {"set.mp4": 60, "set-3.mp4": 30, "set-5.mp4": 60, "set-6.mp4": 30}


def made(folder):
    return sorted(path.name for path in folder.iterdir() if path.stat().st_size > 100)


@pytest.mark.parametrize("sound_too", [False, True], ids=["the show slept", "only frames stopped"])
def test_after_an_hour_without_frames_a_new_part_begins(tmp_path, monkeypatch, sound_too):
    """A laptop's lid, or Ctrl-Z: no hour of silence is built, and both parts are in step."""
    portions, portion = [], muxer.Movie.portion

    def counted(self, *arguments):
        portions.append(arguments)
        return portion(self, *arguments)

    monkeypatch.setattr(muxer.Movie, "portion", counted)
    tap = Tap()
    context = OutputContext(64, Fraction(FPS), sound=tap, live=False)
    output = record.open_output(str(tmp_path / "set.mp4"), context)
    play(output, tap, range(90))
    if sound_too:  # what the ring remembers of the hour
        tap.hear(tone(2.0, HOUR_S - 2.0), 500.0 + HOUR_S)
    first = round(HOUR_S * FPS)
    play(output, tap, range(first, first + 120))
    output.close()
    assert len(portions) < 400  # an hour would be 155,000
    before, after = parts_of(tmp_path)
    assert levels(before) == pytest.approx([n % 200 for n in range(90)], abs=2)
    assert levels(after) == pytest.approx([(first + n) % 200 for n in range(120)], abs=2)
    for path, seconds, start_s in ((before, 1.5, 0.0), (after, 2.0, HOUR_S)):
        sound = sound_of(path)
        assert seconds <= len(sound) / RATE_HZ < seconds + 1024 / RATE_HZ
        inner = slice(4096, round((seconds - 0.1) * RATE_HZ))
        assert np.abs(sound[inner] - tone(seconds, start_s)[inner]).max() < 0.05


def test_a_short_pause_stays_in_the_film(tmp_path):
    tap = Tap()
    output = record.open_output(
        str(tmp_path / "set.mp4"), OutputContext(64, Fraction(FPS), sound=tap)
    )
    play(output, tap, [*range(60), *range(600, 660)])
    output.close()
    times, _ = video_of(tmp_path / "set.mp4")
    assert times[60] == pytest.approx(10.0, abs=1e-3)
    assert len(sound_of(tmp_path / "set.mp4")) / RATE_HZ == pytest.approx(11.0, abs=0.03)


@pytest.fixture
def ends(monkeypatch):
    """An event: while it is cleared, no part is finished."""
    finish, ends = muxer.Movie.finish, threading.Event()

    def wait_and_finish(self):
        ends.wait()
        finish(self)

    monkeypatch.setattr(muxer.Movie, "finish", wait_and_finish)
    yield ends
    ends.set()


def play_live(folder, frames):
    """Play as fast as this machine encodes, with parts of a second; returns the output."""
    tap = Tap()
    context = OutputContext(64, Fraction(FPS), sound=tap, part_s=1.0, live=True)
    output = record.open_output(str(folder / "set.mp4"), context)
    for n in range(frames):
        if n:
            tap.hear(tone(1 / FPS, (n - 1) / FPS), n / FPS)
        output.send(flat((n % 200,) * 3), n / FPS)
        wait_for(output._queue.empty)
    return output


def test_while_one_part_is_finished_the_next_loses_nothing(tmp_path, ends):
    """The index of an hour is long to write."""
    output = play_live(tmp_path, 150)
    assert output.about()["dropped_frames"] == 0
    closing = threading.Thread(target=output.close)
    closing.start()
    assert closing.is_alive()  # until all parts are whole
    ends.set()
    closing.join()
    paths = parts_of(tmp_path)
    assert [len(levels(path)) for path in paths] == [60, 60, 30]
    assert [len(sound_of(path)) // RATE_HZ for path in paths] == [1, 1, 0]


@pytest.mark.parametrize("frames", [65, 110], ids=["at the end", "meanwhile"])
def test_a_part_whose_end_cannot_be_written_is_told(tmp_path, monkeypatch, frames):
    finish = muxer.Movie.finish

    def fall(self):
        if len(list(tmp_path.iterdir())) > 1:
            raise OutputError("the disk is full")
        finish(self)

    monkeypatch.setattr(muxer.Movie, "finish", fall)
    with pytest.raises(OutputError, match="the disk is full"):
        play_live(tmp_path, frames).close()
