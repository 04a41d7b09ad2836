"""The weight at any moment: the drives, interpolated, shaped, routed and amplified."""

import math
from collections import deque

from vjnode.audio.features.analyser import FLOOR_DB
from vjnode.audio.tempo.beat import Beat
from vjnode.modulation.blinks import Blinks
from vjnode.modulation.drive import Drive
from vjnode.modulation.dynamics import Dynamics
from vjnode.modulation.interpolation import KEPT_S, Steps
from vjnode.modulation.listener import STEP_S
from vjnode.modulation.matrix import CHANNELS, Mixer, SourceValues
from vjnode.modulation.modulators import Hit, Legato, Lfo, beat_pulse
from vjnode.modulation.moment import Moment
from vjnode.modulation.response import GAIN_LIMIT, Response, TrackConfig
from vjnode.modulation.shaping import shape

CALMING = 5.0
"""Factor by which the face calms down faster than by its release once the gate has closed: a
release that makes movements flow between notes would drag on in silence."""

RISE_S = 0.1
"""Time after an attack during which every rise is attributed to it, s."""

LIVE_DELAY_S = STEP_S + 0.002
"""One step between the encoder's time points, plus a little for its analysis: so that there is
always a next point to interpolate to."""


_NOTHING = Drive(0.0, 0.0, FLOOR_DB, 0.0, False, 0, (), 0.0, 0.0, 0.0, 0.0, 0.0, Beat())


class WeightTrack:
    """Follows the drives and computes the weight at any moment; reads no clock.

    Live, drives are pushed as they arrive, and a delay of one step allows to interpolate.
    Offline, drives are pushed ahead of the moment that is asked for, and there is no delay. Of
    future drives, only the encoder's weight is used.

    Args:
        config: its timing.
    """

    def __init__(self, config: TrackConfig | None = None) -> None:
        self._config = config or TrackConfig()
        self._drives: deque[Drive] = deque()
        self._steps = Steps(self._config.interval_s, self._config.points)
        self._mixer = Mixer()
        self._response = Response()
        self._lfo = Lfo()
        self._blinks = Blinks()
        self._weight = 0.0  # of the first channel, as drawn last
        self._legato = Legato(self._config.slope)
        self._dynamics = Dynamics()
        self._now_s: float | None = None
        self._last_hit_s = -math.inf
        self._rises_until_s = -math.inf

    @property
    def ahead_s(self) -> float:
        """Time, s, by which drives must be pushed ahead of the moment that is asked for."""
        return self._config.ahead_s

    def push(self, drive: Drive) -> None:
        """Add the next drive; one that is not newer than the last starts the track over."""
        if self._drives and drive.captured_s <= self._drives[-1].captured_s:
            self._drives.clear()
            self._steps.clear()
            self._last_hit_s = -math.inf
        self._drives.append(drive)
        oldest_s = drive.captured_s - KEPT_S - self.ahead_s
        while len(self._drives) > 1 and self._drives[1].captured_s < oldest_s:
            self._drives.popleft()
        self._steps.push(drive.weight_s, drive.weight)

    def at(self, now_s: float, response: Response) -> Moment:
        """Return the moment at ``now_s``; call it with rising times.

        now_s: on the clock of the drives' ``captured_s``.
        """
        dt_s = 0.0 if self._now_s is None else now_s - self._now_s
        self._now_s = now_s
        drive = self._newest(now_s)
        resting = drive is _NOTHING or now_s - drive.captured_s > self._config.rest_after_s
        heard = drive.audible and not resting
        beat = drive.beat.at(now_s)
        hits = self._new_hits(drive, now_s)
        # Called in silence too, so that after hours of it there are no old steps to remove.
        weight = self._steps.at(now_s - self._config.delay_s)
        if hits:
            self._rises_until_s = now_s + RISE_S
        rises = now_s < self._rises_until_s
        if rises and heard and self._config.delay_s > 0.0:
            weight = max(weight, drive.weight)  # a hit does not wait for the next time point
        if heard:
            weight = self._legato.step(weight, dt_s, attack=bool(hits))
            weight = self._dynamics.step(weight, dt_s, response.dynamics)
        else:
            weight = 0.0
            self._legato.jump(weight)
            self._dynamics.rest()
        if response is not self._response:
            self._response = response
            self._mixer.use(response.routes, response.envelopes)
        sources = SourceValues(
            weight=shape(
                weight, curve=response.curve, floor=response.floor, ceiling=response.ceiling
            ),
            low=drive.low if heard else 0.0,
            mid=drive.mid if heard else 0.0,
            high=drive.high if heard else 0.0,
            beat=beat_pulse(beat.phase) if beat.locked else 0.0,
            lfo=self._lfo.step(
                dt_s,
                rate_hz=response.lfo_rate_hz,
                beats=response.lfo_beats,
                position=beat.beats if beat.locked else None,
            ),
            blink=self._blinks.step(now_s, weight=self._weight),
            hits=hits if heard else (),
        )
        gain = min(GAIN_LIMIT, max(0.0, response.gain))
        channels = self._mixer.step(sources, dt_s, gain=gain, calming=1.0 if heard else CALMING)
        self._weight = channels[CHANNELS[0]]
        # The time of the sound that is shown: of the interpolated step, or of the newest if older.
        captured_s = min(now_s - self._config.delay_s, drive.captured_s)
        return Moment(
            weights=tuple(channels[channel] for channel in CHANNELS),
            t_s=max(0.0, drive.t_s - (drive.captured_s - captured_s)),
            captured_s=max(0.0, captured_s),
            rms_db=FLOOR_DB if resting else drive.rms_db,
            agc_db=drive.agc_db,
            onsets=drive.onsets,
            low=sources.low,
            mid=sources.mid,
            high=sources.high,
            bpm=beat.bpm if beat.locked else 0.0,
            beat=beat.phase if beat.locked else 0.0,
            bar=beat.bar if beat.locked else 0.0,
            resting=resting,
        )

    def _newest(self, now_s: float) -> Drive:
        """Return the newest drive that is known at ``now_s``, and drop older ones."""
        drives = self._drives
        while len(drives) > 1 and drives[1].captured_s <= now_s:
            drives.popleft()
        return drives[0] if drives and drives[0].captured_s <= now_s else _NOTHING

    def _new_hits(self, drive: Drive, now_s: float) -> tuple[Hit, ...]:
        new = [hit for hit in drive.hits if hit[0] > self._last_hit_s]
        if new:
            self._last_hit_s = new[-1][0]
        return tuple(Hit(max(0.0, now_s - began_s), strength) for began_s, strength in new)


def live_track() -> WeightTrack:
    """Return the weight track of a live show, which has no future drives."""
    return WeightTrack(TrackConfig(delay_s=LIVE_DELAY_S))


def offline_track(*, interval_s: float, points: int) -> WeightTrack:
    """Return the weight track of a song that can be analysed ahead; interval 0 s is as if live."""
    if interval_s == 0.0:
        return live_track()
    return WeightTrack(TrackConfig(interval_s=interval_s, points=points))
