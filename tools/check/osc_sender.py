"""Send OSC to a port of this machine, evenly: faders that move a little, one after the other.

    python -m tools.check.osc_sender PORT RATE SECONDS

Prints a line when it is ready, begins at the first line that it reads, and prints at the end how
many messages it sent. It is a process of its own, so that what is measured does not wait for it.
"""

import argparse
import socket
import subprocess
import sys
import time

from tools.check.osc_client import message

TICK_S = 0.002
"""Time, s, from one group of messages to the next."""

CATCHES_UP = 3
"""Groups that are sent at once after it was held up: no hand sends what it missed in a flash."""

_FADERS = ("floor", "curve", "accent", "lfo_rate", "dynamics", "release", "attack")


def send(port: int, rate: float, seconds: float) -> int:
    """Send for a while, and return how many messages that were."""
    ways = [0.45 + 0.1 * step / 16 for step in range(17)]
    packets = [message(f"/vjnode/{one}/norm", "f", way) for way in ways for one in _FADERS]
    most = max(round(CATCHES_UP * rate * TICK_S), 1)
    sent, begun_s = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        while (passed_s := time.monotonic() - begun_s) < seconds:
            for _ in range(min(round(passed_s * rate) - sent, most)):
                out.sendto(packets[sent % len(packets)], ("127.0.0.1", port))
                sent += 1
            time.sleep(TICK_S)
    return sent


class Sender:
    """A process that sends, once it is told to begin."""

    def __init__(self, port: int, rate: float, seconds: float) -> None:
        command = [sys.executable, "-m", "tools.check.osc_sender"]
        self._process = subprocess.Popen(  # noqa: S603 - our own
            [*command, str(port), str(rate), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        self._process.stdout.readline()

    def send(self) -> int:
        """Send, and return how many messages were sent."""
        told, _ = self._process.communicate("\n")
        return int(told)


def main() -> None:
    """Send what the command line asks for, once a line has come."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.osc_sender", description=__doc__.splitlines()[0]
    )
    parser.add_argument("port", type=int)
    parser.add_argument("rate", type=float, help="messages/s")
    parser.add_argument("seconds", type=float)
    options = parser.parse_args()
    print("ready", flush=True)
    sys.stdin.readline()
    print(send(options.port, options.rate, options.seconds))


if __name__ == "__main__":
    main()
