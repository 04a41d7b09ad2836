"""Transitions where every frame is drawn anew."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from vjnode.control.glide import EASINGS
from vjnode.render.base import Look, Picture, Progress
from vjnode.render.delayed import Weights
from vjnode.render.direct import DirectRenderer
from vjnode.render.dissolve import Dissolve
from vjnode.render.mixtures import Mixtures
from vjnode.render.morph import Morph
from vjnode.render.transition import Transition

_log = logging.getLogger(__name__)

Lacks = Callable[[Look], str]


class DirectTransition(Transition):
    """Morphs where every frame is drawn anew: each is drawn from a mix of looks.

    Looks that are drawn by different weights dissolve. lacks: from a look to a text for people
    about what it is drawn without, "" if nothing; the log tells it too, once.
    """

    def __init__(
        self, renderer: DirectRenderer, mixtures: Mixtures, lacks: Lacks = lambda _: ""
    ) -> None:
        self._renderer, self._mixtures, self._lacks = renderer, mixtures, lacks
        self._morph: Morph | None = None
        self._told: set[str] = set()
        self.note = ""

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
        """Begin the picture of what is shown on the way to ``look``; see ``Transition.begin``."""
        del progress
        self.note = self._noted(look)
        self._morph = morph = self._morph or Morph(look)
        morph.step(look, now_s, over_s, easing)
        if morph.settled:
            return self._renderer.begin(look, weights)
        latents = self._mixtures.latents(morph.leg, morph.share, weights)
        begun = [(self._renderer.begin_latent(latent), part) for latent, part in latents]
        return begun[0][0] if len(begun) == 1 else _Dissolving(begun)

    def _noted(self, look: Look) -> str:
        note = self._lacks(look)
        if note and note not in self._told:
            self._told.add(note)
            _log.warning("%s", note)
        return note

    def close(self) -> None:
        """Do nothing: all is the renderer's."""


class _Dissolving(Future[Picture]):
    """Pictures that an engine draws, dissolved by whoever asks for them.

    parts: with their shares.
    """

    def __init__(self, parts: Sequence[tuple[Future[Picture], float]]) -> None:
        super().__init__()
        self._parts = parts

    def done(self) -> bool:
        return all(picture.done() for picture, _ in self._parts)

    def result(self, timeout: float | None = None) -> Picture:
        return Dissolve([(picture.result(timeout), part) for picture, part in self._parts])
