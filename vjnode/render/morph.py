"""Morphs: from any look to any other over a time, as shares of looks; reads no clock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vjnode.control.glide import EASINGS, eased
from vjnode.render.base import Look

Mix = Mapping[Look, float]
"""Looks and their shares, each above 0, together 1."""


@dataclass(frozen=True, eq=False)
class Leg:
    """A way from a mix of looks to one look. easing: one of ``EASINGS``."""

    start: Mix
    target: Look
    easing: str = EASINGS[0]

    def mix(self, share: float) -> Mix:
        """Return the looks that are shown after ``share`` of the way, 0…1."""
        mixed = {look: part * (1.0 - share) for look, part in self.start.items()}
        mixed[self.target] = mixed.get(self.target, 0.0) + share
        return {look: part for look, part in mixed.items() if part > 0.0}

    def parted(self, kind: Callable[[Look], object]) -> "tuple[Part, ...]":
        """Return the parts of the leg whose looks are of one kind each, its start's first."""
        parts = []
        for one in dict.fromkeys(map(kind, (*self.start, self.target))):
            start = {look: part for look, part in self.start.items() if kind(look) == one}
            left, arrives = sum(start.values()), kind(self.target) == one
            target = self.target if arrives else next(iter(start))
            whole = {look: part / left for look, part in start.items()} or {target: 1.0}
            parts.append(Part(Leg(whole, target, self.easing), left, arrives=arrives))
        return tuple(parts)


@dataclass(frozen=True, eq=False)
class Part:
    """Those looks of a leg that are of one kind.

    leg: theirs alone. left: share that they have at the whole leg's start. arrives: whether its
    target is among them.
    """

    leg: Leg
    left: float
    arrives: bool

    def at(self, share: float) -> tuple[float, float]:
        """Return the share of this part after ``share`` of the whole leg, and that of its own leg.

        Both 0…1.
        """
        of_target = share if self.arrives else 0.0
        whole = self.left * (1.0 - share) + of_target
        return whole, of_target / whole if whole > 0.0 else 0.0


class Morph:
    """The way between looks that is being gone, and how far.

    It turns round when the look that it came from is asked for again, and takes as long back as it
    took there; when a third is asked for, it sets out for that from the mix it has reached.

    look: is shown at the beginning.
    """

    def __init__(self, look: Look) -> None:
        self.leg = Leg({look: 1.0}, look)
        self._passed, self._forth = 1.0, True
        self._now_s: float | None = None

    @property
    def share(self) -> float:
        """Part of the leg that is behind, 0…1, eased."""
        return eased(self._passed, self.leg.easing)

    @property
    def asked(self) -> Look:
        """The look that it is on its way to, or at."""
        return self.leg.target if self._forth else next(iter(self.leg.start))

    @property
    def settled(self) -> bool:
        """Return whether one look alone is shown: the one that was asked for."""
        return self._forth and self._passed == 1.0

    @property
    def mix(self) -> Mix:
        """The looks that are shown."""
        return self.leg.mix(self.share)

    def step(self, look: Look, now_s: float, over_s: float, easing: str = EASINGS[0]) -> None:
        """Go on to ``now_s``, from now on towards ``look``.

        now_s: rises from call to call. over_s: duration of a whole way, s; 0 is at once.
        easing: of a way that begins; one that turns round keeps its own.
        """
        dt_s = 0.0 if self._now_s is None else max(now_s - self._now_s, 0.0)
        self._now_s = now_s
        self._go(dt_s / over_s if over_s > 0.0 else 1.0)
        if look == self.asked:
            return
        if look in (self.leg.target, *self.leg.start) and len(self.leg.start) == 1:
            self._forth = not self._forth
        else:
            self._set_out(Leg(self.mix, look, easing))
        if over_s <= 0.0:
            self._go(1.0)

    def _go(self, part: float) -> None:
        self._passed = min(max(self._passed + (part if self._forth else -part), 0.0), 1.0)
        if self._passed == 0.0 and not self._forth:
            self._set_out(Leg(self.leg.start, self.asked))
            self._passed = 1.0

    def _set_out(self, leg: Leg) -> None:
        self.leg, self._passed, self._forth = leg, 0.0, True
