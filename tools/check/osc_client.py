"""OSC, HTTP and WebSockets by plain sockets: a client that shares no code with the node."""

import base64
import json
import os
import socket
import struct
from collections.abc import Sequence

TIMEOUT_S = 20.0
"""Time, s, within which an answer has to come: more than any that is honest takes."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Head that comes before the answer to some requests."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Kinds of a WebSocket's frames."""


def string(text: bytes) -> bytes:
    """Return a string as OSC has it: ended, and filled up to four bytes."""
    return text + b"\0" * (4 - len(text) % 4)


def message(address: str, tags: str = "", *arguments: float | str | bytes) -> bytes:
    """Return a message; ``arguments`` are for those tags that have bytes."""
    data = string(address.encode()) + string(b"," + tags.encode())
    left = list(arguments)
    for tag in tags:
        if tag in "ifhd":
            kind = {"i": ">i", "f": ">f", "h": ">q", "d": ">d"}[tag]
            number = left.pop(0)
            data += struct.pack(kind, int(number) if tag in "ih" else float(number))
        elif tag in "sS":
            data += string(str(left.pop(0)).encode())
        elif tag == "b":
            blob = left.pop(0)
            assert isinstance(blob, bytes)  # noqa: S101 - for the type checker
            data += struct.pack(">i", len(blob)) + blob + b"\0" * (-len(blob) % 4)
    return data


def bundle(*elements: bytes) -> bytes:
    """Return a bundle that is for now."""
    sized = [struct.pack(">i", len(one)) + one for one in elements]
    return b"#bundle\0" + struct.pack(">Q", 1) + b"".join(sized)


def request(path: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    """Return a request for a path."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def connect(port: int) -> socket.socket:
    """Return a connection to a port of this machine, which leaves nothing behind when it closes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return connection


def answer(connection: socket.socket, *, has_body: bool = True) -> tuple[int, bytes]:
    """Return status and body of an answer; 0 if the other side closed without one.

    has_body: not so for a request that asks for the head alone.

    Raises:
        TimeoutError: none comes.
    """
    data = b""
    while b"\r\n\r\n" not in (data := data.removeprefix(_CONTINUE)):
        if not (more := _received(connection)):
            return 0, data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    status = int(lines[0].split()[1])
    fields = [line.partition(b":") for line in lines[1:]]
    length = sum(int(value) for name, _, value in fields if name.lower() == b"content-length")
    length *= has_body
    while len(body) < length:
        if not (more := _received(connection)):
            break
        body += more
    return status, body


def get(port: int, path: str) -> tuple[int, object]:
    """Return the status of a path, and its JSON; None where there is no body."""
    with connect(port) as connection:
        connection.sendall(request(path))
        status, body = answer(connection)
    return status, json.loads(body) if body and status == 200 else None


def frame(kind: int, payload: bytes, *, end: bool = True) -> bytes:
    """Return a WebSocket's frame, masked as a client has to."""
    mask, length = os.urandom(4), len(payload)
    head = bytes([(0x80 if end else 0) | kind])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += bytes([0x80 | 126]) + struct.pack(">H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack(">Q", length)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return head + mask + masked


class WebSocket:
    """A WebSocket to a port of this machine.

    Raises:
        ConnectionError: it is refused.
    """

    def __init__(self, port: int) -> None:
        self.connection = connect(port)
        key = base64.b64encode(os.urandom(16)).decode()
        headers = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        self.connection.sendall(request("/", *headers, f"Sec-WebSocket-Key: {key}"))
        status, self._data = answer(self.connection)
        if status != 101:
            self.connection.close()
            raise ConnectionError(f"status {status}")

    def say(self, command: str, path: object) -> None:
        """Send a command."""
        text = json.dumps({"COMMAND": command, "DATA": path})
        self.connection.sendall(frame(TEXT, text.encode()))

    def send(self, packet: bytes) -> None:
        """Send a packet of OSC."""
        self.connection.sendall(frame(BINARY, packet))

    def receive(self) -> tuple[int, bytes]:
        """Return kind and payload of the next frame; kind ``CLOSE`` when it is over.

        Raises:
            TimeoutError: none comes.
        """
        head = self._take(2)
        if len(head) < 2:
            return CLOSE, b""
        length = head[1] & 0x7F
        if length >= 126:
            (length,) = struct.unpack(
                *((">H", self._take(2)) if length == 126 else (">Q", self._take(8)))
            )
        return head[0] & 0x0F, self._take(length)

    def close(self) -> None:
        """Close it, without a word."""
        self.connection.close()

    def _take(self, count: int) -> bytes:
        while len(self._data) < count:
            if not (more := _received(self.connection)):
                return b""
            self._data += more
        taken, self._data = self._data[:count], self._data[count:]
        return taken


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def first_number(packet: bytes) -> tuple[str, str, float | str]:
    """Return address, type and value of a message with one argument f, i or s."""
    address, _, rest = packet.partition(b"\0")
    begins = (len(address) // 4 + 1) * 4
    del rest
    tag, at = chr(packet[begins + 1]), begins + 4
    if tag == "s":
        return address.decode(), tag, packet[at:].rstrip(b"\0").decode()
    (value,) = struct.unpack(">f" if tag == "f" else ">i", packet[at : at + 4])
    return address.decode(), tag, value


def paths(node: object) -> Sequence[str]:
    """Return the paths of a node of OSCQuery's tree and of all below it."""
    if not isinstance(node, dict):
        return []
    below = node.get("CONTENTS", {})
    return [node["FULL_PATH"], *(path for one in below.values() for path in paths(one))]
