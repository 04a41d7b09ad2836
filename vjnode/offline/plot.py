"""Plot of a song: its features and the resulting weight, on one time axis."""

import io
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EISDIR
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vjnode.errors import VjnodeError
from vjnode.offline.plot_rows import (
    BACKGROUND,
    DIM,
    GRID,
    INK,
    PANEL,
    draw_bands,
    draw_mfcc,
    draw_onsets,
    draw_tempo,
    draw_wave,
    draw_weight,
)
from vjnode.offline.summary import Overview
from vjnode.paths import replace_file
from vjnode.remedies import install_extra

if TYPE_CHECKING:  # Matplotlib comes with an extra, and takes a second to load
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE_PX = (2000, 1300)
"""Width and height of the picture."""

ROWS = {"wave": 1.5, "bands": 1.8, "mfcc": 2.2, "onsets": 1.3, "tempo": 1.0, "weight": 2.4}
"""Names and heights of the rows, from the top."""

_DPI = 125
_LEFT = 0.035
_PLACE = {"left": _LEFT, "right": 0.985, "top": 0.9, "bottom": 0.035, "hspace": 0.22}
_TICKS_MOST = 18
_TICKS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
_MARGIN = 0.003  # part of the song's length left free at both ends, so that the ends are visible
_TITLE_LENGTH = 72

_FONTS = ("DejaVu Sans", "Arial Unicode MS", "Noto Sans CJK JP", "Yu Gothic", "Microsoft YaHei")
"""Matplotlib's own font, and fonts of common systems for titles that it cannot write."""

_STYLE: dict[Any, Any] = {
    "figure.facecolor": BACKGROUND,
    "axes.facecolor": PANEL,
    "axes.edgecolor": GRID,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.titlepad": 4,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": DIM,
    "legend.borderpad": 0.0,
    "legend.borderaxespad": 0.3,
    "legend.handlelength": 1.2,
    "font.size": 9,
    "text.color": INK,
    "xtick.color": DIM,
    "ytick.color": DIM,
    "xtick.labelsize": 9,
    "ytick.labelsize": 8,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def check_plot_target(path: Path) -> None:
    """Check that a picture can be drawn and written to ``path``, before any work is done.

    Raises:
        VjnodeError: Matplotlib is missing, or ``path`` cannot be written.
    """
    try:
        import_module("matplotlib.figure")
    except ImportError as error:
        raise VjnodeError(
            f"a plot needs Matplotlib ({error}); run: {install_extra('plot')}"
        ) from error
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, "it is a folder")
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def save_plot(path: Path, overview: Overview, *, title: str) -> None:
    """Write the picture as a PNG; a reader sees the old file or the whole new one.

    Raises:
        VjnodeError: ``path`` cannot be written.
    """
    png = io.BytesIO()
    with _style(), warnings.catch_warnings():
        # A title in a script that no font here has is drawn as boxes, which is plain enough.
        warnings.filterwarnings("ignore", message="Glyph")
        song_figure(overview, title=title).savefig(png, format="png")
    try:
        replace_file(path, png.getvalue())
    except OSError as error:
        raise _unwritable(path, error) from error


def song_figure(overview: Overview, *, title: str) -> "Figure":
    """Return a figure of the rows ``ROWS``, also the labels of the axes, over one time axis."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _style():
        figure = Figure(figsize=(SIZE_PX[0] / _DPI, SIZE_PX[1] / _DPI), dpi=_DPI)
        rows = figure.subplot_mosaic(
            [[name] for name in ROWS],
            sharex=True,
            height_ratios=list(ROWS.values()),
            gridspec_kw=_PLACE,
        )
        draw_wave(rows["wave"], overview)
        draw_bands(rows["bands"], overview)
        draw_mfcc(rows["mfcc"], overview)
        draw_onsets(rows["onsets"], overview)
        draw_tempo(rows["tempo"], overview)
        draw_weight(rows["weight"], overview)
        _lay_time(rows["weight"], overview.length_s)
        name = title if len(title) <= _TITLE_LENGTH else title[: _TITLE_LENGTH - 1] + "…"
        name = name.encode("utf-8", "replace").decode()  # names of files may hold any bytes
        figure.text(_LEFT, 0.962, name, size=16, parse_math=False)
        figure.text(_LEFT, 0.937, caption(overview), size=10, color=DIM)
    return figure


def caption(overview: Overview) -> str:
    """Return the song's main figures, in one line."""
    parts = [_clock(overview.length_s, 1.0)]
    peak = overview.peak
    parts.append(f"peak {20.0 * np.log10(peak):.1f} dBFS" if peak > 0.0 else "silent")
    bpm = overview.median_bpm
    parts.append(f"{bpm:.1f} bpm (median)" if bpm else "no tempo")
    parts.append(f"{overview.count} onset{'' if overview.count == 1 else 's'}")
    least_db, greatest_db = overview.gains_db
    if greatest_db - least_db >= 0.1:
        parts.append(f"automatic gain {least_db:+.1f} to {greatest_db:+.1f} dB")
    elif greatest_db >= least_db:
        parts.append(f"automatic gain {greatest_db:+.1f} dB")
    return "   ·   ".join(parts).replace("-", "−")


def _lay_time(axes: "Axes", length_s: float) -> None:
    """Set the range of the time axis to the song, with as many labels as are readable."""
    fitting = [step_s for step_s in _TICKS_S if length_s / step_s <= _TICKS_MOST]
    step_s = fitting[0] if fitting else _TICKS_S[-1]
    axes.set_xlim(-_MARGIN * length_s, (1.0 + _MARGIN) * length_s)
    axes.set_xticks(np.arange(0.0, length_s, step_s))
    axes.xaxis.set_major_formatter(lambda t_s, _: _clock(t_s, step_s))
    axes.tick_params(axis="x", pad=8)


def _clock(t_s: float, step_s: float) -> str:
    """Return a time as m:ss, with tenths or hours if needed: 1:05, 0:02.5, 1:00:00."""
    tenths = round(10.0 * t_s)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{tenths / 10:04.1f}" if step_s < 1.0 else f"{tenths // 10:02d}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


@contextmanager
def _style() -> Iterator[None]:
    """Apply vjnode's own Matplotlib style, whatever the user's settings are."""
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.font_manager import fontManager  # noqa: PLC0415

    here = fontManager.get_font_names()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        mpl.rcParams["font.family"] = [font for font in _FONTS if font in here]
        yield


def _unwritable(path: Path, error: OSError) -> VjnodeError:
    return VjnodeError(
        f"the plot {path} cannot be written: {error.strerror}; use another name or folder"
    )
