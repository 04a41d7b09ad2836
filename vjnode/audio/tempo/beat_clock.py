"""A clock of beats, which keeps counting while the music pauses and obeys the artist."""

import math
from collections import deque
from dataclasses import replace
from itertools import pairwise
from statistics import median

from vjnode.audio.tempo.beat import BEATS_PER_BAR, SLEW_S, Beat
from vjnode.audio.tempo.lead import Lead
from vjnode.audio.tempo.tracker import Estimate
from vjnode.errors import InputError

SLOWEST_BPM, FASTEST_BPM = 30.0, 300.0
"""Tempi that can be set by hand."""

TAP_GAP_S = 2.0
"""Longest time between two taps; a later tap starts a new series."""

TAPS = 8
"""Number of taps whose median gives the tempo."""

SURE = 0.3
"""Confidence below which estimates are ignored."""

FIRST_S = 0.7
"""Time for which estimates must agree before the clock starts."""

RELOCK_S = 1.1
"""Time for which estimates must agree on another tempo or phase before the clock follows."""

LEVEL_S = 2.0
"""The same for half or double the tempo, between which trackers alternate."""

PHRASE = 64
"""Beats by which the count and the place in the song of a clock outside may differ: where the song
begins, so does a bar, and a wave of the LFO over up to sixteen bars."""

_SAME = 0.04  # relative difference of tempi that are the same
_TAPPED = 0.03  # how far the tracker may go from a tapped tempo
_ASTRAY = 0.25  # error in beats that is too large to be corrected: the beats are elsewhere
_GAIN = 0.3  # part of the error that is corrected after each estimate
_SLOWEST_GAIN = 0.03
_DRIFT = 0.008  # relative difference of tempi that is no noise


