"""What an output shows when it is not simply the newest frame: freeze, blackout, neutral, standby.

All of it happens in the output's own process, on pictures that it has at hand, so that it works
with engine and sound dead. The layers, from behind: the frame; the stills, breathing, when no
new frame has come for a while; the resting face (neutral); what was frozen; black.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STALE_S = 2.0
"""The last good frame stays on for so long; then the face has to live without an engine."""

STANDBY_FADE_S = 0.8
NEUTRAL_FADE_S = 1.2

BREATH_S = 5.0
"""From one breath of the stills to the next."""

Picture = NDArray[np.uint8]
"""RGBA, (size, size, 4) uint8, opaque."""


@dataclass(frozen=True)
class Cue:
    """What hands ask of every output. fade_s: how long a blackout takes, s."""

    freeze: bool = False
    blackout: bool = False
    fade_s: float = 1.0
    neutral: bool = False

    @property
    def holds(self) -> bool:
        """Return whether something else is to be shown than the newest frame."""
        return self.freeze or self.blackout or self.neutral


@dataclass(frozen=True)
class Stills:
    """Two pictures of the face that is on: at rest, and a little away from it."""

    rest: Picture
    away: Picture


class Fade:
    """A level from 0 to 1 that moves at an even speed, and can be turned around on its way."""

    def __init__(self) -> None:
        self.level: float | None = None

    def step(self, dt_s: float, *, on: bool, fade_s: float) -> float:
        """Move on by ``dt_s`` towards 1 when ``on``, else 0, and return the level.

        fade_s: how long the whole way takes, s; 0: no time. The first step is there at once: an
        output that was started again begins as the others are.
        """
        goal = 1.0 if on else 0.0
        if self.level is None or fade_s <= 0.0:
            self.level = goal
        elif self.level != goal:
            way = dt_s / fade_s
            self.level = min(self.level + way, 1.0) if on else max(self.level - way, 0.0)
        return self.level


def soft(level: float) -> float:
    """Return ``level``, 0…1, with an even start and end, for crossfades."""
    return level * level * (3.0 - 2.0 * level)


def breath(t_s: float) -> float:
    """Return how far away from rest a breath is, 0…1, ``t_s`` after the first began."""
    return 0.5 - 0.5 * math.cos(2.0 * math.pi * t_s / BREATH_S)


class Curtain:
    """Makes what an output shows of the newest frame, its age and what hands ask for.

    Where none of it is on, the frame passes through untouched and uncopied.

    Args:
        size: pictures are size × size px.
        stills: returns the newest stills, or None while there are none; asked only when needed.
        awake_s: returns for how long another process of the show has been awake, s.
        stale_s: how old the newest frame may be, s.
    """

    def __init__(
        self,
        size: int,
        stills: Callable[[], Stills | None],
        *,
        awake_s: Callable[[], float],
        stale_s: float = STALE_S,
    ) -> None:
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
        self._woke_s = -math.inf  # a machine that slept has not waited for its engine
        self._frozen: Picture | None = None
        self._breath = 0.0
        self.standing_in = False
        """Whether the stills stand in for frames that do not come."""

    @property
    def frozen(self) -> Picture | None:
        """What is frozen, without any blackout; None while nothing is."""
        return self._frozen

    def hold(self, picture: Picture) -> None:
        """Have ``picture`` frozen already, as long as the cue is to freeze."""
        self._frozen = picture

    def draw(self, now_s: float, cue: Cue, frame: Picture, drawn_s: float) -> Picture:
        """Return what is to be shown now.

        now_s: monotonic s. drawn_s: when ``frame`` was drawn, on the same clock. The memory of
        ``frame`` must stay as it is while the cue is to freeze.
        Returns: opaque; holds until the next call, and may be ``frame`` itself.
        """
        dt_s = 0.0 if self._now_s is None else max(now_s - self._now_s, 0.0)
        self._now_s = now_s
        if self._slept(dt_s) and not self._standby.level:
            self._woke_s = now_s
        picture = self._unfrozen(now_s, dt_s, cue, frame, drawn_s)
        self._frozen = picture if cue.freeze else None
        # To the eye the values of pixels are about evenly spaced, so a fade that is a line in
        # them is a line for the eye; one in the light itself would linger and then drop.
        dark = self._black.step(dt_s, on=cue.blackout, fade_s=cue.fade_s)
        return _mix(picture, self._blackness, dark, self._darkened)

    def _slept(self, dt_s: float) -> bool:
        """Return whether the machine slept during the last ``dt_s``.

        Where this output alone was held up, others went on meanwhile.
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
    """Return ``first`` with ``share`` (0…1) of ``second``, in ``into`` unless it is one of them."""
    if share <= 0.0:
        return first
    if share >= 1.0:
        return second
    cv2.addWeighted(first, 1.0 - share, second, share, 0.0, dst=into)
    return into
