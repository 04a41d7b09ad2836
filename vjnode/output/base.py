"""Interface of outputs, and the frames that they are given.

An output is a destination of frames: a recording, a preview page, a VJ's software. Each is one
module in this package, named in ``vjnode.output.registry`` and imported only when it is opened.
In a show every output runs in its own process; the frame clock around it calls ``send`` once per
frame, whether the engine has drawn a new one or not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vjnode.modulation.matrix import CHANNELS
from vjnode.modulation.moment import Moment


@dataclass(frozen=True)
class FrameInfo:
    """Particulars of a frame, and of the sound that it was drawn from.

    frame: number of the drawing, from 0; the same number again means that the frame is repeated.
    gain: 0…4.
    expressions: of each of ``CHANNELS``, by name; "" for none.
    keys, keys_wanted: number of keyframes that are prepared and that are wanted.
    note: text for people about what of the look is not shown; "" where all of it is.
    idle: 0…1, the face's own smile while there is no sound; drawn on top of the weight.
    matte: number of the matte that it is cut out by, from 1; 0 while there is none.
    entry, notes, coming, waiting: see ``vjnode.control.plan.Plan``.
    """

    frame: int
    moment: Moment
    gain: float
    face: str
    expressions: tuple[str, ...]
    preset: str
    engine: str
    keys: int
    keys_wanted: int
    idle: float = 0.0
    note: str = ""
    matte: int = 0
    entry: str = ""
    notes: str = ""
    coming: str = ""
    waiting: str = ""

    @property
    def expression(self) -> str:
        """Name of the first channel's expression."""
        return self.expressions[0]


UNKNOWN = FrameInfo(
    frame=0,
    moment=Moment(),
    gain=0.0,
    face="",
    expressions=("",) * len(CHANNELS),
    preset="",
    engine="",
    keys=0,
    keys_wanted=0,
)
"""Particulars of a frame while none could be read yet."""


@dataclass(frozen=True)
class Frame:
    """A picture and its particulars.

    pixels: shape (size, size, 4), uint8, contiguous: RGBA, opaque, top row first, unless the
        output's ``Delivery`` says otherwise. It belongs to the output only until ``send``
        returns: the next frame may use the same memory.
    """

    pixels: NDArray[np.uint8]
    info: FrameInfo


class SoundTap(Protocol):
    """The sound of the show, for outputs that carry it."""

    def read(self) -> tuple[NDArray[np.float32], float]:
        """Return the sound heard since the last read.

        Returns: samples of shape (n, 2), float32, at ``audio.sources.base.RATE_HZ``, n ≥ 0; and
            the time at which the last of them was heard, on the clock of ``send``'s times
            (without samples: of no meaning).
            A reader that was away for longer than the tap remembers gets the newest part.
        """
        ...


class Silence:
    """A tap without sound."""

    def read(self) -> tuple[NDArray[np.float32], float]:
        """Return no samples."""
        return np.zeros((0, 2), np.float32), 0.0


@dataclass(frozen=True)
class Delivery:
    """Format of an output's frames, as asked for.

    size, px, and fps, exact: None for the show's own. flip_y: bottom row first.
    order: of the channels, one of ``ORDERS``; "" for the output's default.
    alpha: one of ``ALPHAS``: opaque; as bright as the picture, so that black is transparent; or
        the head's matte. premultiplied: whether colours are multiplied by the matte.
    matte_edge: one of ``EDGES``. background: behind the head, as ``background.USAGE`` tells.
    key: whether the matte itself is the picture, in grey.
    codec: one of ``CODECS``; "" for the default of the file's type.
    part_min: length of a recording's files, minutes; 0 for one file; None for the default.
    """

    size: int | None = None
    fps: Fraction | None = None
    flip_y: bool = False
    order: str = ""
    alpha: str = "opaque"
    codec: str = ""
    part_min: float | None = None
    premultiplied: bool = False
    matte_edge: str = "soft"
    background: str = "keep"
    key: bool = False

    @property
    def cuts(self) -> bool:
        """Return whether frames of it are made with a matte."""
        return self.alpha == "matte" or self.key or self.background != "keep"


ORDERS = ("rgba", "bgra")
ALPHAS = ("opaque", "luma", "matte")
EDGES = ("soft", "hard")
CODECS = ("h264", "prores", "prores4444", "hap", "hap_alpha", "mjpeg")


@dataclass(frozen=True)
class OutputSpec:
    """One parsed ``--output``: its kind, its target, and the format of its frames.

    text: the whole argument, which is its name in logs and reports.
    """

    kind: str
    target: str = ""
    delivery: Delivery = Delivery()
    text: str = ""

    def __str__(self) -> str:
        return self.text or (f"{self.kind}:{self.target}" if self.target else self.kind)


@dataclass(frozen=True)
class OutputContext:
    """Parameters that the show passes to an output on opening it.

    size: frames are size × size px.
    fps: rate at which ``send`` will be called, frames/s, exact.
    order: of the channels, one of ``ORDERS``. alpha: one of ``ALPHAS``. premultiplied: whether
        colours are multiplied by it.
    codec: one of ``CODECS``, or "".
    part_s: length of a recording's files, s; 0: one file.
    live: whether a clock waits for ``send``, so that dropping a frame is better than waiting.
    sound: the show's sound.
    measured_fps: returns the frames/s over the last second, as sent by this output's own clock;
        may be called from any thread.
    attempt: 0 the first time, then one more with each restart after a fault.
    before: the output's last ``about`` before that fault.
    """

    size: int
    fps: Fraction
    order: str = "rgba"
    alpha: str = "opaque"
    premultiplied: bool = False
    sound: SoundTap = field(default_factory=Silence)
    measured_fps: Callable[[], float] = lambda: 0.0
    attempt: int = 0
    before: Mapping[str, object] = field(default_factory=dict)
    codec: str = ""
    part_s: float = 0.0
    live: bool = False


class Output(Protocol):
    """An open output. Made by ``open_output(target, context)`` of its module."""

    def send(self, frame: Frame, due_s: float) -> bool | None:
        """Send one frame.

        due_s: deadline of this frame, monotonic s (offline: running time).
        Returns: False if it was dropped because there is no destination yet.

        Raises:
            OutputError: the output cannot go on; the caller closes it and opens it again.
        """
        ...

    def close(self) -> None:
        """Finish and release everything; safe to call twice.

        Raises:
            OutputError: the output could not be finished, such as the end of a file.
        """
        ...
