"""Loops: clips of some bars whose first frame follows the last.

All that moves a face is a weight, and the face is the same for the same weights. So weights are
made to come round: where those of the beginning and those of the time after the end meet, one goes
on as the other; where they do not, the one passes into the other over the first beat.
"""

import logging
import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.file import FileSource
from vjnode.audio.tempo.beat import BEATS_PER_BAR
from vjnode.control.state import Controls
from vjnode.errors import InputError
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT, INTERVAL_S
from vjnode.modulation.listener import Listener
from vjnode.modulation.response import TrackConfig
from vjnode.modulation.weight_track import WeightTrack
from vjnode.offline.drawing import Drawing, Film, frame_bar, open_drawing
from vjnode.offline.groove import groove
from vjnode.output.overrides import soft
from vjnode.output.record.output import check_target
from vjnode.render.animation import Animation, Posture
from vjnode.render.base import Progress
from vjnode.render.frame_renderer import asked_look, frame_info
from vjnode.render.layers import layers_of
from vjnode.render.transition import HANDOVER_S, LINGER_S
from vjnode.show.control_sync import set_up

_log = logging.getLogger(__name__)

SETTLE_S = 4.0
"""Least time, s, for which a face has moved before the loop of a groove begins."""

MEET = 0.01
"""Difference between two weights that nobody sees."""

SOFTENED = 0.9
"""Largest step from the last frame to the first, in steps of the largest inside."""

_SMALL_PX = 128


@dataclass(frozen=True)
class Loop:
    """A loop to be made.

    bars: its length. bpm: its tempo; 0: the song's. start_s: earliest position in the song, s.
    """

    bars: int
    bpm: float = 0.0
    start_s: float = 0.0


@dataclass(frozen=True)
class Passage:
    """Drives of a loop, the time at which it begins, s, and its tempo."""

    drives: Sequence[Drive]
    begins_s: float
    bpm: float


def render_loop(
    film: Film,
    controls: Controls,
    loop: Loop,
    song: Path | None = None,
    *,
    points: int = COUNT,
    interval_s: float = INTERVAL_S,
) -> None:
    """Render a loop, without sound. song: what drives it; None: an even beat.

    points, interval_s: see ``vjnode.modulation.interpolation``.

    Raises:
        InputError: the song has no tempo, or is too short.
        VjnodeError: the song, the models or the target fail.
    """
    check_target(film.target, film.delivery)
    config = TrackConfig() if song is None else TrackConfig(interval_s=interval_s, points=points)
    if song is None:
        passage = groove_passage(loop, film.fps)
    else:
        passage = song_passage(song, controls, loop, film.fps, config.ahead_s)
    count = frame_count(loop.bars, passage.bpm, film.fps)
    beat = max(round(count / (loop.bars * BEATS_PER_BAR)), 1)
    controls = coming_round(controls, loop.bars, count, film.fps)
    postures = postures_of(passage, WeightTrack(config), controls, count + beat, film.fps)
    _log.info("%d bars at %.2f BPM, %d frames", loop.bars, passage.bpm, count)
    with open_drawing(film) as drawing:
        _draw(drawing, controls, closed(postures, count), film)


def frame_count(bars: int, bpm: float, fps: Fraction) -> int:
    """Return the length of a loop in frames: the nearest whole number."""
    return max(round(bars * BEATS_PER_BAR * 60 * fps / Fraction(bpm)), 2)


def groove_passage(loop: Loop, fps: Fraction) -> Passage:
    """Return what drives a loop without a song; its tempo is that of a whole number of frames."""
    count = frame_count(loop.bars, loop.bpm, fps)
    length_s = float(count / fps)
    bpm = loop.bars * BEATS_PER_BAR * 60.0 / length_s
    begins_s = math.ceil(SETTLE_S / length_s) * length_s
    # One beat more for the passing over, and one to look ahead.
    return Passage(list(groove(bpm, begins_s + length_s + 2.0 * 60.0 / bpm)), begins_s, bpm)


def song_passage(
    song: Path, controls: Controls, loop: Loop, fps: Fraction, ahead_s: float
) -> Passage:
    """Return what drives a loop in a song: from a bar's beginning on.

    ahead_s: how far beyond its end drives are needed, s.

    Raises:
        InputError: missing, unreadable, without a tempo, or too short.
    """
    listener = Listener()
    if loop.bpm:
        controls = controls.with_(bpm=loop.bpm)
    set_up(listener, controls, 0.0)
    drives: list[Drive] = []
    begins_s, until_s, bpm = math.inf, math.inf, 0.0
    with closing(FileSource(song, loop=False)) as source:
        for block in iter(source.read, None):
            drive = listener.hear(block)
            drives.append(drive)
            beat = drive.beat
            if not bpm and beat.locked and drive.captured_s >= loop.start_s:
                bpm = beat.bpm
                begins_s = beat.next_s(BEATS_PER_BAR)
                length_s = float(frame_count(loop.bars, bpm, fps) / fps)
                until_s = begins_s + length_s + 60.0 / bpm + ahead_s
            if drive.captured_s > until_s:
                return Passage(drives, begins_s, bpm)
    if not bpm:
        raise InputError(
            f"no tempo was found in {song.name} after {loop.start_s:g} s; set it by --bpm"
        )
    have_s = drives[-1].captured_s if drives else 0.0
    raise InputError(
        f"{song.name} is too short: {loop.bars} bars at {bpm:.1f} BPM from {begins_s:.1f} s on end "
        f"at {until_s:.1f} s, and it at {have_s:.1f} s; take fewer bars, or another --start"
    )