class BeatClock:
    """Counts beats by the tracker's estimates, or a clock outside, and by the artist's hand.

    Without the artist it starts with the first estimates that agree, corrects small errors
    smoothly, follows another tempo once estimates agree on it, and keeps time when there are
    none. All times are seconds on one clock that does not go back.

    The count never decreases except by ``tap``, ``resync`` and ``halve``: they refer to the
    present moment, and may set it back within a beat, never across one.

    With another ``source`` estimates change nothing: with ``tap`` the artist's hand alone does.
    With ``midi`` tempo and beat are those of a clock outside, while there is one; the hand then
    changes the phase and the level, and a tempo set by hand goes before. What plays is followed
    again once that clock is gone: the count goes on, and estimates correct it.
    """

    def __init__(self) -> None:
        self.source = "music"
        """Its source: ``music``, ``midi`` or ``tap``."""
        self._led = False
        self._origin: float | None = None
        """Count at the beginning of the song of the clock outside; None until that is settled."""
        self._jumps = 0
        """Jump of the clock outside that the count has followed."""
        self._level = 1.0
        """Beats of the count in one of the clock outside."""
        self._beat = Beat()
        self._rival: Beat | None = None
        self._rival_since_s = 0.0
        self._followed = 0
        self._taps: deque[float] = deque(maxlen=TAPS)
        self._tapped_bpm: float | None = None
        self._fixed = False
        self._own_level = False
        self._own_phase = False

    def at(self, now_s: float) -> Beat:
        """Return the beat at ``now_s``."""
        return self._beat.at(now_s)

    def follow(self, estimate: Estimate | None, now_s: float) -> None:
        """Follow the tracker's estimate; None if there is no new one.

        now_s: time at which the tracker's last sample was heard.
        """
        if estimate is None or self.source == "tap" or self._led:
            return
        beat = self._beat.at(now_s)
        self._beat = replace(beat, confidence=max(beat.confidence, estimate.confidence))
        if estimate.confidence < SURE:
            self._rival = None
            return
        since = (estimate.heard_s - estimate.beat_s) * estimate.bpm / 60.0
        heard = Beat(estimate.bpm, since, now_s, locked=True)
        if self._beat.locked:
            self._steer(heard)
        elif self._agreed_for(heard, FIRST_S):
            self._lock(heard)

    @property
    def led(self) -> bool:
        """True while a clock outside gives tempo and beat, or has stopped them."""
        return self._led

    def lead(self, lead: Lead | None, now_s: float) -> None:
        """Follow a clock outside, if that is the source; None: there is none."""
        led = lead is not None and self.source == "midi"
        if led != self._led:
            self._led, self._origin, self._jumps, self._level = led, None, 0, 1.0
            self._rival, self._tapped_bpm = None, None
        if lead is None or not led or self._fixed:
            return
        beat = self._beat.at(now_s)
        if lead.stands:
            self._beat = replace(beat, bpm=0.0, pull=0.0, locked=False)
            return
        place = lead.beats_at(now_s) * self._level
        origin = self._origin
        if lead.jumps != self._jumps:
            if place < 0.0:
                return  # the song begins with the next pulse
            self._jumps = lead.jumps
            origin = 0.0 if lead.jumps else None
        error = 0.0
        if origin is not None:
            error = (place + origin - beat.beats + _ASTRAY) % PHRASE - _ASTRAY
        self._origin = beat.beats + error - place
        bpm = lead.bpm * self._level
        if error > _ASTRAY:
            beat, error = replace(beat, beats=beat.beats + error), 0.0
        most = 0.5 * bpm / 60.0 * SLEW_S
        pull = min(max(error, -most), most)
        self._beat = replace(beat, bpm=bpm, pull=pull, confidence=1.0, locked=True)

    def tap(self, now_s: float) -> None:
        """Set a beat to ``now_s``; from the second tap on, set the tempo too."""
        if self._taps and now_s - self._taps[-1] > TAP_GAP_S:
            self._taps.clear()
        self._taps.append(now_s)
        beat = self._beat.at(now_s)
        if len(self._taps) > 1 and not self._led:
            gap_s = median(b - a for a, b in pairwise(self._taps))
            bpm = min(max(60.0 / max(gap_s, 1e-3), SLOWEST_BPM), FASTEST_BPM)
            self._tapped_bpm, self._fixed, self._own_level = bpm, False, True
            beat = replace(beat, bpm=bpm, confidence=1.0, locked=True)
        self._count_from(beat, 1)

    def resync(self, now_s: float) -> None:
        """Set the first beat of a bar to ``now_s``."""
        self._count_from(self._beat.at(now_s), BEATS_PER_BAR)

    def double(self, now_s: float) -> None:
        """Count twice as fast from now on; does nothing without a tempo or beyond 300 bpm."""
        beat = self._beat.at(now_s)
        self._change_level(beat, 2.0, 2.0 * beat.phase)

    def halve(self, now_s: float) -> None:
        """Count half as fast from now on; does nothing without a tempo or below 30 bpm."""
        beat = self._beat.at(now_s)
        self._change_level(beat, 0.5, beat.beats / 2.0 % 1.0)

    def set_bpm(self, bpm: float, now_s: float) -> None:
        """Fix the tempo; the tracker then changes the phase only. 0 does the same as ``release``.

        Raises:
            InputError: neither 0 nor 30…300.
        """
        if bpm == 0.0:
            self.release()
            return
        if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
            raise InputError(
                f"a tempo of {bpm:g} bpm is out of range; use {SLOWEST_BPM:g} to "
                f"{FASTEST_BPM:g}, or 0 to follow the source"
            )
        beat = self._beat.at(now_s)
        self._beat = replace(beat, bpm=float(bpm), pull=0.0, confidence=1.0, locked=True)
        self._fixed = self._own_level = True
        self._tapped_bpm = self._rival = None
        self._origin, self._jumps, self._level = None, 0, 1.0

    def release(self) -> None:
        """Follow the music again; the tempo stays until the tracker finds another."""
        self._fixed = self._own_level = self._own_phase = False
        self._tapped_bpm = self._rival = None
        self._taps.clear()
        self._followed = 0

    def _steer(self, heard: Beat) -> None:
        beat = self._beat
        level, folded = _fold(heard, beat.bpm)
        # Every beat on the slower level is one on the faster; the artist may have chosen off-beats.
        unit = min(level, 0.5 if self._own_phase else 1.0)
        error = folded.beats - beat.beats - beat.pull
        error -= unit * round(error / unit)
        fits = _same_tempo(folded.bpm, beat.bpm)
        if not fits and (self._fixed or self._tapped_bpm is not None):
            return
        if fits and abs(error) <= _ASTRAY:
            self._correct(folded.bpm, error)
            if level == 1.0 or self._own_level:
                self._rival = None
            elif self._agreed_for(heard, LEVEL_S):
                self._lock(heard)
        elif self._agreed_for(heard, RELOCK_S):
            self._lock(folded if self._own_level else heard)

    def _correct(self, bpm: float, error: float) -> None:
        """Start to correct an error in beats, and move the tempo a little towards ``bpm``."""
        beat = self._beat
        self._followed += 1
        if not self._fixed:
            # A running mean is exact enough to keep time through a long break.
            gain = max(1.0 / self._followed, _SLOWEST_GAIN)
            gain = max(gain, _GAIN) if abs(bpm / beat.bpm - 1.0) > _DRIFT else gain
            new_bpm = beat.bpm + gain * (bpm - beat.bpm)
            if self._tapped_bpm is not None:
                low, high = 1.0 - _TAPPED, 1.0 + _TAPPED
                new_bpm = min(max(new_bpm, low * self._tapped_bpm), high * self._tapped_bpm)
            beat = replace(beat, bpm=new_bpm)
        # The count may slow down to half, but not stop.
        most = 0.5 * beat.bpm / 60.0 * SLEW_S
        pull = min(max(beat.pull + _GAIN * error, -most), most)
        self._beat = replace(beat, pull=pull)

    def _agreed_for(self, heard: Beat, long_s: float) -> bool:
        """Return whether estimates have agreed with this one for ``long_s``."""
        rival, self._rival = self._rival, heard
        if rival is not None and _same_tempo(rival.bpm, heard.bpm):
            error = rival.at(heard.anchor_s).beats - heard.beats
            if abs(error - round(error)) <= _ASTRAY:
                return heard.anchor_s - self._rival_since_s >= long_s
        self._rival_since_s = heard.anchor_s
        return False

    def _lock(self, heard: Beat) -> None:
        """Adopt tempo and phase of ``heard``; the count jumps forward to that phase."""
        beat = self._beat
        bpm = beat.bpm if self._fixed else heard.bpm
        beats = beat.beats + (heard.beats - beat.beats) % 1.0
        self._beat = replace(beat, bpm=bpm, beats=beats, pull=0.0, locked=True)
        self._followed, self._rival, self._own_phase = 0, None, False

    def _count_from(self, beat: Beat, whole: int) -> None:
        """Set the count to a multiple of ``whole``, back by less than half a beat, or forward."""
        last = math.floor(beat.beats / whole) * whole
        beats = float(last if beat.beats - last < 0.5 else last + whole)
        self._beat = replace(beat, beats=beats, pull=0.0)
        self._own_phase, self._rival, self._origin = True, None, None

    def _change_level(self, beat: Beat, factor: float, phase: float) -> None:
        if not SLOWEST_BPM <= beat.bpm * factor <= FASTEST_BPM:
            return
        self._beat = replace(
            beat, bpm=beat.bpm * factor, beats=math.floor(beat.beats) + phase, pull=0.0
        )
        if self._tapped_bpm is not None:
            self._tapped_bpm *= factor
        self._level *= factor
        self._own_level, self._rival, self._origin = True, None, None


def _fold(heard: Beat, bpm: float) -> tuple[float, Beat]:
    """Return the power of two that brings ``heard`` nearest to ``bpm``, and the scaled beat."""
    level = 2.0 ** round(math.log2(bpm / heard.bpm))
    return level, replace(heard, bpm=heard.bpm * level, beats=heard.beats * level)


def _same_tempo(one_bpm: float, other_bpm: float) -> bool:
    return abs(math.log(one_bpm / other_bpm)) < _SAME
