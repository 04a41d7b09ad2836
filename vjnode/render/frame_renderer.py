"""The frame renderer: from the newest drive and controls to the next frame, tick by tick.

No clock and no process is in here, so that a live show and an offline rendering draw with
the same code.
"""

from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.control.state import Controls
from vjnode.modulation.moment import Moment
from vjnode.modulation.weight_track import WeightTrack
from vjnode.output.base import FrameInfo
from vjnode.render.animation import Animation
from vjnode.render.base import Look, Picture, Progress, Renderer
from vjnode.render.idle_motion import REACH
from vjnode.render.transition import ENOUGH, AtOnce, Transition


class FrameRenderer:
    """Draws frames with a ``Renderer``; a look that is not ready yet leaves the one before on.

    track: the weight at any moment. transition: from look to look, over the time that the controls
    say; None: at once.
    """

    def __init__(
        self, renderer: Renderer, track: WeightTrack, transition: Transition | None = None
    ) -> None:
        self._renderer = renderer
        self._transition = transition or AtOnce(renderer)
        self._animation = Animation(track)
        self._asked: Look
        self._still: Collection[int] = ()
        self._look: Look | None = None
        self._progress = Progress(0, 0)
        self._frame = 0
        self._controls: Controls | None = None
        self._effective: Controls | None = None
        """The controls with each number as far as it has come."""
        self._under_way: deque[tuple[FrameInfo, Future[Picture]]] = deque()

    @property
    def drawn_look(self) -> tuple[Look, bool] | None:
        """The look that was drawn last and whether it is complete; None before the first frame."""
        if self._look is None or not self._frame:
            return None
        return self._look, self._progress.complete

    def prepare(self, controls: Controls, *, keys: int, timeout_s: float) -> bool:
        """Wait until the look that is asked for has ``keys`` key frames; False on time-out.

        Raises:
            VjnodeError: the engine has failed.
        """
        look = asked_look(controls)
        prepared = self._renderer.prepare(look, keys=keys, timeout_s=timeout_s)
        if prepared and self._look is None:
            # Another one may be asked for before the first frame.
            self._look, self._progress = look, self._renderer.ready(look)
        return prepared

    def render(self, now_s: float, controls: Controls, out: NDArray[np.uint8]) -> FrameInfo:
        """Draw the frame for ``now_s`` into ``out``, (size, size, 4) uint8 RGBA.

        Where several pictures are under way at once, it is begun, and the one that was begun
        first is drawn and returned.

        now_s: on the clock of the drives' ``captured_s``; never before that of the last call.

        Raises:
            VjnodeError: the engine has failed, or nothing has been prepared yet.
        """
        if controls is not self._controls:
            self._controls, self._effective = controls, None
            self._asked = asked_look(controls)
        if (effective := controls.at(now_s)) is not self._effective:
            self._effective, self._still = effective, effective.still_channels()
        posture = self._animation.at(now_s, effective)
        look, progress = self._ready(now_s, posture.weights)
        info = frame_info(
            posture.moment,
            effective,
            frame=self._frame,
            look=look,
            engine=self._renderer.engine_name,
            progress=progress,
            idle=posture.smile,
            note=self._transition.note,
        )
        self._frame += 1
        picture = self._transition.begin(
            look,
            posture.weights,
            now_s,
            over_s=controls.morph_s,
            easing=controls.morph_easing,
            progress=self._progress,
        )
        self._under_way.append((info, picture))
        # Before the first picture there is none, so that one is shown until the next is due.
        shown, picture = self._under_way[0]
        if len(self._under_way) == self._renderer.at_once:
            self._under_way.popleft()
        picture.result().copy_to(out)
        return shown

    def _ready(self, now_s: float, weights: Sequence[float]) -> tuple[Look, Progress]:
        """Return the look to draw, and how far the one that is asked for is prepared."""
        wanted = self._transition.held(self._asked, weights, now_s, self._still)
        progress = self._renderer.ready(wanted)
        # A pose that comes to rest is drawn live until there are keys that move.
        moved = self._look is not None and wanted.held and wanted.let_go() == self._look.let_go()
        least = ENOUGH * progress.wanted if moved and wanted != self._look else 1
        if self._look is None or progress.ready >= least:
            self._look, self._progress = wanted, progress
        return self._look, progress

    def draw_still(self, weight: float, out: NDArray[np.uint8]) -> None:
        """Draw the look that was drawn last, its leading channel at ``weight`` (0…1), into ``out``.

        No frame is lost by that.

        Raises:
            VjnodeError: the engine has failed.
        """
        assert self._look is not None  # noqa: S101 - a frame has been drawn
        self._renderer.begin(self._look, self._look.weights_at(weight)).result().copy_to(out)


def asked_look(controls: Controls) -> Look:
    """Return the look that ``controls`` ask for."""
    amounts = (controls.number(name) for name in ("idle_gaze", "idle_breath"))
    idle = tuple(REACH) if any(amounts) else ()
    expressions = controls.expressions()
    joint = [one for one in controls.joint_channels() if expressions[one]]
    return Look(controls.choice("face"), expressions, idle, joint=tuple(joint))


def frame_info(
    moment: Moment,
    controls: Controls,
    *,
    frame: int,
    look: Look,
    engine: str = "",
    progress: Progress | None = None,
    idle: float = 0.0,
    note: str = "",
) -> FrameInfo:
    """Return the particulars of a frame; ``look`` is what it really shows."""
    return FrameInfo(
        frame=frame,
        moment=moment,
        gain=controls.number("gain"),
        face=look.face,
        expressions=look.expressions,
        preset=controls.choice("preset"),
        engine=engine,
        keys=progress.ready if progress else 0,
        keys_wanted=progress.wanted if progress else 0,
        idle=idle,
        note=note,
    )
