"""Check OSC and OSCQuery by load and by nonsense: nothing is lost, late, or wrongly changed.

    python -m tools.check.osc [--part load|datagrams|requests …] [--seconds 60] [--rate 10000]
                              [--datagrams 1000000] [--requests 100000] [--seed 1]

`load` sends messages into a running show, and compares its frames with those of the same show
without them. `datagrams` sends good and bent ones to a node's port, and compares its state after
every few hundred with that of an oracle, which shares no code with it. `requests` does so over
HTTP and WebSockets. Prints a table for each part, and ends with 1 on a miss. What is sent follows
from the seed.
"""

import argparse
import math
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable

from tools.bench.control import compared
from tools.bench.played import Played, play
from tools.check.osc_client import BINARY, CLOSE, WebSocket, answer, connect, frame, get
from tools.check.osc_mutations import (
    addresses,
    bent,
    broken_frame,
    good_datagram,
    good_message,
    good_request,
    text_frame,
)
from tools.check.osc_node import HOST, MissError, Node

BURST = 200
"""Datagrams that are sent before the state is looked at; so many wait in a socket."""

SENT = 0.98
"""Share of the messages that a sender has to bring about for anything to be said."""

BENT = 0.5
"""Share of those that are bent."""

PARTS = ("load", "datagrams", "requests")


def check_datagrams(count: int, seed: int) -> Counter[str]:
    """Send datagrams, half of them bent, and compare node and oracle after each burst.

    Raises:
        MissError: they differ.
    """
    chance, known, node = random.Random(seed), addresses(), Node()
    tally: Counter[str] = Counter()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for place in range(0, count, BURST):
                burst = []
                for _ in range(min(BURST, count - place)):
                    data = good_datagram(chance, known)
                    if chance.random() < BENT:
                        data = bent(chance, data)
                    burst.append(data)
                for data in burst:
                    before = node.oracle.refused
                    node.oracle.take(data)
                    tally["refused in whole or in part"] += node.oracle.refused > before
                    sender.sendto(data, (HOST, node.osc.port))
                node.check(burst)
        tally |= Counter({"datagrams": count, "messages": node.osc.counts.received})
        tally["messages refused"] = node.osc.counts.rejected
    finally:
        node.close()
    return tally


