"""Validation of OSC datagrams before any library parses them.

The OSC 1.0 layout is simple enough to be checked in full; common parsers are not that careful
(some loop for ever on a bundle element of negative size). A datagram that passes is well-formed,
shallow and small, and each of its messages addresses exactly one parameter.
"""

import math
import struct

MAX_BYTES = 8192
MAX_DEPTH = 4
MAX_ARGUMENTS = 64
_BUNDLE = b"#bundle\0"
_PATTERN_CHARACTERS = set(" #*,?[]{}")
# Only types that the library used after this check can read: it skips the others' bytes.
_SIZES = {"i": 4, "f": 4, "h": 8, "d": 8}
_EMPTY = "TFN"
_READ_AS = bytes.maketrans(b"SI", b"sN")
"""Tags that the library does not know, and what it may take them for: symbols are strings, and an
impulse is an argument that says no more than nil does."""

MAX_ARRAYS = 4


class MalformedError(Exception):
    """A datagram that is not acceptable OSC; the text names the first fault."""


def check_datagram(data: bytes) -> list[bytes]:
    """Check one datagram from the network, and return its messages, in their order.

    Bundles are taken apart: time tags are ignored. In each message, symbols are tagged as strings
    and impulses as nil.

    Raises:
        MalformedError: it is not well-formed OSC 1.0, or exceeds this node's limits:
            8192 bytes, 4 levels of bundles and of arrays, 64 arguments, no address patterns.
    """
    if len(data) > MAX_BYTES:
        raise MalformedError(f"{len(data)} bytes, and no more than {MAX_BYTES} are taken")
    messages: list[bytes] = []
    _check_element(data, messages, depth=0)
    return messages


def is_address(text: str) -> bool:
    """Return whether a text can be the address of one thing, and is no pattern."""
    plain = text.isascii() and text.isprintable() and not _PATTERN_CHARACTERS & set(text)
    return plain and text.startswith("/")


def _check_element(data: bytes, messages: list[bytes], *, depth: int) -> None:
    if not data or len(data) % 4:
        raise MalformedError("length is not a positive multiple of 4")
    if data.startswith(_BUNDLE):
        _check_bundle(data, messages, depth=depth + 1)
    elif data.startswith(b"/"):
        messages.append(_check_message(data))
    else:
        raise MalformedError("neither a message nor a bundle")


def _check_bundle(data: bytes, messages: list[bytes], *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedError(f"bundles nested more than {MAX_DEPTH} deep")
    if len(data) < 16:
        raise MalformedError("bundle without a time tag")
    at = 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if size <= 0 or size % 4 or at + size > len(data):
            raise MalformedError(f"bundle element of {size} bytes")
        _check_element(data[at : at + size], messages, depth=depth)
        at += size


def _check_message(data: bytes) -> bytes:
    address, begins = _string(data, 0)
    if not is_address(address):
        raise MalformedError("address is a pattern or has characters that none may have")
    if begins == len(data):
        raise MalformedError("no type tags")
    tags, at = _string(data, begins)
    if not tags.startswith(","):
        raise MalformedError("type tags do not start with a comma")
    if len(tags) - 1 > MAX_ARGUMENTS:
        raise MalformedError(f"more than {MAX_ARGUMENTS} arguments")
    ends, arrays = at, 0
    for tag in tags[1:]:
        arrays += (tag == "[") - (tag == "]")
        if not 0 <= arrays <= MAX_ARRAYS:
            raise MalformedError(f"arrays nested less than none or more than {MAX_ARRAYS} deep")
        at = at if tag in "[]" else _check_argument(data, at, tag)
    if arrays:
        raise MalformedError("array without an end")
    if at != len(data):
        raise MalformedError("bytes after the last argument")
    return data[:begins] + data[begins:ends].translate(_READ_AS) + data[ends:]


def _check_argument(data: bytes, at: int, tag: str) -> int:
    """Check the argument at ``at`` and return the position of the next one."""
    if tag in _EMPTY or tag == "I":
        return at
    if tag in "sS":
        return _string(data, at)[1]
    if tag == "b":
        if at + 4 > len(data):
            raise MalformedError("argument cut off")
        (size,) = struct.unpack_from(">i", data, at)
        end: int = at + 4 + (size + 3) // 4 * 4
        if size < 0 or end > len(data):
            raise MalformedError(f"blob of {size} bytes")
        return end
    if tag not in _SIZES:
        raise MalformedError(f"type tag {tag!r} is not taken")
    end = at + _SIZES[tag]
    if end > len(data):
        raise MalformedError("argument cut off")
    if tag in "fd":
        (number,) = struct.unpack_from(">f" if tag == "f" else ">d", data, at)
        if not math.isfinite(number):
            raise MalformedError("a number that is not finite")
    return end


def _string(data: bytes, at: int) -> tuple[str, int]:
    """Return the string at ``at`` and the position of the next item."""
    end = data.find(b"\0", at)
    if end < 0:
        raise MalformedError("string without an end")
    after = (end // 4 + 1) * 4
    if data[end:after].strip(b"\0"):
        raise MalformedError("string not padded with zeros")
    try:
        return data[at:end].decode("utf-8"), after
    except UnicodeDecodeError:
        raise MalformedError("string is not UTF-8") from None
