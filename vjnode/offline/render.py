"""Rendering and analysis of a song: the live stages under a manual clock.

Time is counted in frames and not read from any clock, so that the same song gives the same frames
and the same trace, bit for bit, however fast the machine is.
"""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vjnode.audio.sources.base import BLOCK_S, Block
from vjnode.audio.sources.file import FileSource
from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.modulation.drive import Drive
from vjnode.modulation.interpolation import COUNT, INTERVAL_S
from vjnode.modulation.listener import Listener
from vjnode.modulation.weight_track import WeightTrack, offline_track
from vjnode.offline.plot import check_plot_target, save_plot
from vjnode.offline.summary import Overview
from vjnode.output.base import Delivery, Frame, OutputContext, OutputSpec
from vjnode.output.delivery import Adapter
from vjnode.output.record.output import check_target
from vjnode.output.registry import open_output
from vjnode.paths import move, remove
from vjnode.render.frame_renderer import FrameRenderer, asked_look, frame_info
from vjnode.render.keyframes import KEYS
from vjnode.render.matte.open import whole_matte
from vjnode.render.open import open_keyframes
from vjnode.render.open_transition import open_offline_transition
from vjnode.show.control_sync import set_up
from vjnode.show.trace import TraceWriter

PLAIN = Delivery(codec="h264")
"""Format of a rendering of which nothing else is asked."""

_KEY_TIMEOUT_S = 120.0


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

    def frames(self, fps: Fraction) -> Iterator[tuple[int, float]]:
        """Yield number and time (s) of each frame, once all sound that it needs is analysed."""
        ahead: deque[Block] = deque()  # analysed, but not to be recorded yet
        heard_s, over = 0.0, False
        for frame in count():
            now_s = float(frame / fps)
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

    def heard(self, block: Block, drive: Drive) -> None:
        """Add one block and its drive to track, trace and overview."""
        self.track.push(drive)
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
    hearing = open_hearing(song, controls, points=points, interval_s=interval_s)
    check_target(target, delivery)
    generator.weights()
    adapter = Adapter(delivery, size)
    context = OutputContext(size, fps, alpha=delivery.alpha, sound=hearing.tap)
    picture = np.empty((size, size, 4), np.uint8)
    with (
        closing(hearing.source),
        _finished(target) as part,
        closing(open_output(OutputSpec("record", str(part), delivery), context)) as output,
        TraceWriter(trace) as writer,
        closing(
            open_keyframes(spec=generator, size=size, memory_mib=_all_keys_mib(size), prompt=False)
        ) as renderer,
        closing(open_offline_transition(renderer, spec=generator, size=size)) as transition,
        _progress("rendering", hearing.source.duration_s, fps) as bar,
    ):
        frames = FrameRenderer(renderer, hearing.track, transition)
        _prepare(frames, controls, keys=renderer.ready(asked_look(controls)).wanted)
        if adapter.cuts:
            look = asked_look(controls)
            adapter.use(whole_matte(renderer, look, spec=generator, size=size))
        bar.reset()
        for frame, now_s in hearing.frames(fps):
            info = frames.render(now_s, controls, picture)
            info = replace(info, moment=replace(info.moment, t_s=now_s))
            output.send(Frame(adapter.adapt(picture), info), now_s)
            writer.write(info, frame=frame)
            bar.update()


def analyse(
    song: Path,
    controls: Controls,
    *,
    fps: Fraction,
    trace: Path | None,
    plot: Path | None = None,
    points: int = COUNT,
    interval_s: float = INTERVAL_S,
) -> None:
    """Write the trace that rendering ``song`` would give, without drawing.

    plot: PNG file for a plot of the song's features and the resulting weight.
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
    with (
        closing(hearing.source),
        TraceWriter(trace) as writer,
        _progress("analysing", hearing.source.duration_s, fps) as bar,
    ):
        for frame, now_s in hearing.frames(fps):
            hearing.tap.read()  # drops the sound, which is not recorded, to save memory
            moment = hearing.track.at(now_s, responding)
            info = frame_info(replace(moment, t_s=now_s), controls, frame=frame, look=look)
            writer.write(info, frame=frame)
            if overview is not None:
                overview.draw(moment.weight)
            bar.update()
    if plot is not None and overview is not None:
        save_plot(plot, overview, title=song.name)


@contextmanager
def _finished(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; rename the file to ``target`` once it is complete."""
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        yield part
        move(part, target)
    except OSError as error:
        raise VjnodeError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # the file has been renamed by then, unless this failed
            remove(part)


def _all_keys_mib(size: int) -> int:
    """Return the memory for one full sweep, MiB, so that a rendering has the finest key frames."""
    return KEYS * size * size * 4 // (1 << 20)


def _prepare(frames: FrameRenderer, controls: Controls, *, keys: int) -> None:
    """Wait for the whole sweep, because frames must not depend on its progress."""
    hidden = sys.stderr is None  # pythonw.exe has none
    with tqdm(total=keys, desc="key frames", unit="key", leave=False, disable=hidden) as bar:
        for ready in range(1, keys + 1):
            if not frames.prepare(controls, keys=ready, timeout_s=_KEY_TIMEOUT_S):
                raise VjnodeError(f"the engine drew nothing within {_KEY_TIMEOUT_S:g} s")
            bar.update()


def _progress(what: str, duration_s: float | None, fps: Fraction) -> "tqdm[None]":
    total = None if duration_s is None else round(duration_s * fps)
    hidden = sys.stderr is None  # pythonw.exe has none
    # A log needs fewer lines than a terminal.
    often_s = 0.2 if not hidden and sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=what, unit="frame", mininterval=often_s, disable=hidden)
