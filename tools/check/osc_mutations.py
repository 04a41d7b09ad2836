"""Datagrams, requests and frames: good ones, and those that are bent at random."""

import random
from collections.abc import Callable, Sequence

from tools.check.osc_client import BINARY, TEXT, bundle, frame, message, request
from tools.check.osc_oracle import LONGEST
from vjnode.control.parameters import PARAMETERS

Random = random.Random

_TAGS = (*"iffffis", "d", "h", "T", "F", "s", "[f]", "fs", "N", "I", "", "b", "S", "[]", "[[i]]")
_TEXTS = (
    *(
        "",
        "ada",
        "BEN",
        "riot",
        "none",
        "laugh",
        "1",
        "1.5",
        "-2",
        "0",
        "nan",
        "inf",
        "1e400",
        "1_5",
    ),
    *("\u0661", "x" * 70, "next", "\u017ftage", "0x1", " 2 ", "9" * 40),
)
_FLOATS = (
    0.0,
    1.0,
    0.5,
    -1.0,
    2.0,
    3.0,
    124.0,
    1e9,
    -1e30,
    3.4e38,
    1e-40,
    float("nan"),
    float("inf"),
)
_INTS = (0, 1, 2, -1, 7, 127, 2**31 - 1, -(2**31))


def good_message(chance: Random, addresses: Sequence[str]) -> bytes:
    """Return a message to one of ``addresses``, with any arguments."""
    tags = chance.choice(_TAGS)
    given: list[float | str | bytes] = []
    for tag in tags:
        if tag in "ih":
            given.append(chance.choice(_INTS))
        elif tag in "fd":
            given.append(chance.choice(_FLOATS) if chance.random() < 0.5 else chance.uniform(-5, 5))
        elif tag in "sS":
            given.append(chance.choice(_TEXTS))
        elif tag == "b":
            given.append(chance.randbytes(chance.randrange(9)))
    return message(chance.choice(addresses), tags, *given)


def good_datagram(chance: Random, addresses: Sequence[str], *, deep: int = 0) -> bytes:
    """Return a message, or a bundle of some, which may be nested too deep."""
    if deep < 6 and chance.random() < (0.15 if deep == 0 else 0.5):
        count = chance.randrange(4)
        return bundle(*(good_datagram(chance, addresses, deep=deep + 1) for _ in range(count)))
    return good_message(chance, addresses)


