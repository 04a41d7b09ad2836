"""The picture of a song as a reader sees it, taken from the objects that Matplotlib was given."""

import sys
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from tests.audio.sounds import clicks, write_wav
from tests.early import PYTHON, run
from vjnode.audio.sources.base import BLOCK, Block
from vjnode.cli.main import main
from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.modulation.listener import Listener
from vjnode.offline.plot import ROWS, SIZE_PX, caption, check_plot_target, save_plot, song_figure
from vjnode.offline.render import analyse, open_hearing
from vjnode.offline.summary import Overview
from vjnode.paths import shipped

SONG = shipped("demo", "demo.ogg")
FPS = Fraction(60)
CONTROLS = Controls("", "aster", "laugh")
BEATS_S = np.arange(0.5, 12.0, 0.5)
LENGTH_S = 15.0


def overview_of(song):
    hearing = open_hearing(song, CONTROLS)
    hearing.overview = Overview(FPS)
    responding = CONTROLS.response()
    for _, now_s in hearing.frames(FPS):
        hearing.overview.draw(hearing.track.at(now_s, responding).weight)
    hearing.source.close()
    return hearing.overview


@pytest.fixture(scope="module")
def groove(tmp_path_factory):
    """Clicks at 120 bpm for 12 s, then silence."""
    path = tmp_path_factory.mktemp("songs") / "groove.wav"
    return overview_of(write_wav(path, clicks(BEATS_S, LENGTH_S)))


@pytest.fixture(scope="module")
def rows(groove):
    """The axes by their names."""
    return {axes.get_label(): axes for axes in song_figure(groove, title="groove").axes}


def lines(axes, label):
    """Return times and heights of the upright lines of one kind."""
    (drawn,) = (one for one in axes.collections if one.get_label() == label)
    return np.array([(line[0][0], line[1][1]) for line in drawn.get_segments()]).T


def test_every_row_has_the_same_axis_of_time_as_long_as_the_song(rows):
    assert list(rows) == list(ROWS)
    for axes in rows.values():
        start_s, end_s = axes.get_xlim()
        assert (start_s, end_s) == rows["wave"].get_xlim()
        assert -0.1 < start_s <= 0.0
        assert LENGTH_S <= end_s < LENGTH_S + 0.1
    rows["weight"].figure.canvas.draw()
    shown = [label.get_text() for label in rows["weight"].get_xticklabels()]
    assert shown[:3] == ["0:00", "0:01", "0:02"]


def test_onsets_stand_where_the_clicks_are(rows):
    times_s, strengths = lines(rows["onsets"], "onset")
    assert len(times_s) == len(BEATS_S)
    assert np.abs(times_s - BEATS_S).max() < 0.015
    assert (strengths > 0.2).all()


def test_beats_and_bars_stand_on_the_clicks_and_go_on_in_silence(rows):
    beats_s, _ = lines(rows["tempo"], "beat")
    bars_s, _ = lines(rows["tempo"], "bar")
    both_s = np.sort(np.concatenate([beats_s, bars_s]))[1:]
    assert np.abs(both_s - 0.5 * np.round(both_s / 0.5)).max() < 0.04
    assert both_s.max() > 14.0
    assert np.diff(bars_s)[-1] == pytest.approx(2.0, abs=0.05)
    (tempo,) = rows["tempo"].lines
    bpm = tempo.get_ydata()
    assert np.isnan(bpm[0])
    assert bpm[-1] == pytest.approx(120.0, rel=0.01)


def test_silence_is_seen_in_every_row(groove, rows):
    (picture,) = rows["mfcc"].images
    hop_s = groove.mfcc.times_s
    assert (picture.get_alpha()[:, hop_s > 12.5] == 0.0).all()
    assert picture.get_alpha()[:, np.abs(hop_s - 5.03).argmin()].all()
    for series in (groove.wave, groove.drawn):
        late = series.values[series.times_s > 13.5]
        assert np.abs(late).max() < 0.01
        assert series.values.max() > 0.2
    assert np.abs(groove.bands.values[groove.bands.times_s > 13.5]).max() < 0.05


def test_the_drawn_picture_shows_sound_and_silence(groove, tmp_path):
    save_plot(tmp_path / "p.png", groove, title="groove")
    picture = cv2.imread(str(tmp_path / "p.png")).astype(int)
    assert picture.shape == (SIZE_PX[1], SIZE_PX[0], 3)
    figure = song_figure(groove, title="groove")
    for name in ("wave", "bands", "mfcc", "onsets", "weight"):
        axes = next(one for one in figure.axes if one.get_label() == name)

        def colourful(from_s, to_s, axes=axes):
            (left, bottom), (right, top) = axes.transData.transform(
                [(from_s, axes.get_ylim()[0]), (to_s, axes.get_ylim()[1])]
            )
            part = picture[SIZE_PX[1] - int(top) : SIZE_PX[1] - int(bottom), int(left) : int(right)]
            return np.mean(np.ptp(part, axis=2) > 30)

        assert colourful(4.0, 11.0) > 5.0 * colourful(13.5, 14.9)


