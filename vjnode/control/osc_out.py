"""OSC out: the values of parameters at their own addresses, for whoever shows them.

A destination stands on the command line, or subscribes itself for a while. It is told of every
parameter that changed, whoever changed it; but not, for a moment, of one that it is moving itself.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from vjnode.control.address import ROOT
from vjnode.control.destination import (
    Destination,
    Sender,
    check_other,
    encoded,
    find_host,
    is_numeric,
    port_of,
)
from vjnode.control.parameter import Parameter, Value
from vjnode.control.parameters import BY_NAME, PARAMETERS
from vjnode.control.state import Controls
from vjnode.errors import InputError
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

ECHO_S = 0.3
"""Time, s, for which nobody is told of a parameter that they have just moved."""

LEASE_S = 60.0
"""Time, s, within which a subscriber has to subscribe again."""

MAX_SUBSCRIBERS = 16

AT_ONCE = 64
"""Values that one destination gets in one go: a small device has little room for datagrams."""

SUBSCRIBE, REFRESH = f"{ROOT}subscribe", f"{ROOT}refresh"
ASKING = {SUBSCRIBE, REFRESH}
"""Addresses of those who want to be told of values."""

LOGGED = 16
"""Destinations whose first fault is logged."""

TOLD = tuple(row for row in PARAMETERS if row.kind != "trigger")
"""Parameters that have a value to tell."""


@dataclass
class OscOutCounts:
    """Counts of messages to destinations.

    sent: messages handed to the network. failed: those that it did not take.
    subscriptions: of destinations that subscribed themselves; renewals do not count.
    """

    sent: int = 0
    failed: int = 0
    subscriptions: int = 0


class OscOut:
    """Tells destinations of values.

    Subscriptions and movements come from the threads that receive; ``tell`` and ``send`` belong to
    one thread, which may be another one.

    Args:
        targets: host and port of destinations that stay.
        own_port: port of the node's own OSC server, which nothing may be sent to.
        clock: monotonic s.

    """

    def __init__(
        self,
        targets: Sequence[Sender] = (),
        *,
        own_port: int = 0,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        """Find the targets.

        Raises:
            InputError: a host has no address, or a target is the node itself.
        """
        self._own_port = own_port
        self._clock = clock
        self._lock = threading.Lock()
        self._moves: dict[str, tuple[Sender, float]] = {}
        self._seen: Controls | None = None
        self._refresh = False
        self._announced: deque[tuple[str, str]] = deque(maxlen=AT_ONCE)
        self._complained: set[str] = set()
        self.counts = OscOutCounts()
        self.woken = threading.Event()
        """Set when a destination has come."""
        self.newest: dict[str, Value] = {}
        """Features that were told last, by name."""
        self.refreshes = 0
        """Number of times that all values were asked for again."""
        self._destinations: tuple[Destination, ...] = ()
        found = [find_host(host, port, option="--osc-out") for host, port in targets]
        for host, port in found:
            check_other(host, port, own_port=own_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._socket.setblocking(False)  # a network that is busy holds nothing up
        for host, port in dict.fromkeys(found):
            self.add(self._udp(host, port))

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Those who are told now."""
        return self._destinations

    def add(self, destination: Destination) -> None:
        """Begin to tell a destination, of all values that it wants."""
        destination.pending.update(self._all(destination))
        with self._lock:
            self._destinations += (destination,)
        self.woken.set()

    def remove(self, destination: Destination) -> None:
        """Tell a destination no more."""
        with self._lock:
            self._destinations = tuple(d for d in self._destinations if d is not destination)

    def listen(self, destination: Destination, address: str) -> None:
        """Tell a destination of one more address, and of its value now."""
        if destination.wants is not None:
            destination.wants.add(address)
        destination.pending.update({r.name: True for r in TOLD if r.address == address})

    def ignore(self, destination: Destination, address: str) -> None:
        """Tell a destination no more of an address."""
        if destination.wants is not None:
            destination.wants.discard(address)
        destination.pending.pop(address.removeprefix(ROOT), None)

    def moved(self, name: str, sender: Sender) -> None:
        """Take note that a sender is about to move the parameter of that name."""
        self._moves[name] = sender, self._clock()

    def take(self, address: str, value: object, sender: Sender) -> None:
        """Serve a message to one of the addresses in ``ASKING``.

        Raises:
            InputError: a subscription with a port that is none or the node's own, or one too many.
        """
        if address == REFRESH:
            if value != 0:  # a button that is let go sends 0
                self._refresh = True
                self.refreshes += 1
        elif value != 0:
            self._subscribe(value, sender)

    def tell(self, controls: Controls) -> None:
        """Tell every destination of what has changed since the last time."""
        now_s = self._clock()
        before, self._seen = self._seen, controls
        for destination in self._destinations:
            if destination.until_s < now_s:
                self.remove(destination)
                _log.info("OSC to %s ends: its subscription was not renewed", destination.name)
        if self._refresh:
            self._refresh = False
            for destination in self._destinations:
                destination.pending.update(self._all(destination))
        if before is not None and before is not controls:
            changed = [r for r in TOLD if controls.value(r.name) != before.value(r.name)]
            for destination in self._destinations:
                for row in changed:
                    if destination.wanted(row.address):
                        destination.pending.setdefault(row.name, False)
        for destination in self._destinations:
            self._flush(destination, controls, now_s)
        while self._announced:
            self.send(*self._announced.popleft())

    def send(self, name: str, value: Value, *, switched_on: bool = True) -> None:
        """Tell every destination of a value that is no parameter, under ``name``.

        switched_on: if not, only those are told who asked for this address.
        """
        now_s, address = self._clock(), ROOT + name
        self.newest[name] = value
        message = encoded(address, value)
        for destination in self._destinations:
            if destination.wants is None and not switched_on:
                continue
            if destination.wanted(address) and not self._is_echo(destination, name, now_s):
                self._deliver(destination, message)

    def announce(self, name: str, text: str) -> None:
        """Let every destination be told of a text under ``name``; from any thread."""
        self._announced.append((name, text))

    def summary(self) -> dict[str, int]:
        """Return the counts, for the report."""
        return asdict(self.counts)

    def close(self) -> None:
        """Close the socket; nothing more may be told."""
        self._socket.close()

    def _all(self, destination: Destination) -> dict[str, bool]:
        return {row.name: True for row in TOLD if destination.wanted(row.address)}

    def _flush(self, destination: Destination, controls: Controls, now_s: float) -> None:
        told = 0
        for name, asked in list(destination.pending.items()):
            if told >= AT_ONCE:
                return
            if asked or not self._is_echo(destination, name, now_s):
                destination.pending.pop(name, None)  # it may be ignored at this moment
                row: Parameter = BY_NAME[name]
                self._deliver(destination, encoded(row.address, controls.value(name)))
                told += 1

    def _is_echo(self, destination: Destination, name: str, now_s: float) -> bool:
        """Return whether a destination has just moved a parameter by itself.

        A port that is known to be one program's is nobody else's. From one that is not known, the
        move may be that of any program on its host.
        """
        if (move := self._moves.get(name)) is None or now_s - move[1] >= ECHO_S:
            return False
        host, port = move[0]
        if host != destination.host:
            return False
        others = (d.ports for d in self._destinations if d is not destination and d.host == host)
        return port in destination.ports or not any(port in ports for ports in others)

    def _deliver(self, destination: Destination, message: bytes) -> None:
        try:
            destination.deliver(message)
        except OSError as error:
            self.counts.failed += 1
            if destination.name not in self._complained and len(self._complained) < LOGGED:
                self._complained.add(destination.name)
                _log.warning(
                    "OSC to %s fails (%s); the show goes on", destination.name, error.strerror
                )
        else:
            self.counts.sent += 1

    def _udp(self, host: str, port: int, *ports: int) -> Destination:
        return Destination(
            f"{host}:{port}",
            host,
            frozenset((port, *ports)),
            lambda message: self._socket.sendto(message, (host, port)),
        )

    def _subscribe(self, value: object, sender: Sender) -> None:
        """Begin or go on to tell a sender, at its own address alone."""
        host, number = sender[0], port_of(value)
        if not is_numeric(host):
            raise InputError(f"{SUBSCRIBE} is for UDP; over a WebSocket, LISTEN to each address")
        check_other(host, number, own_port=self._own_port)
        name, now_s = f"{host}:{number}", self._clock()
        for destination in self._destinations:
            if destination.name == name:
                destination.ports = frozenset((number, sender[1]))
                if destination.until_s != float("inf"):
                    destination.until_s = now_s + LEASE_S
                return
        if sum(d.until_s != float("inf") for d in self._destinations) >= MAX_SUBSCRIBERS:
            raise InputError(
                f"{MAX_SUBSCRIBERS} have subscribed, which is the most; name others by --osc-out"
            )
        new = self._udp(host, number, sender[1])
        new.until_s = now_s + LEASE_S
        self.counts.subscriptions += 1
        self.add(new)
        _log.info("OSC goes to %s, which has subscribed", name)
