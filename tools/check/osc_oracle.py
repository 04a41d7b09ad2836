"""Oracle of OSC: by the documents alone, which datagrams are valid, and what they do.

It shares the table of parameters with the node, and no code: it was written from OSC 1.0 and from
docs/osc.md.
"""

import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vjnode.control.parameter import Parameter
from vjnode.control.parameters import PARAMETERS

LONGEST = 8192
"""Bytes of a datagram that are taken."""

DEEPEST = 4
"""Levels of bundles, and of arrays, that are taken."""

MOST_TAGS = 64
SUBSCRIBERS = 16

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_PATTERN = " #*,?[]{}"
_ROWS = {f"/vjnode/{row.name}": row for row in PARAMETERS}


class RefusedError(Exception):
    """Something that is not valid, or does not fit."""


class _Nothing:
    """The value of a message without one, of nil, and of an impulse."""


class _Blob:
    """A value that nothing takes."""


NOTHING, BLOB = _Nothing(), _Blob()


def messages(data: bytes) -> list[tuple[str, list[object]]]:
    """Return addresses and arguments of all messages in a datagram.

    Raises:
        RefusedError: it is not valid, in whole or in part.
    """
    if len(data) > LONGEST:
        raise RefusedError("too long")
    return _element(data, 0)


def _element(data: bytes, depth: int) -> list[tuple[str, list[object]]]:
    if not data or len(data) & 3:
        raise RefusedError("length")
    if data[:8] != b"#bundle\0":
        return [_message(data)]
    if depth == DEEPEST or len(data) < 16:
        raise RefusedError("bundle")
    found, rest = [], data[16:]
    while rest:
        size = int.from_bytes(rest[:4], "big", signed=True)
        if size <= 0 or len(rest) < 4 + size:
            raise RefusedError("size")
        found += _element(rest[4 : 4 + size], depth + 1)
        rest = rest[4 + size :]
    return found


def _text(data: bytes) -> tuple[str, bytes]:
    """Return a string, and what is behind it."""
    if b"\0" not in data:
        raise RefusedError("string")
    text, _, _ = data.partition(b"\0")
    whole = len(text) + 4 - len(text) % 4
    if set(data[len(text) : whole]) != {0}:
        raise RefusedError("padding")
    try:
        return text.decode("utf-8"), data[whole:]
    except UnicodeDecodeError as error:
        raise RefusedError("text") from error


def _message(data: bytes) -> tuple[str, list[object]]:
    address, rest = _text(data)
    if not address.startswith("/") or any(c in _PATTERN or not " " < c < "\x7f" for c in address):
        raise RefusedError("address")
    if not rest:
        raise RefusedError("no tags")
    tags, rest = _text(rest)
    if not tags.startswith(",") or len(tags) > MOST_TAGS + 1:
        raise RefusedError("tags")
    levels: list[list[object]] = [[]]
    for tag in tags[1:]:
        if tag == "[":
            if len(levels) > DEEPEST:
                raise RefusedError("arrays")
            inner: list[object] = []
            levels[-1].append(inner)
            levels.append(inner)
        elif tag == "]":
            if len(levels) == 1:
                raise RefusedError("arrays")
            levels.pop()
        else:
            value, rest = _argument(tag, rest)
            levels[-1].append(value)
    if len(levels) > 1 or rest:
        raise RefusedError("rest")
    return address, levels[0]


def _argument(tag: str, rest: bytes) -> tuple[object, bytes]:
    if tag in "TFNI":
        return {"T": True, "F": False, "N": NOTHING, "I": NOTHING}[tag], rest
    if tag in "sS":
        return _text(rest)
    if tag == "b":
        size = int.from_bytes(rest[:4], "big", signed=True)
        whole = 4 + size + -size % 4
        if len(rest) < 4 or size < 0 or len(rest) < whole:
            raise RefusedError("blob")
        return BLOB, rest[whole:]
    if tag not in "ifhd":
        raise RefusedError("tag")
    size = 4 if tag in "if" else 8
    if len(rest) < size:
        raise RefusedError("cut off")
    (value,) = struct.unpack({"i": ">i", "f": ">f", "h": ">q", "d": ">d"}[tag], rest[:size])
    if not math.isfinite(value):
        raise RefusedError("not finite")
    return value, rest[size:]