def test_the_caption_says_what_a_set_up_needs(groove):
    text = caption(groove)
    for part in ("0:15", "120.0 bpm", f"{len(BEATS_S)} onsets", "dBFS", "automatic gain"):
        assert part in text


def overlapping(figure):
    """Return texts that lie on each other or reach over the edge."""
    FigureCanvasAgg(figure).draw()
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and inside(text)
    ]
    assert len(boxes) > 15
    page = figure.bbox
    over = [
        text
        for text, box in boxes
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1
    ]
    return over + [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if a.overlaps(b)]


def inside(text):
    """Return whether a label's tick is within its axes: others are not drawn."""
    axes = text.axes
    if axes is None or text not in [*axes.get_xticklabels(), *axes.get_yticklabels()]:
        return True
    x, y = text.get_position()
    low, high = axes.get_xlim() if text in axes.get_xticklabels() else sorted(axes.get_ylim())
    return text.get_text() != "" and low <= (x if text in axes.get_xticklabels() else y) <= high


def made_up(length_s):
    """Return an overview of any length, without the work of hearing."""
    overview, listener = Overview(Fraction(1)), Listener()
    rng = np.random.default_rng(3)
    drives = []
    for i in range(100):
        pcm = rng.uniform(-1, 1, (BLOCK, 2)).astype(np.float32)
        drives.append(listener.hear(Block(pcm, 0.0, (i + 1) * BLOCK / 44_100)))
        overview.hear(Block(pcm, 0.0, 0.0), drives[-1], listener.mfcc)
    overview.draw(0.5)
    overview.draw(0.7)
    overview.length_s = length_s
    return overview


@pytest.mark.parametrize("length_s", [0.6, 3.0, 9.9, 61.0, 240.0, 600.0, 3599.0, 7200.0, 90_000.0])
def test_no_text_lies_on_another(length_s):
    figure = song_figure(made_up(length_s), title="A long name of a song, remix, " * 5)
    assert overlapping(figure) == []


def test_no_text_lies_on_another_in_a_groove(groove):
    assert overlapping(song_figure(groove, title="groove")) == []


@pytest.mark.parametrize("length_s", [0.001, 3.0])
def test_silence_however_short_is_a_picture_too(tmp_path, length_s):
    song = write_wav(tmp_path / "silent.wav", np.zeros(round(44_100 * length_s), np.float32))
    overview = overview_of(song)
    assert "silent" in caption(overview)
    figure = song_figure(overview, title="silent")
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert {"silence", "none", "none found"} <= set(texts)
    save_plot(tmp_path / "p.png", overview, title="silent")
    assert cv2.imread(str(tmp_path / "p.png")).shape[:2] == SIZE_PX[::-1]


@pytest.mark.filterwarnings("error")
def test_neither_names_of_songs_nor_settings_of_the_user_matter(groove, tmp_path):
    save_plot(tmp_path / "plain.png", groove, title="$x^$_{ \u97f3\u697d \udcff.ogg")
    with mpl.rc_context({"savefig.bbox": "tight", "font.size": 30.0, "text.usetex": True}):
        save_plot(tmp_path / "set.png", groove, title="$x^$_{ \u97f3\u697d \udcff.ogg")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "set.png").read_bytes()


def demo_drawn():
    """Draw the demo song as ``demo.png`` in a folder that lasts as long as what is returned."""
    kept = TemporaryDirectory()
    command = ["analyse", SONG, "--plot", Path(kept.name) / "demo.png"]
    done = run(PYTHON, "-m", "vjnode", *command)
    assert done.returncode == 0, done.stderr
    return kept


@pytest.mark.slow
@pytest.mark.early(work=demo_drawn)
def test_the_command_draws_the_demo_song(early):
    (drawn,) = Path(early.name).iterdir()
    assert drawn.name == "demo.png"
    assert cv2.imread(str(drawn)).shape == (SIZE_PX[1], SIZE_PX[0], 3)


def asked_for(target):
    """Ask for a picture of a song that is not there: errors come before the song is opened."""
    analyse(Path("nowhere.ogg"), CONTROLS, fps=FPS, trace=None, plot=target)


def test_without_matplotlib_the_remedy_is_said_first(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(VjnodeError, match=r"Matplotlib.*pip install .*vjnode\[plot\]"):
        asked_for(tmp_path / "p.png")


def test_a_folder_or_a_name_that_cannot_be_written_is_said_first(tmp_path):
    (tmp_path / "p.png").mkdir()
    with pytest.raises(VjnodeError, match=r"p\.png cannot be written: it is a folder"):
        asked_for(tmp_path / "p.png")
    with pytest.raises(VjnodeError, match="cannot be written: File name too long"):
        asked_for(tmp_path / f"{'p' * 300}.png")
    with pytest.raises(VjnodeError, match="cannot be written: No such file"):
        asked_for(tmp_path / "none" / "p.png")


def test_a_check_leaves_nothing_behind_and_the_old_picture_as_it_was(tmp_path, capsys):
    target = tmp_path / "p.png"
    target.write_bytes(b"old")
    check_plot_target(target)
    assert main(["analyse", "README.md", "--plot", str(target)]) == 2
    assert "README.md" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"old"
