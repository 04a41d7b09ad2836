"""Animation: from drives and controls to the weights that a picture is drawn at."""

from dataclasses import dataclass

from vjnode.control.state import Controls
from vjnode.modulation.moment import Moment
from vjnode.modulation.response import Response
from vjnode.modulation.weight_track import WeightTrack
from vjnode.render.idle_motion import Idle


@dataclass(frozen=True)
class Posture:
    """The face at one moment.

    moment: from which it follows. smile: its own, which is part of the first weight.
    weights: 0…1, of the channels, then of the idle actions.
    """

    moment: Moment
    smile: float
    weights: tuple[float, ...]


class Animation:
    """The face at any moment: as the sound moves it, and as it moves by itself; reads no clock."""

    def __init__(self, track: WeightTrack) -> None:
        self._track = track
        self._idle = Idle()
        self._controls: Controls | None = None
        self._response = Response()

    def at(self, now_s: float, controls: Controls) -> Posture:
        """Return the posture at ``now_s``; call it with rising times.

        now_s: on the clock of the drives' ``captured_s``.
        """
        if controls is not self._controls:
            self._controls, self._response = controls, controls.response()
        moment = self._track.at(now_s, self._response)
        # The gate looks at the level after automatic gain; so does this.
        quiet = moment.resting or moment.rms_db + moment.agc_db < controls.number("gate")
        idle = self._idle.step(
            now_s,
            quiet=quiet,
            weight=moment.weight,
            others=max(moment.weights[1:], default=0.0),
            **{part: controls.number(f"idle_{part}") for part in ("smile", "gaze", "breath")},
        )
        smiling = min(moment.weight + idle.smile, 1.0)
        return Posture(moment, idle.smile, (smiling, *moment.weights[1:], *idle.weights))
