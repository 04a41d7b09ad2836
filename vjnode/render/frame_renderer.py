"""From the newest drive and controls to the next frame: what the engine stage does per tick.

No clock and no process is in here, so that a live show and an offline rendering draw with
the same code.
"""

from collections import deque
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from vjnode.control.state import Controls
from vjnode.engines.openvino.parallel import AT_ONCE
from vjnode.modulation.response import Response
from vjnode.modulation.weight_track import Moment, WeightTrack
from vjnode.output.base import FrameInfo
from vjnode.render.direct import LiveLibrary, LiveLook
from vjnode.render.idle_motion import Idle
from vjnode.render.keyframe_cache import Look, SweepLibrary
from vjnode.render.keyframes import Sweep


class Painter:
    """Draws frames from sweeps; a look that is not ready yet leaves the one before on.

    library: of sweeps, or of looks that are drawn for each frame.
    """

    def __init__(self, library: SweepLibrary | LiveLibrary, track: WeightTrack) -> None:
        self._library = library
        self._track = track
        self._look: Look | None = None
        self._sweep: Sweep | LiveLook | None = None
        self._frame = 0
        self._controls: Controls | None = None
        self._response = Response()
        self._idle = Idle()
        self._under_way: deque[tuple[FrameInfo, Future[NDArray[np.uint8]]]] = deque()

    @property
    def overlaps(self) -> bool:
        """Whether each frame is begun before the one before it is there."""
        return isinstance(self._library, LiveLibrary) and self._library.overlaps

    @property
    def shown(self) -> tuple[Look, Sweep | LiveLook] | None:
        """The look that was begun last and what draws it; None before the first frame."""
        if self._look is None or self._sweep is None:
            return None
        return self._look, self._sweep

    def prepare(self, controls: Controls, *, ready: int, timeout_s: float) -> bool:
        """Wait until the look that is asked for has ``ready`` keys; False on time-out.

        Raises:
            VjnodeError: the engine has failed.
        """
        library = self._library
        if isinstance(library, LiveLibrary):
            return True  # nothing needs preparing
        sweep = library.sweep(Look(controls.face, controls.expression))
        return library.wait(sweep, ready=min(ready, sweep.keys), timeout_s=timeout_s)

    def paint(self, now_s: float, controls: Controls, out: NDArray[np.uint8]) -> FrameInfo:
        """Draw the frame for ``now_s`` into ``out``, (size, size, 4) uint8 RGBA.

        Where frames overlap, it is begun, and the one before it is what is drawn and returned.

        now_s: on the clock of the drives' ``captured_s``; never before that of the last call.

        Raises:
            VjnodeError: the engine has failed, or nothing has been prepared yet.
        """
        wanted = Look(controls.face, controls.expression)
        sweep = self._library.sweep(wanted)
        if self._sweep is None or sweep.ready:
            self._look, self._sweep = wanted, sweep
        assert self._look is not None  # noqa: S101 - set together with the sweep
        if controls is not self._controls:
            self._controls, self._response = controls, controls.response()
        moment = self._track.at(now_s, self._response)
        # The gate looks at the level after automatic gain; so does this.
        quiet = moment.resting or moment.rms_db + moment.agc_db < controls.gate
        idle = self._idle.step(now_s, quiet=quiet)
        info = frame_info(
            moment,
            controls,
            frame=self._frame,
            look=self._look,
            engine=self._library.engine_name,
            sweep=sweep,
            idle=idle,
        )
        self._frame += 1
        weight = min(moment.weight + idle, 1.0)
        if isinstance(self._sweep, LiveLook) and self._sweep.begin is not None:
            return self._overlapped(self._sweep.begin(weight), info, out)
        self._sweep.blend(weight, out)
        return info

    def _overlapped(
        self, picture: Future[NDArray[np.uint8]], info: FrameInfo, out: NDArray[np.uint8]
    ) -> FrameInfo:
        """Draw the frame that was begun before this one, and return its particulars.

        Before the first there is none, so that one is returned twice.
        """
        self._under_way.append((info, picture))
        begun, drawn = self._under_way[0]
        if len(self._under_way) == AT_ONCE:
            self._under_way.popleft()
        np.copyto(out, drawn.result())
        return begun


def frame_info(
    moment: Moment,
    controls: Controls,
    *,
    frame: int,
    look: Look,
    engine: str = "",
    sweep: Sweep | LiveLook | None = None,
    idle: float = 0.0,
) -> FrameInfo:
    """Return the particulars of a frame; ``look`` is what it really shows."""
    return FrameInfo(
        frame=frame,
        t_s=moment.t_s,
        captured_s=moment.captured_s,
        rms_db=moment.rms_db,
        agc_db=moment.agc_db,
        onsets=moment.onsets,
        low=moment.low,
        mid=moment.mid,
        high=moment.high,
        bpm=moment.bpm,
        beat=moment.beat,
        bar=moment.bar,
        weight=moment.weight,
        gain=controls.gain,
        face=look.face,
        expression=look.expression,
        preset=controls.preset,
        engine=engine,
        keys=sweep.ready if sweep else 0,
        keys_wanted=sweep.keys if sweep else 0,
        idle=idle,
    )
