"""Frame rates: read as people write them, exact as video means them."""

from fractions import Fraction

from vjnode.errors import InputError

FPS_LOW, FPS_HIGH = 1, 240

_LONGEST = 32
"""Characters: 1e999999999 would take very long to be made a number of."""


def in_range(fps: Fraction) -> bool:
    """Return whether pictures can come at ``fps``, frames/s."""
    return FPS_LOW <= fps <= FPS_HIGH


def parse_fps(text: str) -> Fraction:
    """Read a frame rate: ``60``, ``29.97`` (meant as 30000/1001), ``30000/1001``.

    Raises:
        InputError: no number from ``FPS_LOW`` to ``FPS_HIGH``.
    """
    try:
        fps = Fraction(text) if len(text) <= _LONGEST else Fraction(0)
    except (ValueError, ZeroDivisionError):
        fps = Fraction(0)
    if not in_range(fps):
        raise InputError(
            f"fps {text[:_LONGEST]!r} is not a number from {FPS_LOW} to {FPS_HIGH}, "
            "such as 60 or 30000/1001"
        )
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if fps != whole and abs(fps - ntsc) < Fraction(1, 100):
            return ntsc
    return fps
