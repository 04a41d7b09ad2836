"""How the drive becomes the weight that is drawn."""

from dataclasses import dataclass

from vjnode.errors import InputError

GAIN_LIMIT = 4.0
"""Largest gain; beyond it music only switches between rest and full."""


@dataclass(frozen=True)
class DriveConfig:
    """Settings of a ``WeightTrack``.

    delay_s: how far behind the newest drive the face is, s. Live it must be at least one step
        (23.2 ms), so that there is a next time point to interpolate to; offline 0.
    attack_s, release_s: time in which 63 % of a rise or fall is made, s; 0 is at once.
    rest_after_s: without a new drive for so long, the face goes to rest, s.

    Raises:
        InputError: a time is negative or not a number.
    """

    delay_s: float = 0.0
    attack_s: float = 0.04
    release_s: float = 0.35
    rest_after_s: float = 0.25

    def __post_init__(self) -> None:
        for name in ("delay_s", "attack_s", "release_s", "rest_after_s"):
            value = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise InputError(f"{name} is {value}; it must be a time of 0 s or more")