def bent(chance: Random, data: bytes) -> bytes:
    """Return data after one to four changes at random."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed = chance.choice(_WAYS)(chance, changed)
    return bytes(changed)


def _flip(chance: Random, data: bytearray) -> bytearray:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def _replace(chance: Random, data: bytearray) -> bytearray:
    if data:
        data[chance.randrange(len(data))] = chance.choice(
            (0, 1, 44, 47, 127, 255, chance.randrange(256))
        )
    return data


def _cut(chance: Random, data: bytearray) -> bytearray:
    return data[: chance.randrange(len(data) + 1)]


def _drop(chance: Random, data: bytearray) -> bytearray:
    at = chance.randrange(len(data) + 1)
    del data[at : at + chance.choice((1, 4, 8))]
    return data


def _insert(chance: Random, data: bytearray) -> bytearray:
    at = chance.randrange(len(data) + 1)
    if chance.random() < 0.5:
        at -= at % 4
    data[at:at] = chance.choice(
        (b"\0\0\0\0", b"\xff\xff\xff\xfc", chance.randbytes(4), b"/", b"\0")
    )
    return data


def _repeat(chance: Random, data: bytearray) -> bytearray:
    at, size = chance.randrange(len(data) + 1), chance.choice((4, 8, 64, 2000))
    data[at:at] = data[at : at + size] * chance.choice((1, 2, 8))
    return data[:20_000]


def _whole_word(chance: Random, data: bytearray) -> bytearray:
    """Change four bytes at a place where OSC has its numbers."""
    at = chance.randrange(len(data) // 4 + 1) * 4
    data[at : at + 4] = chance.choice(
        (b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x04", b"\0\0\0\0", b"\x7f\xc0\0\0", b",f\0\0")
    )
    return data


_WAYS: tuple[Callable[[Random, bytearray], bytearray], ...] = (
    *(_flip, _flip, _replace, _cut, _drop, _insert, _repeat, _whole_word),
)


def addresses() -> list[str]:
    """Return addresses of all parameters, those behind them, and some that are none.

    But for ``random``: no oracle knows what that chooses.
    """
    found = ["/vjnode/subscribe", "/vjnode/refresh", "/vjnode/", "/vjnode/nothing", "/", "/other"]
    for row in PARAMETERS:
        found.append(row.address)
        if row.kind == "float":
            found += [f"{row.address}/add", f"{row.address}/norm"]
        if row.kind == "choice":
            behind = ("next", "previous", "BEN", "riot", "1", "0", "nobody", "")
            found += [f"{row.address}/{last}" for last in behind]
    # Those that hands use are as frequent as the many of the matrix.
    short = [one for one in found if "route" not in one and "channel" not in one]
    return found + short * 4


_PATHS = (
    *("/", "/vjnode", "/vjnode/gain", "/vjnode/gain?VALUE", "/?HOST_INFO", "/vjnode/face?RANGE"),
    *("/vjnode/tap?VALUE", "/vjnode/nothing", "/vjnode/gain?VALUE&TYPE", "/vjnode/face/ada"),
    *("/vjnode/../etc/passwd", "/%2e%2e/%00", "/vjnode/" + "x" * 3000, "//", "/vjnode/gain?LISTEN"),
)
_HEADERS = (
    *("Accept: */*", "Origin: http://evil.example", "Connection: Upgrade", "Upgrade: websocket"),
    *(
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        "Expect: 100-continue",
    ),
    *(
        "Content-Length: 0",
        "Content-Length: 99999999999",
        "Transfer-Encoding: chunked",
        "Range: bytes=0-",
    ),
    *("Cookie: " + "a" * 500, "Sec-Fetch-Site: cross-site", "Host: evil.example", "X: \x00"),
)


def good_request(chance: Random) -> bytes:
    """Return a request for a path, with some headers."""
    headers = chance.sample(_HEADERS, chance.randrange(4))
    data = request(chance.choice(_PATHS), *headers)
    if chance.random() < 0.1:
        data = data.replace(
            b"GET", chance.choice((b"POST", b"HEAD", b"OPTIONS", b"PUT", b"G\xc3\xa4T"))
        )
    return data


_COMMANDS = (
    *(
        '{"COMMAND": "LISTEN", "DATA": "/vjnode/gain"}',
        '{"COMMAND": "IGNORE", "DATA": "/vjnode/gain"}',
    ),
    *('{"COMMAND": "LISTEN", "DATA": "/vjnode/tap"}', '{"COMMAND": "PATH_ADDED", "DATA": "/x"}'),
    *(
        '{"COMMAND": "LISTEN", "DATA": 7}',
        '{"COMMAND": [], "DATA": {}}',
        "[" * 3000,
        "",
        "null",
        "7",
    ),
    *(
        '{"COMMAND": "LISTEN", "DATA": "/vjnode/level"}',
        '{"COMMAND": "LISTEN"}',
        '"\\ud800"',
        "1" * 5000,
    ),
)


def text_frame(chance: Random) -> tuple[bytes, bool]:
    """Return a frame with a command, good or bent, and whether it ends its connection.

    So does one that is no UTF-8, or too long.
    """
    text = chance.choice(_COMMANDS).encode()
    if chance.random() < 0.7:
        text = bent(chance, text)
    try:
        text.decode()
    except UnicodeDecodeError:
        return frame(TEXT, text), True
    return frame(TEXT, text), len(text) > LONGEST


def broken_frame(chance: Random) -> bytes:
    """Return a frame that is bent itself, whose message would change nothing if it came through."""
    whole = frame(chance.choice((TEXT, BINARY)), message("/other/thing", "f", 1.0))
    return bent(chance, whole)
