"""Frame rates: read as people write them, exact as video means them."""

from fractions import Fraction

from vjnode.errors import InputError

FPS_LOW, FPS_HIGH = 1, 240


def parse_fps(text: str) -> Fraction:
    """Read a frame rate: ``60``, ``29.97`` (meant as 30000/1001), ``30000/1001``.

    Raises:
        InputError: no such number.
    """
    try:
        fps = Fraction(text[:32])
    except (ValueError, ZeroDivisionError):
        raise InputError(f"--fps {text!r} is not a number such as 60 or 30000/1001") from None
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if fps != whole and abs(fps - ntsc) < Fraction(1, 100):
            return ntsc
    return fps
