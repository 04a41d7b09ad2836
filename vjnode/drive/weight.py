"""The weight at any moment: drives interpolated, enveloped, amplified."""

from collections import deque
from dataclasses import dataclass, replace

from vjnode.audio.analysis import FLOOR_DB
from vjnode.drive.config import GAIN_LIMIT, DriveConfig
from vjnode.drive.drive import Drive
from vjnode.drive.envelope import step
from vjnode.drive.interpolate import mix


@dataclass(frozen=True)
class Moment:
    """What a frame is drawn from.

    weight: 0…1, as drawn: interpolated, enveloped, times gain.
    t_s: position in the sound, s. captured_s: when that sound was heard (see ``Drive``); 0
        before any.
    rms_db: level, dBFS. onsets: counted so far.
    resting: no sound has come for a while, and the face is on its way to rest.
    """

    weight: float
    t_s: float
    captured_s: float
    rms_db: float
    onsets: int
    resting: bool


class WeightTrack:
    """Follows the drives and answers for any moment; reads no clock.

    Live, drives are pushed as they come, and a delay of one step makes room to interpolate.
    Offline, drives are pushed ahead of the moment that is asked for, and there is no delay.

    Args:
        config: where the settings start from.
        settings: any of ``DriveConfig`` by name, such as ``delay_s=0.0232``.
    """

    def __init__(self, config: DriveConfig | None = None, **settings: float) -> None:
        self._config = replace(config or DriveConfig(), **settings)
        self._drives: deque[Drive] = deque()
        self._level = 0.0
        self._now_s: float | None = None

    def push(self, drive: Drive) -> None:
        """Add the next drive; one that is not newer than the last starts a new track of time."""
        if self._drives and drive.captured_s <= self._drives[-1].captured_s:
            self._drives.clear()
        self._drives.append(drive)

    def at(
        self,
        now_s: float,
        gain: float,
        *,
        attack_s: float | None = None,
        release_s: float | None = None,
    ) -> Moment:
        """Return the moment at ``now_s``; call it with rising times.

        now_s: on the clock of the drives' ``captured_s``.
        gain: 0…4, factor on the enveloped weight; clipped to that.
        attack_s, release_s: instead of the configured ones, s.
        """
        heard = self._heard(now_s - self._config.delay_s)
        dt_s = 0.0 if self._now_s is None else now_s - self._now_s
        self._now_s = now_s
        self._level = step(
            self._level,
            heard.weight,
            dt_s=dt_s,
            attack_s=self._config.attack_s if attack_s is None else attack_s,
            release_s=self._config.release_s if release_s is None else release_s,
        )
        loud = self._level * min(GAIN_LIMIT, max(0.0, gain))
        return replace(heard, weight=min(1.0, max(0.0, loud)))

    def _heard(self, at_s: float) -> Moment:
        """Return what the drives say at ``at_s``; weight 0 where they have nothing to say."""
        drives = self._drives
        while len(drives) > 1 and drives[1].captured_s <= at_s:
            drives.popleft()
        if not drives or at_s < drives[0].captured_s:
            # Before the first drive: there is nothing to be seen yet.
            t_s = drives[0].t_s if drives else 0.0
            return Moment(0.0, t_s, 0.0, FLOOR_DB, 0, resting=True)
        a = drives[0]
        since_s = at_s - a.captured_s
        lost = since_s > self._config.rest_after_s
        span_s = drives[1].captured_s - a.captured_s if len(drives) > 1 else float("inf")
        if span_s > self._config.rest_after_s:
            # The newest drive, or the last one before the sound was away for a while: hold it
            # a little, then rest; it does not glide across the gap.
            weight = 0.0 if lost else a.weight
            return Moment(weight, a.t_s, a.captured_s, a.rms_db, a.onsets, lost)
        weight = mix(a.weight, drives[1].weight, since_s / span_s)
        # Never backwards over the seam of a loop: time goes on from the earlier point.
        return Moment(weight, a.t_s + since_s, at_s, a.rms_db, a.onsets, resting=False)
