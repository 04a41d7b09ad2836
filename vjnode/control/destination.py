"""Destinations of OSC: where a message goes, what it looks like, and who sent one."""

import ipaddress
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from vjnode.control.argument import number_of
from vjnode.control.parameter import Firing, Value
from vjnode.errors import InputError

Sender = tuple[str, int]
"""Host and port that a message came from."""


@dataclass(eq=False)
class Destination:
    """One who is told.

    name: for the log. host: its host; a message from there may be its own.
    ports: ports there that it is known to send from.
    deliver: sends one message, at once; raises OSError where that cannot be done.
    until_s: end of its subscription, monotonic s.
    wants: addresses that it wants to be told of; None for all.
    """

    name: str
    host: str
    ports: frozenset[int]
    deliver: Callable[[bytes], object]
    until_s: float = float("inf")
    wants: set[str] | None = None
    pending: dict[str, bool] = field(default_factory=dict)
    """Parameters yet to be told, in their order; true: even if it has just moved them."""

    def wanted(self, address: str) -> bool:
        """Return whether it wants to be told of an address."""
        return self.wants is None or address in self.wants


def encoded(address: str, value: Value) -> bytes:
    """Return a message with one argument: a float f, a name s, a toggle or count i.

    Raises:
        TypeError: it is a trigger's value, which has no meaning outside.
    """
    if isinstance(value, Firing):
        raise TypeError(f"{address} is a trigger and has no value")
    if isinstance(value, str):
        return padded(address) + b",s\0\0" + padded(value)
    if isinstance(value, int):  # a truth value, too
        return padded(address) + b",i\0\0" + struct.pack(">i", value)
    return padded(address) + b",f\0\0" + struct.pack(">f", value)


def padded(text: str) -> bytes:
    """Return a string of OSC's."""
    data = text.encode(errors="replace")  # a name may come from a file system
    return data + b"\0" * (4 - len(data) % 4)


def port_of(value: object) -> int:
    """Return the port that is meant.

    Raises:
        InputError: it is none.
    """
    number = number_of(value)
    if not isinstance(value, bool) and 1 <= number <= 65535 and number == int(number):
        return int(number)
    raise InputError(
        f"/vjnode/subscribe takes the port that you listen on, 1 to 65535, not {value!r:.32}"
    )


def find_host(host: str, port: int, *, option: str) -> Sender:
    """Return the numeric address of a host that ``option`` names.

    Raises:
        InputError: it has none.
    """
    try:
        found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0]
    except (OSError, UnicodeError) as error:
        raise InputError(
            f"{option} {host}:{port}: there is no host {host} ({error}); give its address"
        ) from error
    return str(found), port


def check_other(host: str, port: int, *, own_port: int) -> None:
    """Check that a destination is not the node's own OSC server, which would hear itself.

    Raises:
        InputError: it is.
    """
    if port == own_port and is_of_this_machine(host):
        raise InputError(
            f"OSC cannot be sent to {host}:{port}, where this node itself listens; "
            "choose the port that your program listens on"
        )


def is_numeric(host: str) -> bool:
    """Return whether a host is given by its address, as that of every UDP sender is."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host is heard by programs of this machine alone."""
    return host == "localhost" or (is_numeric(host) and ipaddress.ip_address(host).is_loopback)


def is_of_this_machine(host: str) -> bool:
    """Return whether a numeric address is one of this machine."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
