"""Drawing of a film: key frames prepared, ticks drawn by no clock, frames sent to a video file."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from vjnode.control.state import Controls
from vjnode.errors import VjnodeError
from vjnode.generators.registry import DEFAULT
from vjnode.generators.spec import GeneratorSpec
from vjnode.modulation.weight_track import WeightTrack
from vjnode.output.base import (
    Delivery,
    Frame,
    FrameInfo,
    Output,
    OutputContext,
    OutputSpec,
    Silence,
    SoundTap,
)
from vjnode.output.delivery import Adapter
from vjnode.output.record.output import check_target
from vjnode.output.registry import open_output
from vjnode.paths import move, remove
from vjnode.render.base import MIXED, Look, Renderer
from vjnode.render.frame_renderer import FrameRenderer, asked_look
from vjnode.render.keyframes import KEYS
from vjnode.render.matte.open import whole_matte
from vjnode.render.open import open_keyframes
from vjnode.render.open_transition import open_offline_transition
from vjnode.render.transition import PassageTransition
from vjnode.show.trace import TraceWriter

PLAIN = Delivery(codec="h264")
"""Format of a rendering of which nothing else is asked."""

_KEY_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Film:
    """Video file to be drawn.

    size: of its pictures, px. fps: frames/s, exact. trace: file for one line a frame, or None.
    delivery: codec, alpha and background of its frames.
    """

    target: Path
    size: int
    fps: Fraction
    trace: Path | None = None
    generator: GeneratorSpec = DEFAULT
    delivery: Delivery = PLAIN


class Drawing:
    """A film that is open: its looks are prepared as they come, its frames drawn and sent."""

    def __init__(self, film: Film, renderer: Renderer, output: Output, trace: TraceWriter) -> None:
        self.film, self.renderer = film, renderer
        self.picture = np.empty((film.size, film.size, 4), np.uint8)
        """The picture that was drawn last, RGBA, opaque."""
        self._output, self._trace = output, trace
        self._adapter = Adapter(film.delivery, film.size)
        self._prepared: Look | None = None
        self._transition: PassageTransition | None = None
        self._frames: FrameRenderer
        self._controls: Controls | None = None

    def open_transition(self) -> PassageTransition:
        """Return transitions from look to look that have shown nothing yet; the last are closed."""
        self.close()
        film = self.film
        self._transition = open_offline_transition(
            self.renderer, spec=film.generator, size=film.size
        )
        return self._transition

    def begin(self, track: WeightTrack) -> None:
        """Begin to draw as an engine does that begins; ``draw`` follows ``track`` from now on."""
        self._frames = FrameRenderer(self.renderer, track, self.open_transition())

    def draw(self, now_s: float, controls: Controls) -> FrameInfo:
        """Draw the picture for ``now_s``; return its particulars. ``begin`` was called before."""
        if controls is not self._controls:
            self.prepare(asked_look(controls))
            self._controls = controls
        return self._frames.render(now_s, controls, self.picture)

    def prepare(self, look: Look) -> None:
        """Wait for all key frames of a look, because frames must not depend on their progress.

        Raises:
            VjnodeError: the engine has failed.
        """
        if look == self._prepared:
            return
        renderer, keys = self.renderer, self.renderer.ready(look).wanted
        hidden = sys.stderr is None  # pythonw.exe has none
        with tqdm(total=keys, desc="key frames", unit="key", leave=False, disable=hidden) as bar:
            for ready in range(1, keys + 1):
                if not renderer.prepare(look, keys=ready, timeout_s=_KEY_TIMEOUT_S):
                    raise VjnodeError(f"the engine drew nothing within {_KEY_TIMEOUT_S:g} s")
                bar.update()
        if self._adapter.cuts:
            film = self.film
            matte = whole_matte(renderer, look, spec=film.generator, size=film.size)
            self._adapter.use(matte)
        self._prepared = look

    def still(self) -> NDArray[np.uint8]:
        """Return the look that was drawn last at rest, RGBA."""
        still = np.empty_like(self.picture)
        self._frames.draw_still(0.0, still)
        return still

    @property
    def cuts(self) -> bool:
        """Return whether heads are cut out, and get dark by themselves in a blackout."""
        return self._adapter.cuts

    def send(
        self,
        frame: int,
        info: FrameInfo,
        picture: NDArray[np.uint8] | None = None,
        *,
        darkness: float = 0.0,
    ) -> None:
        """Send a picture as frame number ``frame``; None: the one that was drawn last.

        darkness: share of a blackout, 0…1, where heads are cut out.
        """
        at_s = float(frame / self.film.fps)
        info = replace(info, moment=replace(info.moment, t_s=at_s))
        adapted = self._adapter.adapt(
            self.picture if picture is None else picture, darkness=darkness
        )
        self._output.send(Frame(adapted, info), at_s)
        self._trace.write(info, frame=frame)

    def close(self) -> None:
        """Close transitions that are open; safe to call twice."""
        if self._transition is not None:
            self._transition.close()


@contextmanager
def open_drawing(film: Film, *, looks: int = 1, sound: SoundTap | None = None) -> Iterator[Drawing]:
    """Open a film to draw; its file is there once all of it is.

    looks: how many take turns, for the memory. sound: of it; None for none.

    Raises:
        VjnodeError: the models or the target fail.
    """
    check_target(film.target, film.delivery)
    film.generator.weights()
    size, delivery = film.size, film.delivery
    context = OutputContext(size, film.fps, alpha=delivery.alpha, sound=sound or Silence())
    memory_mib = _all_keys_mib(size) * min(max(looks, 1), MIXED)
    with ExitStack() as stack:
        part = stack.enter_context(_finished(film.target))
        spec = OutputSpec("record", str(part), delivery)
        output = stack.enter_context(closing(open_output(spec, context)))
        trace = stack.enter_context(TraceWriter(film.trace))
        renderer = stack.enter_context(
            closing(
                open_keyframes(spec=film.generator, size=size, memory_mib=memory_mib, prompt=False)
            )
        )
        yield stack.enter_context(closing(Drawing(film, renderer, output, trace)))


def frame_bar(what: str, total: int | None) -> "tqdm[None]":
    """Return a bar that shows the progress of frames, for a terminal or a log."""
    hidden = sys.stderr is None  # pythonw.exe has none
    # A log needs fewer lines than a terminal.
    often_s = 0.2 if not hidden and sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=what, unit="frame", mininterval=often_s, disable=hidden)


def _all_keys_mib(size: int) -> int:
    """Return the memory for one full sweep, MiB, so that a rendering has the finest key frames."""
    return KEYS * size * size * 4 // (1 << 20)


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
