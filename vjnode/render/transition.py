"""Transitions: the picture of every tick while looks are asked for, one after the other."""

import logging
import math
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Protocol

from vjnode.control.glide import EASINGS
from vjnode.render.base import MIXED, Look, Picture, Progress, Renderer, done
from vjnode.render.delayed import DelayedWeights, Weights
from vjnode.render.dissolve import Dissolve
from vjnode.render.layers import LeftOut
from vjnode.render.mixtures import Mixtures
from vjnode.render.morph import Mix, Morph
from vjnode.render.passage import Passing, Shown
from vjnode.render.poses import HeldPoses, PosesOf

_log = logging.getLogger(__name__)

HANDOVER_S = 0.25
"""Length of the dissolve between key frames and a passage, s."""

PATIENCE_S = 1.0
"""Longest wait for a passage to get ready, s; then key frames are dissolved this time."""

SHORT_S = 0.5
"""A way that takes no longer, s, does not wait for one: it may be that of a panic."""

ENOUGH = 0.5
"""Part of a look's key frames with which all of it moves well; the rest follows."""

LINGER_S = 2.0
"""Time for which a passage goes on after what key frames leave out has come to rest, s."""

POSE_S = 0.4
"""Shortest time in which a pose dissolves into another, s, where no passage shows the way."""

_ACTS = 0.005
"""Weight from which on a movement is seen."""

OnlyKeys = Callable[[Look], bool]
"""From a look to whether key frames alone draw it as it is."""

LeftOutOf = Callable[[Look], tuple[LeftOut, ...]]
"""From a look to the channels of it that key frames do not show."""


class Transition(Protocol):
    """One way from look to look."""

    note: str
    """Text for people about what of the look is drawn otherwise, or not at all; "" if none."""

    def held(self, look: Look, weights: Weights, now_s: float, still: Collection[int]) -> Look:
        """Return ``look`` with what is to be prepared of it held; see ``HeldPoses.step``.

        Here: as it is, for where no pose is prepared.
        """
        del weights, now_s, still
        return look

    def begin(
        self,
        look: Look,
        weights: Weights,
        now_s: float,
        *,
        over_s: float,
        progress: Progress,
        easing: str = EASINGS[0],
    ) -> Future[Picture]:
        """Begin the picture for ``now_s``; return where it will be.

        look: is asked for; something of it is prepared. over_s: duration of a change of looks, s;
        0 is at once. progress: of ``look``, as far as is known. easing: of a way that begins. The
        rest is as for ``Renderer.begin``.
        """
        ...

    def close(self) -> None:
        """Free what it draws with beside the renderer; safe to call twice."""
        ...


class AtOnce(Transition):
    """Looks that follow one another without a transition."""

    note = ""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def begin(
        self,
        look: Look,
        weights: Weights,
        now_s: float,
        *,
        over_s: float,
        progress: Progress,
        easing: str = EASINGS[0],
    ) -> Future[Picture]:
        """Begin the picture of ``look``; see ``Transition.begin``."""
        del now_s, over_s, progress, easing
        return self._renderer.begin(look, weights)

    def close(self) -> None:
        """Do nothing: all is the renderer's."""


