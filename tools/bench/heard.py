"""Analysis of sound as in a live show, and the rows of a table of figures."""

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK, BLOCK_S, RATE_HZ, Block
from vjnode.modulation.drive import Drive
from vjnode.modulation.listener import Listener
from vjnode.modulation.response import Response
from vjnode.modulation.weight_track import live_track

FPS = 60
MANY = 12
"""Least number of tracks whose median is meaningful."""
Sound = NDArray[np.float32]


class Row(NamedTuple):
    """One line of the table. better: ``<=`` or ``>=``, the relation of the figure to the limit."""

    what: str
    figure: float
    better: str
    limit: float

    @property
    def good(self) -> bool:
        """True if the limit is kept."""
        return bool(self.figure <= self.limit if self.better == "<=" else self.figure >= self.limit)


def many(what: str, figure: float, better: str, limit: float, *, of: int) -> list[Row]:
    """Return the row of a median, or no row if it is of too few tracks."""
    return [Row(what, figure, better, limit)] if of >= MANY else []


@dataclass(frozen=True)
class Heard:
    """Weights, beats and onsets of a sound.

    t_s, weight, beat, onsets: of each frame; beat is the part of the beat that has passed, NaN
    while no beat is known. drives: of each block, if they were kept.
    """

    t_s: NDArray[np.float64]
    weight: NDArray[np.float64]
    beat: NDArray[np.float64]
    onsets: NDArray[np.float64]
    drives: list[Drive]

    def between(self, start_s: float, end_s: float) -> NDArray[np.float64]:
        """Return the weights of the frames from ``start_s`` to ``end_s``."""
        return self.weight[(self.t_s >= start_s) & (self.t_s < end_s)]


def hear(
    mono: Sound, *, agc: str = "on", response: Response | None = None, keep_drives: bool = True
) -> Heard:
    """Return the analysis of ``mono``, shape (n,), as in a live show."""
    listener, track, response = Listener(), live_track(), response or Response()
    listener.set_up(agc=agc)
    times: list[float] = []
    moments: list[tuple[float, float, float]] = []
    drives: list[Drive] = []
    frame = 0
    for i, pcm in enumerate(mono[: len(mono) // BLOCK * BLOCK].reshape(-1, BLOCK)):
        now_s = (i + 1) * BLOCK_S
        while frame / FPS < now_s:  # these frames are drawn before this block is analysed
            times.append(frame / FPS)
            moment = track.at(frame / FPS, response)
            passed = moment.beat if moment.bpm else np.nan
            moments.append((moment.weight, passed, moment.onsets))
            frame += 1
        drive = listener.hear(Block(np.repeat(pcm[:, None], 2, axis=1), now_s, now_s))
        track.push(drive)
        if keep_drives:
            drives.append(drive)
    weight, beat, onsets = np.array(moments).T
    return Heard(np.array(times), weight, beat, onsets, drives)


def hear_all(sounds: Iterable[Sound]) -> list[Heard]:
    """Return the analysis of each sound, shape (n,), from its beginning; use all cores."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(hear, sounds))


def momentary(mono: Sound) -> NDArray[np.float64]:
    """Return the momentary loudness (BS.1770, ffmpeg's ebur128), LUFS, of 400 ms every 100 ms."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE_HZ, format="fltp", layout="mono")
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    tenth = RATE_HZ // 10
    found = []
    for start in range(0, len(mono) - tenth + 1, tenth):
        frame = av.AudioFrame.from_ndarray(mono[None, start : start + tenth].copy(), "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
        graph.push(frame)
        while True:
            try:
                found.append(float(graph.pull().metadata["lavfi.r128.M"]))
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return np.fmax(found, -70.0)  # digital silence is measured as NaN