def check_requests(count: int, seed: int) -> Counter[str]:
    """Send bent requests, half over HTTP and half over WebSockets, and compare node and oracle.

    Raises:
        MissError: they differ, no answer comes, or one tells of a fault inside.
    """
    chance, known, node = random.Random(seed), addresses(), Node()
    tally: Counter[str] = Counter()
    try:
        for place in range(0, count, BURST):
            some = min(BURST, count - place)
            for _ in range(some // 2):
                tally[f"HTTP {_ask(chance, node)}"] += 1
            sent = _talk(chance, node, known, some - some // 2, tally)
            node.check(sent)
            status, _ = get(node.query.port, "/vjnode/gain?VALUE")
            if status != 200:
                raise MissError(f"a good request is answered by {status}")
        tally["requests"] = count
    finally:
        node.close()
    return tally


def _ask(chance: random.Random, node: Node) -> str:
    """Send one bent request, and return the status of its answer.

    Raises:
        MissError: it hangs, or the node has a fault.
    """
    data = good_request(chance)
    if chance.random() < 0.8:
        data = bent(chance, data)
    with connect(node.query.port) as connection:
        try:
            connection.sendall(data)
            if b"\r\n\r\n" not in data:  # the other side cannot know that no more comes
                connection.shutdown(socket.SHUT_WR)
            status, body = answer(connection, has_body=not data.startswith(b"HEAD"))
        except TimeoutError as error:
            raise MissError(f"no answer to {data!r}") from error
        except OSError:
            return "closed"
        except (ValueError, IndexError) as error:
            raise MissError(f"an answer that is none to {data!r}: {error}") from error
    if status >= 500:
        raise MissError(f"{status} to {data!r}: {body!r}")
    return str(status or "closed")


def _talk(
    chance: random.Random, node: Node, known: list[str], count: int, tally: Counter[str]
) -> list[bytes]:
    """Send bent frames over as many WebSockets as that takes, and return their packets of OSC."""
    sent: list[bytes] = []
    left = count
    while left:
        listener, broken = WebSocket(node.query.port), False
        try:
            for _ in range(left):
                left -= 1
                kind = chance.random()
                if kind < 0.5:
                    packet = good_message(chance, known)
                    if chance.random() < BENT:
                        packet = bent(chance, packet)
                    packet = packet[:8000]  # beyond the longest the connection ends
                    node.oracle.take(packet, by_udp=False)
                    sent.append(packet)
                    listener.connection.sendall(frame(BINARY, packet))
                    tally["WebSocket OSC"] += 1
                elif kind < 0.9:
                    data, last = text_frame(chance)
                    listener.connection.sendall(data)
                    tally["WebSocket commands"] += 1
                    if last:
                        break
                else:
                    broken = True
                    break  # nothing behind it has to be understood
            node.check(sent)
            if broken:
                listener.connection.sendall(broken_frame(chance))
                tally["WebSocket frames that are broken"] += 1
            _end(listener)
            node.recount()
            node.check(sent)
        except ConnectionError as error:
            raise MissError(f"a WebSocket was ended: {error}") from error
        finally:
            listener.close()
    return sent


def _end(listener: WebSocket) -> None:
    """Say that no more comes, and wait until the node has taken all.

    Raises:
        MissError: it hangs.
    """
    try:
        listener.connection.shutdown(socket.SHUT_WR)
        while listener.receive()[0] != CLOSE:
            pass
    except TimeoutError as error:
        raise MissError("a WebSocket that has ended is not closed") from error
    except OSError:
        return  # it is closed


def check_load(seconds: float, rate: float) -> list[tuple[str, str]]:
    """Send messages into a show, and return what is told of it.

    Raises:
        MissError: messages were lost, or frames were late because of them.
    """
    without = play(seconds)
    loaded = play(seconds, rate=rate)
    rows = compared(without, loaded, f"with {rate:g} messages/s")
    misses = []
    if loaded.sent < SENT * seconds * rate:
        misses.append(f"only {loaded.sent} messages were sent: this machine is too busy to tell")
    if loaded.lost:
        misses.append(f"{loaded.lost} of {loaded.sent} messages were lost")
    if loaded.late > _tolerated(without):
        misses.append(f"{loaded.late} late frames, and {without.late} without messages")
    if misses:
        table = "".join(f"\n  {name:36} {value}" for name, value in rows)
        raise MissError("; ".join(misses) + table)
    return rows


def _tolerated(without: Played) -> float:
    """Return how many late frames chance explains, where so many come without any load."""
    return without.late + max(3.0, 3.0 * math.sqrt(without.late))


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for, and return an exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.osc", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="repeatable; default: all")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=10_000.0, help="messages/s")
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    parts: dict[str, Callable[[], list[tuple[str, str]]]] = {
        "load": lambda: check_load(options.seconds, options.rate),
        "datagrams": lambda: _rows(check_datagrams(options.datagrams, options.seed)),
        "requests": lambda: _rows(check_requests(options.requests, options.seed)),
    }
    missed = False
    for part in options.part or PARTS:
        began_s = time.monotonic()
        try:
            rows = parts[part]()
        except MissError as miss:
            print(f"{part}: MISSED: {miss}", flush=True)
            missed = True
            continue
        print(f"{part}: as it should be, in {time.monotonic() - began_s:.0f} s")
        for name, value in rows:
            print(f"  {name:36} {value}", flush=True)
    return int(missed)


def _rows(tally: Counter[str]) -> list[tuple[str, str]]:
    return [(name, f"{number}") for name, number in sorted(tally.items())]


if __name__ == "__main__":
    sys.exit(main())
