"""A session gives the frames of the show that was recorded, byte for byte, without sound."""

from contextlib import closing
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.audio.sounds import write_wav
from tests.show.process import read_trace
from tools.data.grooves import groove
from vjnode.control.glide import Way
from vjnode.control.state import Controls
from vjnode.offline.drawing import Film, open_drawing
from vjnode.offline.render import analyse, open_hearing, render
from vjnode.offline.replay import render_session
from vjnode.output.base import Delivery
from vjnode.show.session.reader import open_session
from vjnode.show.session.recorder import SessionWriter, header_of

FPS = Fraction(5)
PLAIN = Controls(
    "",
    "aster",
    "laugh",
    idle_gaze=0.0,
    idle_breath=0.0,
    **{"expression/2": "none", "expression/3": "none"},
)
"""Controls of a look that is one sweep."""


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    path = tmp_path_factory.mktemp("song") / "song.wav"
    return write_wav(path, groove("rock", 120.0, 3.01)[0])


@pytest.fixture
def film(tmp_path):
    """Return a function that gives a film of pictures that are coded one by one."""
    delivery = Delivery(codec="mjpeg")

    def named(name):
        trace = tmp_path / f"{name}.jsonl"
        return Film(tmp_path / f"{name}.mov", 256, FPS, trace, delivery=delivery)

    return named


def pictures(film):
    with av.open(str(film.target)) as video:
        return np.array([one.to_ndarray(format="rgb24") for one in video.decode(video=0)], int)


def test_a_song_that_was_analysed_is_drawn_without_it(song, film, tmp_path):
    path, wanted = tmp_path / "song.vjsession", film("song")
    analyse(song, PLAIN, fps=FPS, trace=None, session=path)
    look = {"size": 256, "fps": FPS, "trace": wanted.trace, "delivery": wanted.delivery}
    render(song, wanted.target, PLAIN, **look)
    for name in ("once", "again"):
        render_session(open_session(path), film(name))
        assert np.array_equal(pictures(film(name)), pictures(wanted))
        assert read_trace(film(name).trace) == read_trace(wanted.trace)
    assert film("once").target.read_bytes() == film("again").target.read_bytes()


def perform(song, film, path, script):
    """Draw a song while its controls change, as ``script`` says of each frame; record it."""
    hearing = open_hearing(song, PLAIN)
    header = header_of(generator="mobilestylegan", size=256, fps=FPS, interval_s=0.25)
    with (
        closing(hearing.source),
        open_drawing(film, looks=2) as drawing,
        SessionWriter(path, header) as writer,
    ):
        drawing.begin(hearing.track)
        controls = PLAIN
        for frame, now_s in hearing.frames(FPS):
            controls = script.get(frame, controls)
            writer.tick(now_s, controls, hearing.told)
            drawing.send(frame, drawing.draw(now_s, controls))


def test_what_hands_did_is_done_again(song, film, tmp_path):
    path, wanted, found = tmp_path / "set.vjsession", film("wanted"), film("found")
    loud = PLAIN.with_(gain=3.0)
    wonder = loud.gliding_to(loud.with_(expression="wonder", gain=0.5), Way(1.0, "soft"), 1.0)
    perform(song, wanted, path, {3: loud, 5: wonder, 11: PLAIN})
    render_session(open_session(path), found)
    assert np.array_equal(pictures(found), pictures(wanted))
    lines = read_trace(found.trace)
    assert lines == read_trace(wanted.trace)
    assert {line["expression"] for line in lines} == {"laugh", "wonder"}
    gains = [line["gain"] for line in lines]
    assert {1.0, 3.0, 0.5} <= set(gains)
    assert sum(0.5 < one < 3.0 and one != 1.0 for one in gains) == 4  # a second, on its way


def test_what_was_laid_over_the_picture_is_there_too(song, film, tmp_path):
    path, free, found = tmp_path / "set.vjsession", film("free"), film("found")
    frozen = PLAIN.with_(freeze=True)
    dark = PLAIN.with_(blackout=True, blackout_fade=0.0)
    perform(song, free, path, {2: frozen, 8: PLAIN, 10: dark, 13: PLAIN.with_(blackout_fade=0.0)})
    render_session(open_session(path), found)
    wanted, shown = pictures(free), pictures(found)
    assert len(shown) == len(wanted)
    assert all(np.array_equal(one, shown[2]) for one in shown[2:8])
    assert np.ptp(wanted[2:8], axis=0).max() > 30
    assert shown[10:13].max() <= 2
    for part in (slice(0, 3), slice(8, 10), slice(13, None)):
        assert np.array_equal(shown[part], wanted[part])


def test_ticks_of_a_live_show_come_as_frames_whatever_their_times(film, tmp_path):
    """They are a little early or late, some are missing, and another engine goes on."""
    path, chance = tmp_path / "set.vjsession", np.random.default_rng(3)
    header = header_of(generator="mobilestylegan", size=256, fps=FPS)
    times = [n / 5 + chance.uniform(-0.04, 0.04) for n in range(15) if n not in (6, 7)]
    with SessionWriter(path, header) as writer:
        for at_s in times[:9]:
            writer.tick(50.0 + at_s, PLAIN, [])
    with SessionWriter(path, replace(header, size=512), again=True) as writer:
        for at_s in times[9:]:
            writer.tick(50.0 + at_s, PLAIN, [])
    render_session(open_session(path), film("live"))
    assert len(read_trace(film("live").trace)) == pytest.approx(15, abs=1)
    numbers = [line["frame"] for line in read_trace(film("live").trace)]
    assert numbers == list(range(len(numbers)))