class PassageTransition:
    """Draws with a passage what key frames cannot: looks on their way, and heads that turn.

    A passage is shown late, and its pictures are a little softer. So key frames dissolve into it
    and back, and come as late as it does in the end: both show the same moment.

    Without a passage that is fast enough, or while it gets ready for the first time, key frames of
    all looks of a mix are dissolved, and channels that they leave out do not act; and so they are
    where a face has weights of its own.

    left_out: the channels that key frames do not show. poses: those of them that get key frames of
    their own where they rest; None: none do. only_keys: whether a look's face has weights of its
    own.
    """

    def __init__(
        self,
        renderer: Renderer,
        passage: Passing,
        mixtures: Mixtures,
        left_out: LeftOutOf = lambda _: (),
        *,
        poses: PosesOf = lambda _: (),
        only_keys: OnlyKeys = lambda _: False,
    ) -> None:
        self._renderer, self.passage, self._mixtures = renderer, passage, mixtures
        self._left_out, self._only_keys = left_out, only_keys
        self._poses = HeldPoses(poses)
        self._acts_until_s = -math.inf
        self._acting: tuple[LeftOut, ...] = ()
        self._told: set[str] = set()
        self.note = ""
        self._morph: Morph | None = None
        self._keys: Look
        """The look whose key frames are shown beside the passage."""
        self._taken = 0.0
        """Share of the passage in the picture."""
        self._rolling = self._dissolves = False
        self._settled_s = self._waits_s = math.inf
        self._last_s = -math.inf
        self._weights = DelayedWeights()

    def held(self, look: Look, weights: Weights, now_s: float, still: Collection[int]) -> Look:
        """Return ``look`` with the poses held that rest; see ``HeldPoses.step``."""
        held, morph = self._poses.step(look, weights, now_s, still), self._morph
        if morph is None or morph.settled or look != morph.asked.let_go():
            return held
        return morph.asked  # one morph at a time

    def begin(
        self,
        look: Look,
        weights: Weights,
        now_s: float,
        *,
        over_s: float,
        progress: Progress,
        easing: str = EASINGS[0],
    ) -> Future[Picture]:
        """Return the picture of what is shown on the way to ``look``; see ``Transition.begin``."""
        if self._morph is None:
            self._morph, self._keys = Morph(look), look
        morph, passage = self._morph, self.passage
        moved = look != morph.asked and look.let_go() == morph.asked.let_go()
        alone = any(map(self._only_keys, (look, *morph.mix)))
        if alone and any(one.held for one in (look, *morph.mix)):
            over_s = max(over_s, POSE_S)
        elif moved:  # the passage shows it all the time
            over_s = 0.0
        dt_s, self._last_s = now_s - self._last_s, now_s
        self._weights.push(now_s, weights)
        lives = self._lives(look, weights, now_s)
        at_rest = morph.settled and look == morph.asked == self._keys and not self._taken
        at_rest = at_rest and not lives
        waits = not (at_rest or self._taken or passage.ready)
        self._waits_s = min(self._waits_s, now_s) if waits else math.inf
        short = waits and 0.0 < over_s <= SHORT_S
        given_up = passage.given_up or short or alone or now_s - self._waits_s > PATIENCE_S
        self._dissolves = not at_rest and (self._dissolves or given_up)
        under_way = look != morph.asked or not morph.settled
        cut = over_s <= 0.0 and not (lives or moved) and (under_way or not self._taken)
        if self._dissolves or cut:
            broken = self._taken > 0.0
            morph.step(look, now_s, 0.0 if broken else over_s, easing)
            self._keys, self._taken, self._rolling = look, 0.0, False
            passage.rest()
            return self._of_keys(morph.mix, weights)
        # While key frames are drawn, it could not be told how fast an engine is.
        if progress.complete or not at_rest:
            passage.warm()
        if at_rest or not passage.ready:
            passage.rest()
            self._rolling = False
            return self._renderer.begin(self._keys, weights)
        # Until there is a picture, it is begun with what is shown already: in a cut, the new look.
        if over_s <= 0.0 and under_way and not (moved or self._taken):
            passage.rest()
            self._keys, self._rolling = look, True
        morph.step(look if self._rolling else morph.asked, now_s, over_s, easing)
        self._settled_s = min(self._settled_s, now_s) if morph.settled else math.inf
        shown = passage.show(self._mixtures.latent(morph.leg, morph.share, weights), now_s)
        if shown is None:
            return self._renderer.begin(self._keys, weights)
        self._rolling = True
        self._hand_over(dt_s, shown, progress, lives=lives)
        return done(self._of_both(shown, now_s))

    def close(self) -> None:
        """Close the passage."""
        self.passage.close()

    def _lives(self, look: Look, weights: Weights, now_s: float) -> bool:
        """Return whether channels act that key frames leave out, and a passage shows them."""
        left_out = self._left_out(look)
        acting = tuple(one for one in left_out if _weight(weights, one.channel) > _ACTS)
        if acting:
            self._acting, self._acts_until_s = acting, now_s + LINGER_S
        acts = bool(left_out) and now_s < self._acts_until_s
        alone = self._only_keys(look)
        lives = acts and self.passage.ready and not alone
        if acts and not self.passage.given_up and not alone:
            self.passage.warm()
        self.note = self._noted(acts=acts, lives=lives, alone=alone)
        return lives

    def _noted(self, *, acts: bool, lives: bool, alone: bool) -> str:
        if lives:
            why = "; ".join(one.why for one in self._acting)
            return f"drawn live at {self.passage.px} px: {why}"
        if not (acts and (alone or self.passage.given_up)):
            return ""
        note = "; ".join(f"{one.expression} is not shown: {one.why}" for one in self._acting)
        if note not in self._told:
            self._told.add(note)
            why = (
                "no face with weights of its own does" if alone else "only a faster processor draws"
            )
            _log.warning("%s, which %s", note, why)
        return note

    def _hand_over(self, dt_s: float, shown: Shown, progress: Progress, *, lives: bool) -> None:
        """Let key frames take over where they can, or else the passage."""
        assert self._morph is not None  # noqa: S101 - this is part of ``begin``
        settled = shown.at_s >= self._settled_s
        there = settled and not lives and progress.ready >= ENOUGH * progress.wanted
        if there and self._taken == 1.0:
            self._keys = self._morph.asked
        step = dt_s / HANDOVER_S
        back = there and self._keys == self._morph.asked
        self._taken = max(self._taken - step, 0.0) if back else min(self._taken + step, 1.0)

    def _of_both(self, shown: Shown, now_s: float) -> Picture:
        if self._taken == 1.0:
            return shown.picture
        weights = self._weights.at(now_s - self._taken * (now_s - shown.at_s))
        keys = self._renderer.begin(self._keys, weights).result()
        return Dissolve([(keys, 1.0 - self._taken), (shown.picture, self._taken)])

    def _of_keys(self, mix: Mix, weights: Weights) -> Future[Picture]:
        if len(mix) == 1:
            return self._renderer.begin(next(iter(mix)), weights)
        most = sorted(mix.items(), key=lambda item: item[1])[-MIXED:]
        pictures = [(self._renderer.begin(look, weights).result(), part) for look, part in most]
        return done(Dissolve(pictures))


def _weight(weights: Weights, channel: int) -> float:
    return weights[channel] if channel < len(weights) else 0.0