@dataclass
class Oracle:
    """The state that a node should be in.

    names: of every choice. presets: what each sets, face and expression included.
    own_port: that the node listens on.
    """

    names: Mapping[str, Sequence[str]]
    presets: Mapping[str, Mapping[str, float | str]]
    state: dict[str, float | str | bool | int]
    """Values by the parameters' keys; a trigger's is the number of its firings."""
    own_port: int = 0
    received: int = 0
    refused: int = 0
    ports: set[int] = field(default_factory=set)

    def take(self, data: bytes, *, by_udp: bool = True) -> None:
        """Take one datagram of a sender on this machine, or one message of a WebSocket."""
        try:
            found = messages(data)
        except RefusedError:
            self.received += 1
            self.refused += 1
            return
        for address, arguments in found:
            self.received += 1
            try:
                self._act(address, arguments, by_udp=by_udp)
            except RefusedError:
                self.refused += 1

    def _act(self, address: str, arguments: list[object], *, by_udp: bool) -> None:
        value: object = arguments[0] if arguments else NOTHING
        if address in ("/vjnode/subscribe", "/vjnode/refresh"):
            value = _single(value)
            if address == "/vjnode/subscribe" and value not in (0, False):
                self._subscribe(value, by_udp=by_udp)
            return
        row, verb = _found(address)
        value = _single(value)
        key = row.stored_as or row.name
        now = self.state[key]
        if row.kind == "trigger":
            assert isinstance(now, int)  # noqa: S101 - for the type checker
            self.state[key] = now + _pressed(value)
            if row.name == "panic" and _pressed(value):
                safe = str(self.state["safe_preset"])
                self._recall(safe if safe in self.presets else next(iter(self.presets)))
                self.state["gain"] = 0.0
        elif row.kind == "toggle":
            self.state[key] = _number(value) != 0
        elif row.kind == "float":
            assert isinstance(now, float)  # noqa: S101 - likewise
            self.state[key] = _moved(row, verb, now, _number(value))
        elif (chosen := self._chosen(row, verb, str(now), value)) is not None:
            if row.name == "preset":
                self._recall(chosen)
            else:
                self.state[key] = chosen

    def _subscribe(self, value: object, *, by_udp: bool) -> None:
        if isinstance(value, bool):
            raise RefusedError("port")
        port = _number(value)
        if port != int(port) or not 1 <= port <= 65535 or port == self.own_port or not by_udp:
            raise RefusedError("port")
        if port not in self.ports and len(self.ports) == SUBSCRIBERS:
            raise RefusedError("too many")
        self.ports.add(int(port))

    def _chosen(self, row: Parameter, verb: str, now: str, value: object) -> str | None:
        names = list(self.names[row.name])
        if not names:
            raise RefusedError("nothing to choose from")
        if verb:
            return _by_button(names, verb, now) if _pressed(value) else None
        if isinstance(value, str):
            return _named(names, value) if value else None
        number = _number(value)
        return _numbered(names, number) if number else None

    def _recall(self, name: str) -> None:
        for row in PARAMETERS:
            if not row.stays and row.kind != "trigger":
                default = row.default
                assert isinstance(default, str | float | bool)  # noqa: S101 - likewise
                self.state[row.stored_as or row.name] = default
        self.state |= {"preset": name, **self.presets[name]}


def _by_button(names: list[str], verb: str, now: str) -> str:
    if verb in ("next", "previous"):
        step = 1 if verb == "next" else -1
        if now not in names:
            return names[0 if step == 1 else -1]
        return names[(names.index(now) + step) % len(names)]
    return _named(names, verb)


def _single(value: object) -> object:
    while isinstance(value, list):
        if len(value) != 1:
            raise RefusedError("array")
        value = value[0]
    return value


def _found(address: str) -> tuple[Parameter, str]:
    """Return the row that an address means, and what stands behind its name."""
    if address in _ROWS:
        return _ROWS[address], ""
    above, _, last = address.rpartition("/")
    row = _ROWS.get(above)
    if row is None or row.kind in ("trigger", "toggle"):
        raise RefusedError("address")
    if row.kind == "float" and last not in ("add", "norm"):
        raise RefusedError("address")
    return row, last or "no such name"


def _number(value: object) -> float:
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value) or not math.isfinite(float(value)):
            raise RefusedError("no number")
        return float(value)
    if isinstance(value, bool | int | float):
        return float(value)
    raise RefusedError("no number")


def _pressed(value: object) -> bool:
    return value is NOTHING or _number(value) != 0


def _moved(row: Parameter, verb: str, now: float, number: float) -> float:
    if verb == "norm":
        way = min(1.0, max(0.0, number))
        return row.low + (row.high - row.low) * math.pow(way, row.taper)
    if verb == "add":
        if row.off is not None and now == row.off:
            raise RefusedError("off")
        return max(row.low, min(row.high, now + number))
    return number if number == row.off else max(row.low, min(row.high, number))


def _numbered(names: list[str], number: float) -> str:
    if number != int(number) or not 1 <= number <= len(names):
        raise RefusedError("no such number")
    return names[int(number) - 1]


def _named(names: list[str], text: str) -> str:
    if text in names:
        return text
    alike = [name for name in names if name.casefold() == text[:64].casefold()]
    if len(alike) == 1:
        return alike[0]
    if re.fullmatch("[0-9]{1,15}", text):
        return _numbered(names, float(text))
    raise RefusedError("no such name")
