"""A moving test pattern, which shows a wrong colour, orientation, alpha or rhythm."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.modulation.moment import Moment
from vjnode.output.base import UNKNOWN, Frame

BARS = (
    ("white", (255, 255, 255)),
    ("yellow", (255, 255, 0)),
    ("cyan", (0, 255, 255)),
    ("green", (0, 255, 0)),
    ("magenta", (255, 0, 255)),
    ("red", (255, 0, 0)),
    ("blue", (0, 0, 255)),
    ("black", (0, 0, 0)),
)
"""Names and RGB of the bars, from left to right."""

SWEEP_S = 2.0
"""Time in which the moving square crosses the picture."""

SIDE = 512
"""Side of the layout, px; the pattern is scaled from it to its size."""

_Colour = tuple[int, int, int]
_DARK, _BRIGHT, _AMBER, _EDGE = (40, 40, 40), (240, 240, 240), (255, 200, 0), (255, 0, 0)
_BARS_TOP, _BARS_BOTTOM = 90, 246
_TRACK_TOP, _TRACK_BOTTOM = 372, 400
_RAMP = 276, 308
_COUNTER = 155, 448
_MARKS = (("TOP", 226, 58), ("BOTTOM", 194, 500), ("LEFT", 12, 352), ("RIGHT", 402, 352))
_CORNERS = (("1", 12, 46), ("2", 476, 46), ("3", 12, 500), ("4", 476, 500))

_INFO = replace(UNKNOWN, gain=1.0, face="test pattern", engine="test pattern")


class _Sheet:
    """A picture whose positions are given in px of the layout."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self.pixels = pixels
        self.scale = len(pixels) / SIDE

    def box(self, left: float, top: float, right: float, bottom: float, rgb: _Colour) -> None:
        x0, y0, x1, y1 = (round(place * self.scale) for place in (left, top, right, bottom))
        self.pixels[y0:y1, x0:x1, :3] = rgb

    def text(self, text: str, left: float, baseline: float, scale: float, rgb: _Colour) -> None:
        where = round(left * self.scale), round(baseline * self.scale)
        size, width = scale * self.scale, max(1, round(1.6 * scale * self.scale))
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(self.pixels, text, where, font, size, (*rgb, 255), width, cv2.LINE_AA)

    def circle(self, x: float, y: float, radius: float, rgb: _Colour) -> None:
        centre = round(x * self.scale), round(y * self.scale)
        cv2.circle(self.pixels, centre, round(radius * self.scale), (*rgb, 255), 1, cv2.LINE_AA)


class Pattern:
    """Draws the test pattern.

    size: of its sides, px. fps: frames/s at which it is shown, exact.
    """

    def __init__(self, size: int, fps: Fraction) -> None:
        self._fps = fps
        self._still = _still(size)
        self._pixels = self._still.copy()
        self.matte = ramp_matte(size)
        """Matte of its frames, for outputs that cut heads out."""

    def frame(self, number: int) -> Frame:
        """Return frame ``number``, from 0; its memory is valid until the next call."""
        np.copyto(self._pixels, self._still)
        sheet = _Sheet(self._pixels)
        second = float(number / self._fps)
        left = (SIDE + 32) * (second / SWEEP_S % 1) - 32
        sheet.box(max(left, 0), _TRACK_TOP, max(left + 32, 0), _TRACK_BOTTOM, _BRIGHT)
        sheet.text(f"{number:07d}", *_COUNTER, 1.6, _BRIGHT)
        self._pixels[..., 3] = 255  # the edges of letters were blended, alpha and all
        heard = Moment(t_s=second, rms_db=-120.0)
        return Frame(self._pixels, replace(_INFO, frame=number, moment=heard))


def bar_centre(index: int, size: int) -> tuple[int, int]:
    """Return x and y, px, of a point in bar ``index`` of ``BARS`` that no text covers."""
    place = np.array([(index + 0.5) / len(BARS), (_BARS_TOP + _BARS_BOTTOM) / 2 / SIDE]) * size
    return int(place[0]), int(place[1])


def ramp_matte(size: int) -> NDArray[np.uint8]:
    """Return a matte that rises evenly from nothing at the left to all at the right; of grey."""
    matte = np.full((size, size, 4), 128, np.uint8)
    matte[..., 3] = np.rint(np.linspace(0, 255, size))
    return matte


def _still(size: int) -> NDArray[np.uint8]:
    """Return the still parts of the pattern: (size, size, 4), uint8, RGBA, top row first."""
    pixels = np.full((size, size, 4), 255, np.uint8)
    sheet = _Sheet(pixels)
    sheet.box(0, 0, SIDE, SIDE, _DARK)
    step = SIDE / len(BARS)
    for index, (name, rgb) in enumerate(BARS):
        sheet.box(index * step, _BARS_TOP, (index + 1) * step, _BARS_BOTTOM, rgb)
        sheet.text(name, index * step + 4, _BARS_BOTTOM + 18, 0.45, _BRIGHT)
    top, bottom = (round(place * sheet.scale) for place in _RAMP)
    pixels[top:bottom, :, :3] = np.linspace(0, 255, size).astype(np.uint8)[None, :, None]
    for text, left, baseline in _MARKS:
        sheet.text(text, left, baseline, 1.0, _BRIGHT)
    for text, left, baseline in _CORNERS:
        sheet.text(text, left, baseline, 1.2, _AMBER)
    sheet.circle(SIDE / 2, 340, 24, _BRIGHT)
    edge = max(1, size // 256)
    for line in (pixels[:edge], pixels[-edge:], pixels[:, :edge], pixels[:, -edge:]):
        line[..., :3] = _EDGE
    return pixels
