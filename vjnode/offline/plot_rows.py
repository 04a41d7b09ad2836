"""Rows of a song's plot: each function draws one aspect of an overview into its axes."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vjnode.offline.summary import RANKS, Overview, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BACKGROUND, PANEL, GRID, DIM, INK = "#0e1014", "#161920", "#2a2f3a", "#98a1b1", "#dde2ea"
"""Colours of the picture, of a row, of grid lines, of small text and of other text."""

_WAVE, _ONSET, _TEMPO = "#6f8fb4", "#f0c75e", "#7fd1ae"
_DRAWN, _PEAKS, _RAW = "#cf5b47", "#f2a183", "#ffffff"
_BANDS = {"low": "#d9596b", "mid": "#e0a94a", "high": "#5fb8d6"}

_LEAST_RANGE = 0.5
"""Least range of an MFCC that fills the colour scale, so that noise is not magnified."""

_LEAST_BPM = 10.0
"""Least range of the tempo row above and below its middle, bpm."""

_LINES_MOST = 200
"""Most lines in a row; more would hide the data between them."""

_PIXELS = 1800
"""Approximate width of a row, px."""


def draw_wave(axes: "Axes", overview: Overview) -> None:
    """Draw the waveform, scaled to its peak."""
    wave = overview.wave
    axes.set_title("Waveform")
    axes.fill_between(
        wave.times_s, -wave.values[:, 1], wave.values[:, 0], color=_WAVE, linewidth=0.4
    )
    limit = 1.05 * overview.peak or 1.0
    axes.set_ylim(-limit, limit)
    axes.set_yticks([])
    if not overview.peak:
        _remark(axes, "silence")


def draw_bands(axes: "Axes", overview: Overview) -> None:
    """Draw the bands in lanes of their own, so that none hides another."""
    bands = overview.bands
    _head(axes, "Bands", "each over its own recent range")
    for lane, (values, color) in enumerate(zip(bands.values.T, _BANDS.values(), strict=True)):
        axes.fill_between(bands.times_s, lane, lane + 0.9 * values, color=color, linewidth=0.0)
    axes.set_ylim(0.0, len(_BANDS))
    axes.set_yticks([lane + 0.45 for lane in range(len(_BANDS))], list(_BANDS))


def draw_mfcc(axes: "Axes", overview: Overview) -> None:
    """Draw each coefficient scaled to its own range, as the first would hide all others."""
    _head(axes, "MFCC", "each over its own range; empty where the gate was closed")
    times_s, mfcc = _coarse(overview.mfcc, _PIXELS)
    _, audible = _coarse(overview.audible, _PIXELS)
    count = mfcc.shape[1]
    if len(mfcc):
        half_s = (times_s[1] - times_s[0]) / 2.0 if len(times_s) > 1 else overview.mfcc.span_s / 2.0
        axes.imshow(
            _scaled(mfcc, audible[:, 0] > 0.5).T,
            alpha=np.repeat(audible.T, count, axis=0),
            cmap="magma",
            vmin=-1.0,
            vmax=1.0,
            aspect="auto",
            origin="lower",
            interpolation="nearest",
            extent=(times_s[0] - half_s, times_s[-1] + half_s, -0.5, count - 0.5),
        )
    axes.axhline(0.5, color=BACKGROUND, linewidth=2.5)
    axes.grid(visible=False)
    axes.set_ylim(-0.5, count - 0.5)
    axes.set_yticks([0, 1, 6, 12], ["c0", "c1", "c6", "c12"])


def draw_onsets(axes: "Axes", overview: Overview) -> None:
    """Draw a line for each onset, as high as its strength, over the beats."""
    onsets = overview.onsets
    strength = onsets.values[:, 0]
    there = strength > 0.0
    axes.set_title("Onsets")
    axes.set_ylim(0.0, 1.05)
    axes.set_yticks([0.0, 1.0], ["0", "1"])
    _draw_beats(axes, overview)
    if there.any():
        times_s = onsets.times_s[there]
        width = 1.2 if len(times_s) <= _LINES_MOST else 0.5
        axes.vlines(times_s, 0.0, strength[there], color=_ONSET, linewidth=width, label="onset")
        _legend(axes)
    else:
        _remark(axes, "none")


def draw_tempo(axes: "Axes", overview: Overview) -> None:
    """Draw the tempo where one is known, over the beats."""
    bpm = overview.bpm.values[:, 0]
    known = bpm[bpm > 0.0]
    axes.set_title("Tempo, bpm")
    _draw_beats(axes, overview)
    if not len(known):
        axes.set_yticks([])
        _remark(axes, "none found")
        return
    axes.plot(overview.bpm.times_s, np.where(bpm > 0.0, bpm, np.nan), color=_TEMPO, linewidth=1.8)
    low, high, middle = known.min(), known.max(), (known.min() + known.max()) / 2.0
    half = max(_LEAST_BPM, 0.65 * (high - low))
    axes.set_ylim(middle - half, middle + half)
    named = [middle] if high - low < _LEAST_BPM / 2.0 else [low, high]
    axes.set_yticks(named, [f"{bpm:.0f}" for bpm in named])
    _legend(axes)


def draw_weight(axes: "Axes", overview: Overview) -> None:
    """Draw the weight as an area, with lighter peaks where several moments share a column."""
    drawn = overview.drawn
    peaks, dips = drawn.values[:, 0], -drawn.values[:, 1]
    axes.set_title("Weight")
    axes.fill_between(drawn.times_s, dips, peaks, color=_PEAKS, linewidth=0.0)
    axes.fill_between(drawn.times_s, 0.0, dips, color=_DRAWN, linewidth=0.0, label="as drawn")
    axes.plot(*_coarse(overview.raw, _PIXELS // 3), color=_RAW, linewidth=0.8, label="encoder")
    axes.set_ylim(0.0, 1.02)
    axes.set_yticks([0.0, 0.5, 1.0], ["0", "0.5", "1"])
    _legend(axes)


def _coarse(series: Series, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and means of at most ``most`` columns, shapes (n,) and (n, width)."""
    times_s, values = series.times_s, series.values
    together = -(-len(values) // most)
    if together <= 1:
        return times_s, values
    starts = np.arange(0, len(values), together)
    counts = np.diff([*starts, len(values)])
    sums = np.add.reduceat(values, starts, axis=0)
    return np.add.reduceat(times_s, starts) / counts, sums / counts[:, None]


def _scaled(mfcc: NDArray[np.float64], heard: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the coefficients, shape (n, 13), each scaled so that its usual range is −1…1.

    heard: marks the columns that the range is measured in.
    """
    low, high = np.percentile(mfcc[heard] if heard.any() else mfcc, (2.0, 98.0), axis=0)
    scaled: NDArray[np.float64] = (2.0 * mfcc - high - low) / np.maximum(high - low, _LEAST_RANGE)
    return scaled


def _draw_beats(axes: "Axes", overview: Overview) -> None:
    """Draw a line for each beat, or for each bar if these are too many, and so on."""
    ranks, times_s = overview.beats.values[:, 0], overview.beats.times_s
    finest = 1
    while np.count_nonzero(ranks >= finest) > _LINES_MOST:
        finest += 1
    for shown, rank, alpha in ((ranks == finest, finest, 0.4), (ranks > finest, finest + 1, 0.9)):
        if shown.any():
            axes.vlines(
                times_s[shown],
                0.0,
                1.0,
                transform=axes.get_xaxis_transform(),
                color=DIM,
                linewidth=0.8,
                alpha=alpha,
                label=RANKS[rank - 1],
            )


def _head(axes: "Axes", name: str, note: str) -> None:
    """Write a row's name, and at the right, in small text, a note on how to read it."""
    axes.set_title(name)
    axes.set_title(note, loc="right", size=9, color=DIM)


def _legend(axes: "Axes") -> None:
    """Draw a legend above the row, at its right end."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4)


def _remark(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, color=DIM, ha="center", va="bottom")
