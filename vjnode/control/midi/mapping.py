"""Mapping: what each control of a controller does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from vjnode.control.address import Act
from vjnode.control.midi.message import TOP, Encoder, Source

Mode = Literal["absolute", "relative", "toggle", "momentary", "trigger", "value", "choice"]
MODES: tuple[Mode, ...] = get_args(Mode)

STEP = 0.01
"""Part of its way that a parameter moves with each step of an encoder."""


@dataclass(frozen=True)
class Light:
    """A control's lamp. lamp: first bytes of its message. off, on: its last byte."""

    lamp: bytes
    off: int
    on: int


@dataclass(frozen=True)
class Ring:
    """A ring of lamps around a knob, or a motor, that shows the place of a control.

    lamp: first bytes of its message. low, high: its last byte at the ends of the way.
    """

    lamp: bytes
    low: int = 0
    high: int = TOP

    def shows(self, way: float) -> int:
        """Return the last byte for a part of the way, 0…1."""
        return round(self.low + way * (self.high - self.low))


@dataclass(frozen=True)
class Control:
    """One control of a controller, and what it does.

    mode: ``absolute``, a float follows a fader; ``relative``, an encoder moves a float or steps
        through choices; ``toggle``, each press switches it over; ``momentary``, it is on, or has
        ``value``, while it is held; ``trigger``, a press does the act; ``value``, a press sets
        ``value``; ``choice``, a fader's place or a program's number chooses.
    low, high: what the ends of a fader's way mean, in the parameter's unit.
    curve: exponent on the way. inverted: the other way round.
    layer: the layer that it belongs to; "" for none.
    takeover: whether a fader that stands elsewhere has no effect until it reaches the value.
    step: part of the way for each step of an encoder.
    light: its lamp. ring: its ring or motor.
    bank: the bank of the controller that it belongs to, where one has several that share lamps and
        tells of them by what its controls send alone; "" for none.
    """

    source: Source
    act: Act
    mode: Mode
    low: float = 0.0
    high: float = 1.0
    curve: float = 1.0
    inverted: bool = False
    layer: str = ""
    value: float | str = 1.0
    takeover: bool = True
    encoder: Encoder = "twos"
    step: float = STEP
    light: Light | None = None
    ring: Ring | None = None
    bank: str = ""

    def value_at(self, way: float) -> float:
        """Return the parameter's value for a part of the way, clipped to 0…1."""
        clipped = min(max(way, 0.0), 1.0)
        passed = (1.0 - clipped if self.inverted else clipped) ** self.curve
        return self.low + (self.high - self.low) * float(passed)

    def way_of(self, value: float) -> float:
        """Return the place of the control, 0…1, at which the parameter has a value, or nearly."""
        passed = (value - self.low) / (self.high - self.low)
        way = float(min(max(passed, 0.0), 1.0) ** (1.0 / self.curve))
        return 1.0 - way if self.inverted else way

    @property
    def does(self) -> str:
        """Return a description of what it does, for lists."""
        row, verb = self.act.parameter, self.act.verb
        what = row.name if verb == "set" else f"{row.name}/{self.act.choice or verb}"
        if self.mode == "value":
            shown = self.value if isinstance(self.value, str) else f"{self.value:g}"
            return f"{what} {shown}"
        span = f" {self.low:g} to {self.high:g}" if self.mode in ("absolute", "relative") else ""
        kind = f" ({self.mode})" if self.mode in ("relative", "toggle", "momentary") else ""
        return what + (span if row.kind == "float" else "") + kind


@dataclass(frozen=True)
class LayerButton:
    """A button that switches a layer: while it is held, or over at each press if it latches."""

    source: Source
    name: str
    latch: bool = False


@dataclass(frozen=True)
class Mapping:
    """The controls of one controller.

    name: its file's name. match: parts of the names of its ports, in any case.
    ignore: parts of names of ports that are not to be opened although they match.
    start: messages that switch the controller to the mode that the mapping is for.
    """

    name: str
    about: str
    match: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    start: tuple[bytes, ...] = ()
    layers: tuple[LayerButton, ...] = ()
    controls: Sequence[Control] = field(default=(), repr=False)

    def fit(self, port: str) -> int:
        """Return how much of a port's name matches, in characters; 0 for a stranger's."""
        name = port.casefold()
        if any(part.casefold() in name for part in self.ignore):
            return 0
        return max((len(part) for part in self.match if part.casefold() in name), default=0)
