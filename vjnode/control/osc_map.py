"""OSC maps: values under the addresses of other programs, scaled as these want them.

A map has lines, each from one parameter or feature to one address. ``OscMapSender`` sends what
several maps say; it asks nobody for anything, and nobody waits for it.
"""

import logging
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from vjnode.control.destination import Sender, check_other, encoded, find_host, padded
from vjnode.control.features import Feature
from vjnode.control.parameter import Firing, Parameter, Value
from vjnode.control.state import Controls
from vjnode.errors import InputError

_log = logging.getLogger(__name__)

Type = Literal["f", "i", "s", "T"]
"""Types of arguments: float, whole number, text, and true or false, which is T or F."""

TYPES: tuple[Type, ...] = ("f", "i", "s", "T")

_INT = 2**31
"""Whole numbers of OSC are below this, and not below its negative."""


@dataclass(frozen=True)
class MapLine:
    """One line of a map.

    source: what is sent. target: host and port that it goes to. address: under which.
    low, high: range of the source, beyond which its numbers are clipped; None for no clipping.
    to_low, to_high: what these ends become; None where numbers stay as they are.
    rate: times that it is sent, 1/s; 0: as it changes.
    skip: number that is not sent; None for none.
    release: whether something that happens is followed by what its lower end becomes, as a button
        that is let go.
    """

    source: Parameter | Feature
    target: Sender
    address: str
    type: Type
    low: float | None = None
    high: float | None = None
    to_low: float | None = None
    to_high: float | None = None
    rate: float = 0.0
    skip: float | None = None
    release: bool = False

    @property
    def happens(self) -> bool:
        """Return whether its source is something that happens, and has no value in between."""
        if isinstance(self.source, Parameter):
            return self.source.kind == "trigger"
        return self.source.when == "event"

    def scaled(self, number: float) -> float:
        """Return a number of the source as the target takes it."""
        if self.low is None or self.high is None:
            return number
        number = min(max(number, self.low), self.high)
        if self.to_low is None or self.to_high is None:
            return number
        way = (number - self.low) / (self.high - self.low)
        return self.to_low + way * (self.to_high - self.to_low)

    def message(self, number: float, text: str) -> bytes:
        """Return the message for a value. text: what is sent as a text."""
        if self.type == "s":
            return encoded(self.address, text)
        scaled = self.scaled(number)
        if self.type == "T":
            return padded(self.address) + (b",T\0\0" if scaled else b",F\0\0")
        if self.type == "i":
            return encoded(self.address, min(max(round(scaled), -_INT), _INT - 1))
        return padded(self.address) + b",f\0\0" + struct.pack(">f", scaled)


@dataclass(frozen=True)
class OscMap:
    """A map. name: of its file."""

    name: str
    about: str
    lines: tuple[MapLine, ...]


@dataclass
class OscMapCounts:
    """Counts of messages. sent: handed to the network. failed: those that it did not take."""

    sent: int = 0
    failed: int = 0


@dataclass
class _Line:
    """A line that is in use."""

    line: MapLine
    target: Sender
    """As in the line, with the host's address."""
    last: bytes = b""
    """Message that was sent last."""
    due_s: float = 0.0
    count: int | None = None
    """Of a trigger: how often it had been fired."""


class OscMapSender:
    """Sends what maps say, for one thread.

    Args:
        maps: the maps.
        names: returns the choices of the parameter of a name, by which one is told as a number.
        own_port: port of the node's own OSC server, which nothing may be sent to.

    """

    def __init__(
        self,
        maps: Sequence[OscMap],
        names: Callable[[str], Sequence[str]],
        *,
        own_port: int = 0,
    ) -> None:
        """Find the targets.

        Raises:
            InputError: a host has no address, or a target is the node itself.
        """
        self._names = names
        self._lines: list[_Line] = []
        found: dict[Sender, Sender] = {}
        for one in maps:
            for line in one.lines:
                if line.target not in found:
                    found[line.target] = _found(one, line.target, own_port)
                self._lines.append(_Line(line, found[line.target]))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.setblocking(False)  # a network that is busy holds nothing up
        self._released: list[_Line] = []
        self._complained: set[Sender] = set()
        self.counts = OscMapCounts()

    @property
    def takes_features(self) -> bool:
        """Return whether any line tells a feature."""
        return any(isinstance(one.line.source, Feature) for one in self._lines)

    def __bool__(self) -> bool:
        return bool(self._lines)

    def tell(self, controls: Controls, features: Mapping[str, Value], now_s: float) -> None:
        """Send what has changed or is due.

        features: the newest values of those that do not just happen. now_s: monotonic s.
        """
        let_go, self._released = self._released, []
        for one in let_go:
            self._send(one, one.line.message(_rest(one.line), "0"))
        for one in self._lines:
            source = one.line.source
            if isinstance(source, Parameter):
                value: Value | None = controls.value(source.name)
            else:
                value = features.get(source.name)
            if isinstance(value, Firing):
                if one.count is not None and value.count != one.count:
                    self._press(one, 1.0)
                one.count = value.count
            elif value is not None and not one.line.happens:
                self._follow(one, value, now_s)

    def happen(self, name: str, value: Value) -> None:
        """Send a feature that has just happened."""
        for one in self._lines:
            if one.line.happens and one.line.source.name == name:
                self._press(one, _number(value))

    def refresh(self) -> None:
        """Send everything anew, even what has not changed."""
        for one in self._lines:
            one.last, one.due_s = b"", 0.0

    def summary(self) -> dict[str, int]:
        """Return the counts, for the report."""
        return asdict(self.counts)

    def close(self) -> None:
        """Close the socket; nothing more may be told."""
        self._socket.close()

    def _follow(self, one: _Line, value: Value, now_s: float) -> None:
        line = one.line
        number, text = self._read(line.source, value)
        if number == line.skip:
            return
        if line.rate:
            if now_s >= one.due_s:
                one.due_s = max(one.due_s + 1.0 / line.rate, now_s)
                self._send(one, line.message(number, text))
        elif (message := line.message(number, text)) != one.last:
            self._send(one, message)

    def _read(self, source: Parameter | Feature, value: Value) -> tuple[float, str]:
        """Return a value as a number and as a text; a name's number is its place, from 1."""
        if not isinstance(value, str):
            number = _number(value)
            return number, f"{number:g}"
        names = list(self._names(source.name) if isinstance(source, Parameter) else source.choices)
        return float(names.index(value) + 1 if value in names else 0), value

    def _press(self, one: _Line, number: float) -> None:
        if number != one.line.skip:
            self._send(one, one.line.message(number, f"{number:g}"))
            if one.line.release:
                self._released.append(one)

    def _send(self, one: _Line, message: bytes) -> None:
        one.last = message
        try:
            self._socket.sendto(message, one.target)
        except OSError as error:
            self.counts.failed += 1
            if one.target not in self._complained:
                self._complained.add(one.target)
                host, port = one.target
                _log.warning("OSC to %s:%d fails (%s); the show goes on", host, port, error)
        else:
            self.counts.sent += 1


def _found(one: OscMap, target: Sender, own_port: int) -> Sender:
    try:
        found = find_host(*target, option="to")
        check_other(*found, own_port=own_port)
    except InputError as error:
        raise InputError(
            f"the OSC map {one.name}: {error}; another place: --osc-map {one.name},to=HOST:PORT"
        ) from error
    return found


def _number(value: Value) -> float:
    return 0.0 if isinstance(value, str | Firing) else float(value)


def _rest(line: MapLine) -> float:
    """Return the number of the source that stands for a button that is let go."""
    return 0.0 if line.low is None else line.low
