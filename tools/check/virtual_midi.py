"""Virtual MIDI ports, where need be of a JACK server of one's own, and a MIDI clock at one of them.

    python -m tools.check.virtual_midi BPM

sends the clock: a process of its own, as a drum machine is. It prints a line when its port is
there, begins at the first line that it reads, and at the end of its input prints how many pulses
it sent, and their tempo.
"""

import argparse
import ctypes.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from vjnode.audio.tempo.midi_clock import PULSE, PULSES_PER_BEAT, START

PORT = "Drums"
"""Name of the clock's port."""

NAMES = tuple(f"vjnode-check-{number}" for number in range(4))
"""Names of servers: as many run at once as there are."""

REGISTRY = Path("/dev/shm/jack-shm-registry")  # noqa: S108 - where JACK looks for it
"""JACK's list of servers."""

STARTS_S = 1.0
"""Time, s, within which a server has started or given up."""


_DUMMY = ("-d", "dummy", "-r", "44100", "-p", "256")

_JACK_ENVIRONMENT = {**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"}


def needs_jack() -> bool:
    """Return whether there is no other system for MIDI here, as in many containers."""
    return sys.platform.startswith("linux") and not Path("/dev/snd/seq").exists()


def lacking() -> str:
    """Return the reason why there can be no virtual ports here; "" where there can."""
    if find_spec("rtmidi2") is None:
        return "rtmidi2 is not installed"
    if needs_jack() and shutil.which("jackd") is None:
        return "jackd is not installed"
    return "Windows has none" if sys.platform == "win32" else ""


@contextmanager
def midi_system() -> Iterator[dict[str, str]]:
    """Within it there are virtual ports; it gives the environment of programs that use them.

    Raises:
        RuntimeError: JACK is needed, and does not start.
    """
    if not needs_jack():
        yield dict(os.environ)
        return
    with jack_server() as environment:
        yield environment


@contextmanager
def jack_server(*, sturdy: bool = True) -> Iterator[dict[str, str]]:
    """Within it a server runs; it gives the environment of programs that use that one.

    sturdy: whether nothing befalls it where a client has vanished a moment ago, as usually it may.

    Raises:
        RuntimeError: it does not start, or falls.
    """
    with TemporaryFile() as log, ExitStack() as stack:
        name, server = _start_jack(stack, log, sturdy)
        # The package brings a client library that is older than the server's.
        library = ctypes.util.find_library("jack")
        yield {
            **_JACK_ENVIRONMENT,
            "JACK_DEFAULT_SERVER": name,
            "JACK_NO_START_SERVER": "1",
            **({"LD_PRELOAD": library} if library else {}),
        }
        server.terminate()
        if (code := server.wait()) != 0:
            raise RuntimeError(f"jackd has ended with code {code}")


def _start_jack(
    stack: ExitStack, log: IO[bytes], sturdy: bool
) -> "tuple[str, subprocess.Popen[bytes]]":
    """Start a server that the stack ends; return its name and its process.

    JACK keeps eight servers in its list, and takes one that crashed out of it only if another
    comes by the same name. So the names are few, and used again, and a list that nobody uses is
    begun anew.

    log: where it writes what it does.

    Raises:
        RuntimeError: it does not start; with its own words.
    """
    if not _registry_used():
        with suppress(OSError):  # another user's
            REGISTRY.unlink(missing_ok=True)
    for name in NAMES:
        server = subprocess.Popen(  # noqa: S603 - our own
            [shutil.which("jackd") or "jackd", "-r", "-n", name, *_DUMMY],
            env=_JACK_ENVIRONMENT,
            stdout=log,
            stderr=log,
            restore_signals=not sturdy,  # what ends it is a SIGPIPE, which Python ignores
        )
        stack.enter_context(server)
        stack.callback(server.terminate)
        time.sleep(STARTS_S)
        if server.poll() is None:
            return name, server
    log.seek(0)
    raise RuntimeError(f"jackd does not start:\n{log.read().decode(errors='replace')}")


def _registry_used() -> bool:
    """Return whether a program uses JACK's list of servers, as far as we may look."""
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # it has ended, or is another user's
            if str(REGISTRY) in maps.read_text():
                return True
    return False


class ClockSender:
    """A process that sends a clock from ``PORT``.

    Args:
        bpm: its tempo.
        environment: that of a ``midi_system``.

    """

    def __init__(self, bpm: float, environment: Mapping[str, str]) -> None:
        """Wait until its port is there.

        Raises:
            RuntimeError: it cannot be made.
        """
        self._process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", "tools.check.virtual_midi", str(bpm)],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # JACK's library prints whatever it does not find
            text=True,
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        if not self._process.stdout.readline():
            self.close()
            raise RuntimeError("no virtual MIDI port can be made")

    def begin(self) -> None:
        """Send a start, and pulses from then on."""
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def end(self) -> tuple[int, float]:
        """Send no more; return the number of pulses that were sent, and their tempo, BPM."""
        told, _ = self._process.communicate()
        pulses, bpm = told.split()
        return int(pulses), float(bpm)

    def close(self) -> None:
        """End the process; safe to call twice."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _send(bpm: float) -> None:
    """Send a clock from the first line that is read to the end of the input."""
    import rtmidi2  # noqa: PLC0415 - in this process alone

    api = rtmidi2.API_UNIX_JACK if needs_jack() else rtmidi2.API_UNSPECIFIED
    port = rtmidi2.MidiOut("drums", api=api)
    port.open_virtual_port(PORT)
    print("ready", flush=True)
    sys.stdin.readline()
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    port.send_raw(START)
    due_s, sent_s = time.monotonic() + 0.01, list[float]()
    while not over.is_set():
        time.sleep(max(due_s - time.monotonic(), 0.0))
        sent_s.append(time.monotonic())
        port.send_raw(PULSE)
        due_s += 60.0 / bpm / PULSES_PER_BEAT
    port.close_port()
    pulse_s = (sent_s[-1] - sent_s[0]) / (len(sent_s) - 1) if len(sent_s) > 1 else float("inf")
    print(len(sent_s), 60.0 / pulse_s / PULSES_PER_BEAT, flush=True)


def main() -> None:
    """Send what the command line asks for, once a line has come."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check.virtual_midi", description=__doc__.splitlines()[0]
    )
    parser.add_argument("bpm", type=float)
    _send(parser.parse_args().bpm)


if __name__ == "__main__":
    main()