def coming_round(controls: Controls, bars: int, count: int, fps: Fraction) -> Controls:
    """Return controls whose LFO makes a whole number of waves in a loop of ``count`` frames."""
    length_s, beats = float(count / fps), bars * BEATS_PER_BAR
    wave_beats = controls.number("lfo_beats")
    waves = beats / wave_beats if wave_beats else length_s * controls.number("lfo_rate")
    rate_hz = max(round(waves), 1) / length_s if waves else 0.0
    return controls.with_(lfo_beats=0.0, lfo_rate=rate_hz)


def postures_of(
    passage: Passage, track: WeightTrack, controls: Controls, count: int, fps: Fraction
) -> list[Posture]:
    """Return the postures of ``count`` frames from the passage's beginning on.

    All time before that is gone through as well.
    """
    animation, drives = Animation(track), iter(passage.drives)
    drive = next(drives, None)
    before = math.floor(passage.begins_s * fps)
    found = []
    for frame in range(-before, count):
        now_s = passage.begins_s + float(frame / fps)
        while drive is not None and drive.captured_s <= now_s + track.ahead_s:
            track.push(drive)
            drive = next(drives, None)
        posture = animation.at(now_s, controls)
        if frame >= 0:
            found.append(posture)
    return found


def closed(postures: Sequence[Posture], count: int) -> list[Posture]:
    """Return the first ``count`` postures so that the first follows the last.

    postures: at least ``count``; those behind are of the time after the end.
    """
    after = np.array([one.weights for one in postures[count:]])
    first = np.array([one.weights for one in postures[: len(after)]])
    whole = np.array([one.weights for one in postures[:count]])
    whole[: len(after)] = passed_over(after, first)
    softened(whole)
    return [
        replace(one, weights=tuple(map(float, weights)))
        for one, weights in zip(postures, whole, strict=False)
    ]


def passed_over(first: NDArray[np.float64], then: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights, (n, channels), that begin as ``first`` and end as ``then``.

    Each channel changes over at once where both are nearest, if nobody sees that; else slowly.
    """
    length = len(first)
    shares = np.array([soft(step / length) for step in range(length)])[:, None]
    mixed = first + shares * (then - first)
    apart = np.abs(first - then)
    for channel, step in enumerate(apart.argmin(axis=0)):
        if apart[step, channel] <= MEET:
            mixed[:step, channel] = first[:step, channel]
            mixed[step:, channel] = then[step:, channel]
    return mixed


def softened(weights: NDArray[np.float64]) -> None:
    """Move the first row so that the step to it from the last is not the largest of all.

    It may be: music begins a bar with its strongest beat.
    """
    inside = np.abs(np.diff(weights, axis=0)).sum(axis=1).max()
    seam = np.abs(weights[0] - weights[-1]).sum()
    if seam > SOFTENED * inside:
        share = SOFTENED * inside / seam
        weights[0] = weights[-1] + share * (weights[0] - weights[-1])


def _draw(drawing: Drawing, controls: Controls, postures: Sequence[Posture], film: Film) -> None:
    look = asked_look(controls)
    drawing.prepare(look)
    transition = drawing.open_transition()
    # Where a passage draws what key frames leave out, it must be under way at the beginning.
    settles_s = HANDOVER_S + LINGER_S if layers_of(film.generator)(look).left_out else 0.0
    early = math.ceil(settles_s * film.fps)
    steps = Steps()
    with frame_bar("rendering", early + len(postures)) as bar:
        for number in range(-early, len(postures)):
            posture = postures[number % len(postures)]
            picture = transition.begin(
                look,
                posture.weights,
                float((number + early) / film.fps),
                over_s=0.0,
                progress=Progress(1, 1),
            )
            picture.result().copy_to(drawing.picture)
            if number >= 0:
                info = frame_info(
                    posture.moment, controls, frame=number, look=look, idle=posture.smile
                )
                drawing.send(number, info)
                steps.add(drawing.picture)
            bar.update()
    seam, largest = steps.seam, steps.largest
    told = f"from the last frame to the first {seam:.2f}, inside at most {largest:.2f} grey levels"
    (_log.info if seam <= largest else _log.warning)("the step %s", told)


class Steps:
    """Differences between neighbouring pictures, mean grey levels of 255."""

    def __init__(self) -> None:
        self.largest = 0.0
        self._first: NDArray[np.float32] | None = None
        self._last: NDArray[np.float32] | None = None

    def add(self, picture: NDArray[np.uint8]) -> None:
        """Add the next picture, (size, size, 4)."""
        step = max(len(picture) // _SMALL_PX, 1)
        small = picture[::step, ::step, :3].astype(np.float32)
        if self._last is not None:
            self.largest = max(self.largest, _apart(self._last, small))
        self._first = small if self._first is None else self._first
        self._last = small

    @property
    def seam(self) -> float:
        """Difference from the last picture to the first."""
        if self._first is None or self._last is None:
            return 0.0
        return _apart(self._last, self._first)


def _apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.abs(one - other).mean())
