"""Transitions: the picture of every tick while looks are asked for, one after the other."""

import math
from concurrent.futures import Future
from typing import Protocol

from vjnode.render.base import MIXED, Look, Picture, Progress, Renderer, done
from vjnode.render.delayed import DelayedWeights, Weights
from vjnode.render.direct import DirectRenderer
from vjnode.render.dissolve import Dissolve
from vjnode.render.mixtures import Mixtures
from vjnode.render.morph import Mix, Morph
from vjnode.render.passage import Passing, Shown

HANDOVER_S = 0.25
"""Length of the dissolve between key frames and a passage, s."""

PATIENCE_S = 1.0
"""Longest wait for a passage to get ready, s; then key frames are dissolved this time."""

ENOUGH = 0.5
"""Part of a look's key frames with which all of it moves well; the rest follows."""


class Transition(Protocol):
    """One way from look to look."""

    def begin(
        self, look: Look, weights: Weights, now_s: float, *, over_s: float, progress: Progress
    ) -> Future[Picture]:
        """Begin the picture for ``now_s``; return where it will be.

        look: is asked for; something of it is prepared. over_s: duration of a change of looks, s;
        0 is at once. progress: of ``look``, as far as is known. The rest is as for
        ``Renderer.begin``.
        """
        ...

    def close(self) -> None:
        """Free what it draws with beside the renderer; safe to call twice."""
        ...


class AtOnce:
    """Looks that follow one another without a transition."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def begin(
        self, look: Look, weights: Weights, now_s: float, *, over_s: float, progress: Progress
    ) -> Future[Picture]:
        """Begin the picture of ``look``; see ``Transition.begin``."""
        del now_s, over_s, progress
        return self._renderer.begin(look, weights)

    def close(self) -> None:
        """Do nothing: all is the renderer's."""


class DirectTransition:
    """Morphs where every frame is drawn anew: each is drawn from a mix of looks."""

    def __init__(self, renderer: DirectRenderer, mixtures: Mixtures) -> None:
        self._renderer, self._mixtures = renderer, mixtures
        self._morph: Morph | None = None

    def begin(
        self, look: Look, weights: Weights, now_s: float, *, over_s: float, progress: Progress
    ) -> Future[Picture]:
        """Begin the picture of what is shown on the way to ``look``; see ``Transition.begin``."""
        del progress
        self._morph = morph = self._morph or Morph(look)
        morph.step(look, now_s, over_s)
        if morph.settled:
            return self._renderer.begin(look, weights)
        return self._renderer.begin_latent(self._mixtures.latent(morph.leg, morph.share, weights))

    def close(self) -> None:
        """Do nothing: all is the renderer's."""


class PassageTransition:
    """Morphs where single looks are drawn from key frames: what lies between, by a passage.

    A passage is shown late, and its pictures are a little softer. So key frames dissolve into it
    and back, and come as late as it does in the end: both show the same moment.

    Without a passage that is fast enough, or while it gets ready for the first time, key frames of
    all looks of a mix are dissolved.
    """

    def __init__(self, renderer: Renderer, passage: Passing, mixtures: Mixtures) -> None:
        self._renderer, self.passage, self._mixtures = renderer, passage, mixtures
        self._morph: Morph | None = None
        self._keys: Look
        """The look whose key frames are shown beside the passage."""
        self._taken = 0.0
        """Share of the passage in the picture."""
        self._rolling = self._dissolves = False
        self._settled_s = self._waits_s = math.inf
        self._last_s = -math.inf
        self._weights = DelayedWeights()

    def begin(
        self, look: Look, weights: Weights, now_s: float, *, over_s: float, progress: Progress
    ) -> Future[Picture]:
        """Return the picture of what is shown on the way to ``look``; see ``Transition.begin``."""
        if self._morph is None:
            self._morph, self._keys = Morph(look), look
        morph, passage = self._morph, self.passage
        dt_s, self._last_s = now_s - self._last_s, now_s
        self._weights.push(now_s, weights)
        at_rest = morph.settled and look == morph.asked == self._keys and not self._taken
        waits = not (at_rest or self._taken or passage.ready)
        self._waits_s = min(self._waits_s, now_s) if waits else math.inf
        given_up = passage.given_up or now_s - self._waits_s > PATIENCE_S
        self._dissolves = not at_rest and (self._dissolves or given_up)
        if self._dissolves or over_s <= 0.0:
            broken = self._taken > 0.0
            morph.step(look, now_s, 0.0 if broken else over_s)
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
        # Until there is a picture, it is begun with what is shown already.
        morph.step(look if self._rolling else morph.asked, now_s, over_s)
        self._settled_s = min(self._settled_s, now_s) if morph.settled else math.inf
        shown = passage.show(self._mixtures.latent(morph.leg, morph.share, weights), now_s)
        if shown is None:
            return self._renderer.begin(self._keys, weights)
        self._rolling = True
        self._hand_over(dt_s, shown, progress)
        return done(self._of_both(shown, now_s))

    def close(self) -> None:
        """Close the passage."""
        self.passage.close()

    def _hand_over(self, dt_s: float, shown: Shown, progress: Progress) -> None:
        """Let key frames take over where they can, or else the passage."""
        assert self._morph is not None  # noqa: S101 - this is part of ``begin``
        settled = shown.at_s >= self._settled_s
        there = settled and progress.ready >= ENOUGH * progress.wanted
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
