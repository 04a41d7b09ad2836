"""Weights of a while ago, for what is shown late."""

from collections import deque
from collections.abc import Sequence

Weights = Sequence[float]
"""Weights of a look's channels, 0…1; those that are missing at the end are 0."""

KEPT_S = 1.0
"""Weights are kept for so long, s."""


class DelayedWeights:
    """Weights as they came, with their times; in between, they lie on a line."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Weights]] = deque()

    def push(self, now_s: float, weights: Weights) -> None:
        """Add the weights of ``now_s``, which rises from call to call."""
        self._kept.append((now_s, weights))
        while self._kept[0][0] < now_s - KEPT_S:
            self._kept.popleft()

    def at(self, at_s: float) -> Weights:
        """Return the weights of ``at_s``; beyond what is kept, those at its end."""
        later: tuple[float, Weights] | None = None
        for one in reversed(self._kept):
            if one[0] <= at_s:
                if later is None:
                    return one[1]
                share = (at_s - one[0]) / (later[0] - one[0])
                pairs = zip(one[1], later[1], strict=True)
                return [first + share * (second - first) for first, second in pairs]
            later = one
        return self._kept[0][1]
