"""Settings by which the drives become the weight that is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vjnode.errors import InputError
from vjnode.modulation.dynamics import AS_HEARD
from vjnode.modulation.interpolation import COUNT
from vjnode.modulation.matrix import Envelope, Route, default_routes
from vjnode.modulation.modulators import SLOPE

GAIN_LIMIT = 4.0
"""Largest gain; beyond it music only switches between rest and full."""


@dataclass(frozen=True)
class TrackConfig:
    """Timing of a ``WeightTrack``.

    delay_s: delay of the encoder's weight behind the newest drive, s. Live it must be at least
        one step (11.6 ms), so that there is a next time point to interpolate to; offline 0.
    rest_after_s: time without a new drive after which the face goes to rest, s.
    interval_s: stride of the time points, s. 0 takes every step of the encoder. Otherwise the
        steps around each time point are averaged, which needs future drives (``ahead_s``).
    points: points that are interpolated between two time points; 0 holds each time point.
    slope: see ``vjnode.modulation.modulators.Legato``, 1/s.

    Raises:
        InputError: a time is negative or not a number, points is negative, or slope is not above 0.
    """

    delay_s: float = 0.0
    rest_after_s: float = 0.25
    interval_s: float = 0.0
    points: int = COUNT
    slope: float = SLOPE

    def __post_init__(self) -> None:
        for name in ("delay_s", "rest_after_s", "interval_s"):
            value = getattr(self, name)
            if not 0.0 <= value < float("inf"):
                raise InputError(f"{name} is {value}; it must be a time of 0 s or more")
        if not self.slope > 0.0:
            raise InputError(
                f"slope is {self.slope}/s; it must be above 0, or inf to follow at once"
            )
        if self.points < 0:
            raise InputError(f"{self.points} points cannot be interpolated; use 0 or more")

    @property
    def ahead_s(self) -> float:
        """Time, s, by which the drives must be known ahead of the moment that is asked for."""
        return 1.5 * self.interval_s


@dataclass(frozen=True)
class Response:
    """Response of the face to the sound; may change with every frame.

    gain: factor on everything, clipped to 0…4.
    dynamics: 0…1, see ``vjnode.modulation.dynamics.Dynamics``.
    curve, floor, ceiling: see ``vjnode.modulation.shaping.shape``.
    lfo_rate_hz, lfo_beats: see ``vjnode.modulation.modulators.Lfo``.
    envelopes: of channels; those that are missing are plain.
    """

    gain: float = 1.0
    dynamics: float = AS_HEARD
    curve: float = 1.0
    floor: float = 0.0
    ceiling: float = 1.0
    lfo_rate_hz: float = 0.25
    lfo_beats: float = 0.0
    routes: tuple[Route, ...] = field(default_factory=default_routes)
    envelopes: Mapping[str, Envelope] = field(default_factory=dict)
