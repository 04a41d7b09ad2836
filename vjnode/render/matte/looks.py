"""Mattes of the looks that a show goes through, made beside it while frames go out."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.control.glide import eased
from vjnode.render.base import Look
from vjnode.render.matte.estimate import Floats, estimate
from vjnode.render.matte.files import WEIGHTS, MatteFiles
from vjnode.system.priority import lower_priority

_log = logging.getLogger(__name__)

Matte = NDArray[np.uint8]
"""As ``vjnode.output.cut`` takes it."""

Draw = Callable[[Look, float], NDArray[np.uint8]]
"""Draws a look, its first channel at a weight (0…1), into fresh memory."""

KEPT = 8
"""Mattes in memory, of the looks that were on last."""

FADE_S = 0.25
"""Shortest time in which one matte passes into another, s."""

STEPS_FPS = 12.0
"""Rate at which mattes change on their way into one another: each new one costs every output that
cuts some milliseconds, and their edges lie close together."""

COARSE_PX = 256
"""Side of the picture that a first matte is made from, px."""

_NICENESS = 10


class MatteFade:
    """The way from one matte to another; reads no clock."""

    def __init__(self) -> None:
        self._shown: Matte | None = None
        self._before: Matte | None = None
        self._target: Matte | None = None
        self._began_s = self._lasts_s = self._stepped_s = 0.0

    def step(self, now_s: float, target: Matte, *, over_s: float) -> Matte | None:
        """Return the matte to show from ``now_s`` on; None: the same as before.

        target: where to go; another than before is gone to in ``over_s`` from now, 0: at once.
        """
        if target is not self._target:
            self._target, self._before = target, self._shown
            self._began_s, self._lasts_s, self._stepped_s = now_s, over_s, now_s
        if self._shown is target:
            return None
        passed_s = now_s - self._began_s
        if self._before is None or passed_s >= self._lasts_s:
            self._shown = target
            return target
        if now_s - self._stepped_s < 1.0 / STEPS_FPS:
            return None
        self._stepped_s = now_s
        share = eased(passed_s / self._lasts_s)
        self._shown = np.empty_like(target)
        cv2.addWeighted(target, share, self._before, 1.0 - share, 0.0, dst=self._shown)
        return self._shown


@dataclass(frozen=True)
class _Known:
    """A matte. whole: whether it was made from all pictures that it should be made from."""

    matte: Matte
    whole: bool


class LookMattes:
    """Makes mattes, and passes from one to the next as the show passes from look to look.

    A matte belongs to a face and its first channel's expression. The first is made coarsely, from
    the face at rest, as soon as there is a picture of it; the one that is kept, from the whole
    movement once that is prepared. All but ``first`` is called by the show's clock and waits for
    nothing.

    Args:
        look_at: opens what finds people in pictures; called in a thread of its own, once.
        name_of: returns the name under which a look's matte is kept in ``files``.
        apart_s: pause between the pictures that a matte is made from, s: each costs a tick time.

    """

    def __init__(
        self,
        look_at: Callable[[], Callable[[NDArray[np.uint8]], Floats]],
        name_of: Callable[[Look], str],
        files: MatteFiles,
        *,
        apart_s: float = 0.05,
    ) -> None:
        self._open, self._name_of, self._files = look_at, name_of, files
        self._apart_s = apart_s
        self._look_at: Callable[[NDArray[np.uint8]], Floats] | None = None
        lower = partial(lower_priority, _NICENESS)
        self._maker = ThreadPoolExecutor(1, "mattes", initializer=lower)
        self._known: OrderedDict[Look, _Known] = OrderedDict()
        self._under_way: tuple[Look, Future[_Known | None]] | None = None
        self._ahead: list[tuple[Look, Future[_Known | None]]] = []
        self._looked_up: Look | None = None
        self._given_up: Look | None = None
        self._pictures: list[NDArray[np.uint8]] = []
        self._of: tuple[Look, bool] | None = None
        self._next_s = 0.0
        self._on: Look | None = None
        self._since_s = self._over_s = 0.0
        self._fade = MatteFade()

    def first(self, look: Look, draw: Draw) -> None:
        """Wait for a matte of ``look``, from disk or from one picture, if there can be any."""
        part = look.in_one_channel()
        self._under_way = part, self._maker.submit(self._read, part)
        self._looked_up = part
        wait([self._under_way[1]])
        self._take_in()
        if part not in self._known:
            pictures = [draw(look, 0.0)]
            self._under_way = part, self._maker.submit(self._make, part, pictures, whole=False)
            wait([self._under_way[1]])
            self._take_in()

    def expect(self, looks: Iterable[Look]) -> None:
        """Have the mattes of looks that may come at hand, those that were kept; none is made."""
        parts = dict.fromkeys(look.in_one_channel() for look in looks)
        for part in list(parts)[: KEPT - 1]:
            if part not in self._known:
                self._ahead.append((part, self._maker.submit(self._read, part)))

    def show(self, now_s: float, look: Look, *, over_s: float) -> Matte | None:
        """Return the matte to show from ``now_s`` on; None: the same as before.

        look: is shown. over_s: time in which looks pass into one another, s.
        """
        part = look.in_one_channel()
        if part != self._on:
            self._on, self._since_s, self._over_s = part, now_s, over_s
        known = self._known.get(part)
        if known is None:
            return None
        left_s = self._since_s + self._over_s - now_s
        # One that is there when its look comes on keeps to the look's time.
        least_s = 0.0 if now_s == self._since_s else FADE_S
        return self._fade.step(now_s, known.matte, over_s=max(left_s, least_s))

    def prepare(self, now_s: float, look: Look, draw: Draw, *, complete: bool) -> None:
        """Draw at most one picture for the matte of ``look``, and have it made when all are there.

        complete: whether nothing of the look is left to prepare.
        """
        self._take_in()
        part = look.in_one_channel()
        known = self._known.get(part)
        if (known is not None and known.whole) or part == self._given_up:
            return
        if self._under_way is not None or (known and now_s < self._since_s + self._over_s):
            return  # looks on their way into one another cost enough
        if known is None and self._looked_up != part:
            self._looked_up = part
            self._under_way = part, self._maker.submit(self._read, part)
            return
        if known is not None and not complete:
            return
        if (part, complete) != self._of:
            self._of, self._pictures, self._next_s = (part, complete), [], now_s
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._apart_s
        weights = WEIGHTS if complete else WEIGHTS[:1]
        self._pictures.append(draw(look, weights[len(self._pictures)]))
        if len(self._pictures) == len(weights):
            pictures, self._pictures, self._of = self._pictures, [], None
            making = self._maker.submit(self._make, part, pictures, whole=complete)
            self._under_way = part, making

    def close(self) -> None:
        """Stop; a matte that is being made is finished, which takes a second at most."""
        self._maker.shutdown(cancel_futures=True)

    def _take_in(self) -> None:
        """Remember mattes that have been read or made meanwhile."""
        if self._under_way is not None and self._under_way[1].done():
            part, made = self._under_way
            self._under_way = None
            self._remember(part, made)
        while self._ahead and self._ahead[0][1].done():
            part, read = self._ahead.pop(0)
            if part not in self._known:
                self._remember(part, read)

    def _remember(self, part: Look, made: Future[_Known | None]) -> None:
        try:
            found = made.result()
        except Exception as error:  # noqa: BLE001 - of a thread; the show goes on without it
            self._given_up = part
            _log.warning("the head of %s cannot be cut out: %s", part.face, error)
            return
        if found is None:
            return
        self._known[part] = found
        self._known.move_to_end(part)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)

    def _read(self, part: Look) -> _Known | None:
        matte = self._files.read(self._name_of(part))
        return None if matte is None else _Known(matte, whole=True)

    def _make(
        self, part: Look, pictures: Sequence[NDArray[np.uint8]], *, whole: bool
    ) -> _Known | None:
        if self._look_at is None:
            self._look_at = self._open()
        if whole:
            matte = estimate(pictures, self._look_at)
            self._files.keep(self._name_of(part), matte)
            return _Known(matte, whole)
        # A face without a matte is on screen: a coarse one is there in a twentieth of the time.
        full = pictures[0].shape[:2]
        side = (min(COARSE_PX, full[1]),) * 2
        small = [cv2.resize(one, side, interpolation=cv2.INTER_AREA) for one in pictures]
        coarse = cv2.resize(
            estimate([np.asarray(one, np.uint8) for one in small], self._look_at), full
        )
        return _Known(np.asarray(coarse, np.uint8), whole)
