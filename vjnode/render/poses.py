"""Poses: a head that a hand has turned and holds gets key frames of its own.

Movements of the whole head cannot be added to key frames, so they are drawn live while they go on.
Most poses are set by a fader, though, and then rest. So what a fader alone drives is held where it
rests, and all else is drawn and prepared of the head in that pose.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from vjnode.render.base import Look

AFTER_S = 0.3
"""Time for which a pose must have rested, s: a hand on a fader pauses for less."""

STEPS = 64
"""Poses from straight on to fully turned that are told apart, half a degree or less each."""

_JITTER = 0.01
"""Change of a weight that is no movement: a step of a fader of 7 bits is one of 0.008."""

_LEAST = 0.5 / STEPS

PosesOf = Callable[[Look], Collection[int]]
"""From a look to the channels of it that turn the head, where key frames cannot show them all."""


class HeldPoses:
    """Finds out which poses rest; reads no clock.

    poses_of: the channels that may be held.
    """

    def __init__(self, poses_of: PosesOf) -> None:
        self._poses_of = poses_of
        self._rests: dict[int, tuple[float, float]] = {}
        """By channel: the weight at which it has rested, and since when, s."""

    def step(
        self, look: Look, weights: Sequence[float], now_s: float, still: Collection[int]
    ) -> Look:
        """Return ``look`` with the poses held that rest at ``now_s``, which rises.

        weights: of its channels, 0…1. still: channels that only a hand moves.
        """
        poses = [one for one in self._poses_of(look) if one in still and one < len(weights)]
        self._rests = {channel: rest for channel, rest in self._rests.items() if channel in poses}
        for channel in poses:
            weight = weights[channel]
            at, _ = self._rests.get(channel, (-1.0, 0.0))
            if abs(weight - at) > _JITTER:
                self._rests[channel] = weight, now_s
        held = [
            (channel, round(at * STEPS) / STEPS)
            for channel, (at, since_s) in sorted(self._rests.items())
            if at > _LEAST and now_s - since_s >= AFTER_S and not (look.joint and channel == 0)
        ]
        # One channel is left to move.
        return replace(look, held=tuple(held[: len(look.expressions) - 1])) if held else look
