"""Rendering and analysis of a song: the live stages under a manual clock.

Time is counted in frames and not read from any clock, so that the same song gives the same frames
and the same trace, bit for bit, however fast the machine is.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vjnode.audio.sources.base import BLOCK_S, Block
from vjnode.audio.sources.file import FileSource
from vjnode.control.state import Controls
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT, INTERVAL_S
from vjnode.modulation.listener import Listener
from vjnode.modulation.weight_track import WeightTrack, offline_track
from vjnode.offline.drawing import PLAIN, Film, frame_bar, open_drawing
from vjnode.offline.plot import check_plot_target, save_plot
from vjnode.offline.summary import Overview
from vjnode.output.base import Delivery
from vjnode.render.frame_renderer import asked_look, frame_info
from vjnode.show.control_sync import set_up
from vjnode.show.session.recorder import SessionWriter, free_path, header_of
from vjnode.show.trace import TraceWriter


class BlockTap:
    """Sound tap for a recording of a rendering: the sound processed so far."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []

    def add(self, block: Block) -> None:
        """Append one block."""
        self._blocks.append(block)

    def read(self) -> tuple[NDArray[np.float32], float]:
        """Return the samples since the last read, (n, 2) float32, and the time of the last one."""
        if not self._blocks:
            return np.zeros((0, 2), np.float32), 0.0
        samples = np.concatenate([block.pcm for block in self._blocks])
        heard_s = self._blocks[-1].captured_s
        self._blocks.clear()
        return samples, heard_s


@dataclass
class Hearing:
    """Analysis of a song up to a given moment, and ahead of it as far as is needed."""

    source: FileSource
    listener: Listener
    track: WeightTrack
    tap: BlockTap
    overview: Overview | None = None
    told: list[Drive] = field(default_factory=list)
    """Drives that the track was told of for the newest frame."""

    def frames(self, fps: Fraction) -> Iterator[tuple[int, float]]:
        """Yield number and time (s) of each frame, once all sound that it needs is analysed."""
        ahead: deque[Block] = deque()  # analysed, but not to be recorded yet
        heard_s, over = 0.0, False
        for frame in count():
            now_s = float(frame / fps)
            self.told.clear()
            while not over and heard_s < now_s + self.track.ahead_s:
                block = self.source.read()
                if block is None:
                    over = True
                    break
                heard_s = block.captured_s
                ahead.append(block)
                self.heard(block, self.listener.hear(block))
            while ahead and ahead[0].captured_s - BLOCK_S < now_s:
                self.tap.add(ahead.popleft())
            if over and now_s >= heard_s:
                return
            yield frame, now_s

    def frame_count(self, fps: Fraction) -> int | None:
        """Return about how many frames there will be; None where that is not known."""
        length_s = self.source.duration_s
        return None if length_s is None else round(length_s * fps)

    def heard(self, block: Block, drive: Drive) -> None:
        """Add one block and its drive to track, trace and overview."""
        self.track.push(drive)
        self.told.append(drive)
        if self.overview is not None:
            self.overview.hear(block, drive, self.listener.mfcc)


def open_hearing(
    song: Path, controls: Controls, *, points: int = COUNT, interval_s: float = INTERVAL_S
) -> Hearing:
    """Open ``song`` for rendering or analysis.

    Raises:
        InputError: missing, unreadable, or without sound.
    """
    source = FileSource(song, loop=False)
    listener = Listener()
    set_up(listener, controls, 0.0)
    track = offline_track(interval_s=interval_s, points=points)
    return Hearing(source, listener, track, BlockTap())


def render(
    song: Path,
    target: Path,
    controls: Controls,
    *,
    size: int,
    fps: Fraction,
    trace: Path | None,
    generator: GeneratorSpec = DEFAULT,
    points: int = COUNT,
    interval_s: float = INTERVAL_S,
    delivery: Delivery = PLAIN,
) -> None:
    """Render ``song`` with its face into the video file ``target``.

    delivery: codec, alpha and background of its frames; their size and rate are ``size`` and
    ``fps``. points, interval_s: see ``vjnode.modulation.interpolation``.

    Raises:
        VjnodeError: the song, the models or the target fail.
    """
    film = Film(target, size, fps, trace, generator, delivery)
    hearing = open_hearing(song, controls, points=points, interval_s=interval_s)
    with (
        closing(hearing.source),
        open_drawing(film, sound=hearing.tap) as drawing,
        frame_bar("rendering", hearing.frame_count(fps)) as bar,
    ):
        drawing.begin(hearing.track)
        drawing.prepare(asked_look(controls))
        bar.reset()
        for frame, now_s in hearing.frames(fps):
            drawing.send(frame, drawing.draw(now_s, controls))
            bar.update()


def analyse(
    song: Path,
    controls: Controls,
    *,
    fps: Fraction,
    trace: Path | None,
    plot: Path | None = None,
    session: Path | None = None,
    generator: GeneratorSpec = DEFAULT,
    points: int = COUNT,
    interval_s: float = INTERVAL_S,
) -> None:
    """Write the trace that rendering ``song`` would give, without drawing.

    plot: PNG file for a plot of the song's features and the resulting weight.
    session: file from which the song can be drawn, or played by a show. generator: that will draw.
    points, interval_s: see ``vjnode.modulation.interpolation``.

    Raises:
        VjnodeError: the song, the trace or the plot fail.
    """
    if plot is not None:
        check_plot_target(plot)
    hearing = open_hearing(song, controls, points=points, interval_s=interval_s)
    responding = controls.response()
    look = asked_look(controls)
    overview = hearing.overview = Overview(fps) if plot is not None else None
    with ExitStack() as stack:
        stack.enter_context(closing(hearing.source))
        writer = stack.enter_context(TraceWriter(trace))
        bar = stack.enter_context(frame_bar("analysing", hearing.frame_count(fps)))
        recorder = None
        if session is not None:
            header = header_of(
                generator=generator.name,
                size=generator.sizes[0],
                fps=fps,
                interval_s=interval_s,
                points=points,
            )
            recorder = stack.enter_context(SessionWriter(free_path(session), header))
        for frame, now_s in hearing.frames(fps):
            hearing.tap.read()  # drops the sound, which is not recorded, to save memory
            moment = hearing.track.at(now_s, responding)
            info = frame_info(replace(moment, t_s=now_s), controls, frame=frame, look=look)
            writer.write(info, frame=frame)
            if recorder is not None:
                recorder.tick(now_s, controls, hearing.told)
            if overview is not None:
                overview.draw(moment.weight)
            bar.update()
    if plot is not None and overview is not None:
        save_plot(plot, overview, title=song.name)
