"""Overrides of an output's picture: freeze, blackout, neutral and standby.

All of them are applied in the output's own process, to pictures that it already has, so that they
work with engine and sound dead. The layers, from back to front: the frame; the stills, breathing,
when no new frame has come for a while; the resting face (neutral); the frozen picture; black.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STALE_S = 2.0
"""Time, s, for which the last good frame stays on; then the stills stand in for the engine."""

STANDBY_FADE_S = 0.8
NEUTRAL_FADE_S = 1.2

BREATH_S = 5.0
"""Period of the stills' breathing."""

Picture = NDArray[np.uint8]
"""RGBA, (size, size, 4) uint8, opaque."""


@dataclass(frozen=True)
class Cue:
    """Overrides that the artist asks of every output. fade_s: duration of a blackout's fade, s."""

    freeze: bool = False
    blackout: bool = False
    fade_s: float = 1.0
    neutral: bool = False

    @property
    def holds(self) -> bool:
        """Return whether any override is asked for."""
        return self.freeze or self.blackout or self.neutral


@dataclass(frozen=True)
class Stills:
    """Two pictures of the current face: at rest, and slightly away from rest."""

    rest: Picture
    away: Picture


class Fade:
    """A level from 0 to 1 that moves at a constant speed, and may be reversed on its way."""

    def __init__(self) -> None:
        self.level: float | None = None

    def step(self, dt_s: float, *, on: bool, fade_s: float) -> float:
        """Advance by ``dt_s`` towards 1 when ``on``, else 0, and return the level.

        fade_s: duration from 0 to 1, s; 0: at once. The first step always jumps, so that an
        output that was restarted agrees with the others.
        """
        goal = 1.0 if on else 0.0
        if self.level is None or fade_s <= 0.0:
            self.level = goal
        elif self.level != goal:
            way = dt_s / fade_s
            self.level = min(self.level + way, 1.0) if on else max(self.level - way, 0.0)
        return self.level


def soft(level: float) -> float:
    """Return ``level``, 0…1, with a smooth start and end, for crossfades."""
    return level * level * (3.0 - 2.0 * level)


def breath(t_s: float) -> float:
    """Return the share of the ``away`` still, 0…1, ``t_s`` after breathing began."""
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * t_s / BREATH_S)


class Overrides:
    """Applies freeze, blackout, neutral and standby to the newest frame.

    While none of them is on, the frame is returned as it is, without a copy.

    Args:
        size: pictures are size × size px.
        stills: returns the newest stills, or None while there are none; called only when needed.
        awake_s: returns the time for which another process of the show has been awake, s.
        stale_s: greatest age of the newest frame before standby, s.
        darkens: whether pictures get dark in a blackout; if not, ``darkness`` alone tells it.
    """

    def __init__(
        self,
        size: int,
        stills: Callable[[], Stills | None],
        *,
        awake_s: Callable[[], float],
        stale_s: float = STALE_S,
        darkens: bool = True,
    ) -> None:
        self.darkness = 0.0
        """Share of a blackout in the picture that was drawn last, 0…1."""
        self._darkens = darkens
        self._stills = stills
        self._awake = awake_s
        self._awake_s = awake_s()
        self._stale_s = stale_s
        self._standby, self._neutral, self._black = Fade(), Fade(), Fade()
        self._mixed = np.empty((size, size, 4), np.uint8)
        self._darkened = np.empty((size, size, 4), np.uint8)
        self._blackness = np.zeros((size, size, 4), np.uint8)
        self._blackness[..., 3] = 255
        self._now_s: float | None = None
        self._woke_s = -math.inf  # time asleep does not count as waiting for the engine
        self._frozen: Picture | None = None
        self._breath = 0.0
        self.standing_in = False
        """True while the stills stand in for missing frames."""

    @property
    def frozen(self) -> Picture | None:
        """The frozen picture, without any blackout; None while none is frozen."""
        return self._frozen

    def hold(self, picture: Picture) -> None:
        """Set the frozen picture, which is kept as long as the cue is to freeze."""
        self._frozen = picture

    def draw(self, now_s: float, cue: Cue, frame: Picture, drawn_s: float) -> Picture:
        """Return the picture to be shown now.

        now_s: monotonic s. drawn_s: time at which ``frame`` was drawn, on the same clock. The
        memory of ``frame`` must not change while the cue is to freeze.
        Returns: opaque; valid until the next call; may be ``frame`` itself.
        """
        dt_s = 0.0 if self._now_s is None else max(now_s - self._now_s, 0.0)
        self._now_s = now_s
        if self._slept(dt_s) and not self._standby.level:
            self._woke_s = now_s
        picture = self._unfrozen(now_s, dt_s, cue, frame, drawn_s)
        self._frozen = picture if cue.freeze else None
        # Pixel values are about evenly spaced to the eye, so a fade that is linear in them looks
        # linear; one that is linear in light would linger and then drop.
        self.darkness = self._black.step(dt_s, on=cue.blackout, fade_s=cue.fade_s)
        shown = self.darkness if self._darkens else 0.0
        return _mix(picture, self._blackness, shown, self._darkened)

    def _slept(self, dt_s: float) -> bool:
        """Return whether the machine slept during the last ``dt_s``.

        If only this output was held up, the other process was awake meanwhile.
        """
        before_s, self._awake_s = self._awake_s, self._awake()
        return dt_s > self._stale_s and self._awake_s - before_s < dt_s / 2

    def _unfrozen(
        self, now_s: float, dt_s: float, cue: Cue, frame: Picture, drawn_s: float
    ) -> Picture:
        standing_in_s = now_s - max(drawn_s, self._woke_s) - self._stale_s
        stale = standing_in_s > 0.0
        if stale:  # counted from the last frame, so that all outputs breathe together
            self._breath = breath(standing_in_s)
        away = soft(self._standby.step(dt_s, on=stale, fade_s=STANDBY_FADE_S))
        neutral = soft(self._neutral.step(dt_s, on=cue.neutral, fade_s=NEUTRAL_FADE_S))
        if self._frozen is not None and cue.freeze:
            return self._frozen
        stills = self._stills() if away or neutral else None
        self.standing_in = stale and stills is not None
        if stills is None:
            return frame
        picture = frame
        if away and neutral < 1.0:
            living = _mix(stills.rest, stills.away, self._breath, self._mixed)
            picture = _mix(picture, living, away, self._mixed)
        return _mix(picture, stills.rest, neutral, self._mixed)


def _mix(first: Picture, second: Picture, share: float, into: Picture) -> Picture:
    """Return ``first`` with ``share`` (0…1) of ``second``: one of them, or a mix in ``into``."""
    if share <= 0.0:
        return first
    if share >= 1.0:
        return second
    cv2.addWeighted(first, 1.0 - share, second, share, 0.0, dst=into)
    return into
