"""Messages: a controller's bytes as events, with 14 bit controls and NRPN put together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

Kind = Literal["note", "cc", "cc14", "nrpn", "bend", "program", "pressure", "key_pressure"]
KINDS: tuple[Kind, ...] = get_args(Kind)

UNNUMBERED: frozenset[Kind] = frozenset({"bend", "program", "pressure"})
"""Kinds of which a channel has one."""

HIGHEST: dict[Kind, int] = {
    **dict.fromkeys(("note", "cc", "key_pressure"), 127),
    "cc14": 31,
    "nrpn": (1 << 14) - 1,
}
"""Highest number of each kind that has numbers."""

TOP, TOP_14 = 127, (1 << 14) - 1

_FINE = 32
"""Distance from the control change that carries the upper 7 bits to that with the lower 7."""

_DATA, _DATA_FINE = 6, 38
_NRPN_FINE, _NRPN, _RPN_FINE, _RPN = 98, 99, 100, 101
_NOTHING = TOP_14  # number of an NRPN that selects none


class Source(NamedTuple):
    """The control of a controller that an event comes from. channel: 1 to 16."""

    kind: Kind
    channel: int
    number: int = 0

    @property
    def message(self) -> bytes:
        """Return the first two bytes of the message of a note or control change."""
        return bytes([(0x90 if self.kind == "note" else 0xB0) + self.channel - 1, self.number])

    def __str__(self) -> str:
        """Return it as mappings name it, without the channel."""
        return self.kind if self.kind in UNNUMBERED else f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Event:
    """One movement of a control.

    way: place of the control, 0…1; 0 for a note that ends.
    raw: number that was sent, 7 or 14 bit; of a program change, its program from 0.
    """

    source: Source
    way: float
    raw: int


class Decoder:
    """Makes events of the messages of one port, in their order.

    A control change that may be half of a 14 bit control or of an NRPN gives both events: mappings
    have one of them. The upper half alone counts as if the lower were 0, and where no lower half
    ever came, its 7 bits are the whole way.
    """

    def __init__(self) -> None:
        self._upper: dict[Source, int] = {}
        self._has_lower: set[Source] = set()
        self._selected: dict[int, dict[int, int]] = {}
        """By channel, the halves of the NRPN's number, by the control change that sent each."""

    def decode(self, data: bytes) -> list[Event]:
        """Return the events of one whole message; none for what is no control, or is broken."""
        return list(self._events(data))

    def _events(self, data: bytes) -> Iterator[Event]:
        if not data or not 0x80 <= data[0] < 0xF0:
            return
        status, channel, values = data[0] & 0xF0, (data[0] & 0x0F) + 1, data[1:]
        if len(values) != (1 if status in (0xC0, 0xD0) else 2) or max(values) > TOP:
            return
        first, last = values[0], values[-1]
        if status in (0x80, 0x90):
            velocity = last if status == 0x90 else 0
            yield Event(Source("note", channel, first), velocity / TOP, velocity)
        elif status == 0xA0:
            yield Event(Source("key_pressure", channel, first), last / TOP, last)
        elif status == 0xB0:
            yield Event(Source("cc", channel, first), last / TOP, last)
            yield from self._pairs(channel, first, last)
        elif status == 0xC0:
            yield Event(Source("program", channel), 1.0, first)
        elif status == 0xD0:
            yield Event(Source("pressure", channel), first / TOP, first)
        else:
            raw = last << 7 | first
            yield Event(Source("bend", channel), raw / TOP_14, raw)

    def _pairs(self, channel: int, number: int, value: int) -> Iterator[Event]:
        """Yield the event that a control change completes, if it is half of something."""
        if number in (_RPN, _RPN_FINE):
            self._selected.pop(channel, None)
        elif number in (_NRPN, _NRPN_FINE):
            self._selected.setdefault(channel, {})[number] = value
        elif number in (_DATA, _DATA_FINE) and (nrpn := self._nrpn(channel)) is not None:
            yield from self._half(nrpn, value, upper=number == _DATA)
        elif number < 2 * _FINE:
            source = Source("cc14", channel, number % _FINE)
            yield from self._half(source, value, upper=number < _FINE)

    def _nrpn(self, channel: int) -> Source | None:
        halves = self._selected.get(channel, {})
        if len(halves) < 2:
            return None
        number = halves[_NRPN] << 7 | halves[_NRPN_FINE]
        return None if number == _NOTHING else Source("nrpn", channel, number)

    def _half(self, source: Source, value: int, *, upper: bool) -> Iterator[Event]:
        if upper:
            before = self._upper.get(source)
            self._upper[source] = value
            if source not in self._has_lower:
                yield Event(source, value / TOP, value << 7)
            elif value != before:
                yield Event(source, (value << 7) / TOP_14, value << 7)
        elif source in self._upper:
            self._has_lower.add(source)
            raw = self._upper[source] << 7 | value
            yield Event(source, raw / TOP_14, raw)


Encoder = Literal["twos", "offset", "signed"]
ENCODERS: tuple[Encoder, ...] = get_args(Encoder)


def steps(encoder: Encoder, raw: int) -> int:
    """Return the steps that a turn of an endless encoder means, by its dialect, from 7 bits.

    twos: 1, 2 … up and 127, 126 … down. offset: 65, 66 … and 63, 62 …. signed: 1, 2 … and 65, 66 ….
    """
    if encoder == "offset":
        return raw - 64
    if raw < 64:
        return raw
    return raw - 128 if encoder == "twos" else 64 - raw
