"""Size, rate, orientation, channels and alpha of one output: parser, and conversion of frames.

They are written after an output, separated by commas: ``ndi:Face,size=512,fps=30,flip-y``.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from vjnode.errors import InputError
from vjnode.output.background import USAGE as BACKGROUNDS
from vjnode.output.background import check_background
from vjnode.output.base import ALPHAS, CODECS, EDGES, ORDERS, Delivery
from vjnode.output.clock import parse_fps
from vjnode.output.cut import Cutter, Matte

SIZE_LOW, SIZE_HIGH = 16, 4096
PART_LOW_MIN, PART_HIGH_MIN = 0.1, 1440.0

USAGE = (
    f"size=PX, fps=N, flip-y, order={'|'.join(ORDERS)}, alpha={'|'.join(ALPHAS)}, "
    f"premultiplied, matte-edge={'|'.join(EDGES)}, background={BACKGROUNDS}, key, "
    f"codec={'|'.join(CODECS)}, part=MINUTES"
)

_KEYS = ("size", "fps", "order", "alpha", "matte-edge", "background", "codec", "part")
_FLAGS = ("flip-y", "premultiplied", "key")

LUMA = np.array([[0.2126, 0.7152, 0.0722, 0.0]], np.float32)
"""BT.709's weights of red, green and blue."""


def split_delivery(text: str) -> tuple[str, Delivery]:
    """Split an ``--output`` into the output itself and the format of its frames.

    Only known options are taken from the end: a file's name may contain commas.

    Raises:
        InputError: a value is not valid.
    """
    rest, found = text, dict[str, str]()
    while "," in rest:
        before, _, last = rest.rpartition(",")
        key, equals, value = last.partition("=")
        if last not in _FLAGS and not (equals and key in _KEYS):
            break
        rest = before
        found.setdefault(key, value)
    delivery = Delivery(
        size=_size(found["size"]) if "size" in found else None,
        fps=parse_fps(found["fps"]) if "fps" in found else None,
        flip_y="flip-y" in found,
        order=_one_of(ORDERS, "order", found.get("order", "")),
        alpha=_one_of(ALPHAS, "alpha", found.get("alpha", "opaque")),
        codec=_one_of(CODECS, "codec", found.get("codec", "")),
        part_min=_part_min(found["part"]) if "part" in found else None,
        premultiplied="premultiplied" in found,
        matte_edge=_one_of(EDGES, "matte-edge", found.get("matte-edge", "soft")),
        background=check_background(found.get("background", "keep")),
        key="key" in found,
    )
    check_delivery(delivery)
    if "matte-edge" in found and not delivery.cuts:
        raise InputError("matte-edge= goes with alpha=matte, key or background=; add one of them")
    return rest, delivery


def check_delivery(delivery: Delivery) -> None:
    """Check that what a delivery asks of the matte goes together.

    Raises:
        InputError: they do not; the text tells which to leave out.
    """
    transparent = delivery.alpha != "opaque"
    if transparent and delivery.background != "keep":
        raise InputError(
            f"background={delivery.background} fills what alpha={delivery.alpha} makes "
            "transparent; leave out one of them"
        )
    if delivery.key and (transparent or delivery.background != "keep"):
        raise InputError(
            "key sends the matte alone, in grey and opaque; leave out alpha= and background=, "
            "or send the head by another --output"
        )
    if delivery.premultiplied and delivery.alpha != "matte":
        raise InputError("premultiplied goes with alpha=matte; add that, or leave it out")


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and SIZE_LOW <= int(text) <= SIZE_HIGH):
        raise InputError(f"size={text} is not a number of pixels from {SIZE_LOW} to {SIZE_HIGH}")
    return int(text)


def _part_min(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = -1.0
    if minutes != 0.0 and not PART_LOW_MIN <= minutes <= PART_HIGH_MIN:
        raise InputError(
            f"part={text} is not a number of minutes from {PART_LOW_MIN:g} to {PART_HIGH_MIN:g}, "
            "or 0 for one file"
        )
    return minutes


def _one_of(known: tuple[str, ...], key: str, value: str) -> str:
    if value and value not in known:
        raise InputError(f"{key}={value} is not one of {', '.join(known)}")
    return value


class Adapter:
    """Converts the show's frames to a delivery, in memory of its own.

    Frames are opaque RGBA until here; this is where heads are cut out, and where alpha and order
    of channels change.

    size: of the incoming frames, px.
    """

    def __init__(self, delivery: Delivery, size: int) -> None:
        self._delivery = delivery
        self._cutter = Cutter(delivery, delivery.size or size) if delivery.cuts else None
        self.size = delivery.size or size
        self._scaling = self.size != size
        self._changing = delivery.order == "bgra" or delivery.alpha == "luma" or delivery.flip_y
        shape = (self.size, self.size, 4)
        self._scaled = np.zeros(shape, np.uint8)
        self._made = np.zeros(shape, np.uint8)
        # Averaging keeps a larger picture's detail without aliasing; cubic is smoother than linear.
        self._method = cv2.INTER_AREA if self.size < size else cv2.INTER_CUBIC

    @property
    def cuts(self) -> bool:
        """Return whether it needs mattes, and fades what it has cut out by itself."""
        return self._cutter is not None

    def use(self, matte: Matte | None) -> None:
        """Cut heads out by ``matte`` from now on, if that is asked for; see ``Cutter.use``."""
        if self._cutter is not None:
            self._cutter.use(matte)

    def adapt(self, pixels: NDArray[np.uint8], *, darkness: float = 0.0) -> NDArray[np.uint8]:
        """Return ``pixels``, RGBA, (size, size, 4) uint8, converted to the delivery.

        darkness: share of a blackout, 0…1, for what is cut out; of no meaning for others.
        The result is valid until the next call; it may be ``pixels`` itself.
        """
        if self._scaling:
            cv2.resize(pixels, (self.size, self.size), self._scaled, interpolation=self._method)
            pixels = self._scaled
        if self._cutter is not None:
            pixels = self._cutter.cut(pixels, darkness)
        if not self._changing:
            return pixels
        delivery, made = self._delivery, self._made
        if delivery.flip_y:
            cv2.flip(pixels, 0, made)
            pixels = made
        alpha = cv2.transform(pixels, LUMA) if delivery.alpha == "luma" else None
        if delivery.order == "bgra":
            cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA, made)
            pixels = made
        if alpha is not None:
            if pixels is not made:
                np.copyto(made, pixels)
            cv2.insertChannel(alpha, made, 3)
        return made
