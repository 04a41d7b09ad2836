"""Ports: the process that reads MIDI ports, and the way to it.

It is a process of its own because the package ends the whole process when a port cannot be opened,
as one that another program uses on Windows: a show must not go with it.
"""

import contextlib
import multiprocessing
import os
import queue
import re
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from multiprocessing.connection import Connection
from typing import Any, Literal

from vjnode.control.midi.mapping import Mapping
from vjnode.errors import VjnodeError
from vjnode.remedies import install_extra, run_as_root
from vjnode.runtime import monotonic_s

PACKAGE = "rtmidi2"

POLL_S = 0.5
"""Time from one look at the list of ports to the next: no system tells what comes and goes."""

CLOSE_S, END_S = 0.3, 0.5
"""Time, s, after which ports that hang as they are closed are left, and the process is killed."""

CLIENT = "vjnode"

_OWN = re.compile(rf"{CLIENT}(-\d+)?:")
"""Linux: a port by which this program sends a controller its lamps. It can be read like one."""

_NUMBERS = re.compile(r"\s+\d+:\d+$")  # ALSA: client and port, which change with every plug
_INDEX = re.compile(r"\s+\d+$")  # Windows: its place in the list


@dataclass(frozen=True)
class News:
    """One thing that the process tells.

    kind: ``ports``, the list of them, at each look, with ``text`` that tells why there are none;
        ``opening``, ``opened``, ``lost`` a port;
        ``data``, a message of it, that came at ``at_s``, monotonic s;
        ``failed``, nothing can be read, and ``text`` tells why.
    """

    kind: Literal["ports", "opening", "opened", "lost", "data", "failed"]
    port: str = ""
    data: bytes = b""
    ports: tuple[str, ...] = ()
    text: str = ""
    at_s: float = 0.0


def labels(names: Sequence[str], system: str = sys.platform) -> list[str]:
    """Return the ports' names without their numbers; the second of one name ends in " (2)".

    system: as in ``sys.platform``.
    """
    number = _INDEX if system == "win32" else _NUMBERS
    plain = [number.sub("", name) for name in names]
    return [
        name if (nth := plain[:at].count(name)) == 0 else f"{name} ({nth + 1})"
        for at, name in enumerate(plain)
    ]


def paired(
    port: str, inputs: Sequence[str], outputs: Sequence[str], mapping: Mapping
) -> str | None:
    """Return the output of the controller that an input belongs to; None for none.

    It has the same name, or else, as some systems name the two by what they carry, the same place
    among those that the mapping is for.
    """
    if port in outputs:
        return port
    ins = [name for name in inputs if mapping.fit(name)]
    outs = [name for name in outputs if mapping.fit(name)]
    at = ins.index(port) if port in ins else len(outs)
    return outs[at] if at < len(outs) else None


def check_package() -> None:
    """Make sure that MIDI can be read at all.

    Raises:
        VjnodeError: its package is missing; with the remedy.
    """
    if find_spec(PACKAGE) is None:
        raise VjnodeError(f"MIDI needs {PACKAGE}; run: {install_extra('midi')}")


class Ports:
    """The process that reads MIDI ports, while it lives."""

    def __init__(self) -> None:
        """Start it."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=read_ports, args=(theirs,), name="midi", daemon=True)
        self._process.start()
        theirs.close()  # so that this end is told when the process ends

    def receive(self, timeout_s: float) -> News | None:
        """Return the next thing that it tells; None if there is none in time.

        Raises:
            EOFError: the process has ended.
        """
        try:
            if not self._connection.poll(timeout_s):
                return None
            news = self._connection.recv()
        except OSError as error:
            raise EOFError from error
        if not isinstance(news, News):
            raise EOFError
        return news

    def open(self, port: str) -> None:
        """Ask for the messages of a port."""
        self._ask("open", port, ())

    def send(self, port: str, messages: Sequence[bytes], mapping: Mapping) -> None:
        """Send messages to the output that belongs to a port, if there is one; see ``paired``."""
        self._ask("send", port, (tuple(messages), replace(mapping, controls=())))

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(1.0)

    def _ask(self, *words: object) -> None:
        with contextlib.suppress(OSError):  # it has ended: ``receive`` says so
            self._connection.send(words)


def read_ports(connection: Connection) -> None:
    """Read ports until the other end of the connection is closed; the work of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the show, which ends this
    # The package and the sound systems below it print whatever they do not find.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    waiting: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                waiting.put(connection.recv())
        except (EOFError, OSError):
            waiting.put(("end", "", ()))
            time.sleep(CLOSE_S)  # a driver may hang
            os._exit(0)

    threading.Thread(target=listen, name="orders", daemon=True).start()
    try:
        _Reader(connection, waiting).run()
    except OSError:
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, the show is told
        with contextlib.suppress(OSError):
            connection.send(News("failed", text=f"{error}{_remedy()}"))


def _remedy() -> str:
    if not sys.platform.startswith("linux"):
        return ""
    return f"; run: {run_as_root('modprobe', 'snd-seq')}"


class _Reader:
    """Looks at the list of ports, opens those that are asked for, and passes on what they say."""

    def __init__(
        self, connection: Connection, waiting: "queue.SimpleQueue[tuple[str, str, Any]]"
    ) -> None:
        import rtmidi2  # noqa: PLC0415 - in this process alone

        self._rtmidi = rtmidi2
        self._connection = connection
        self._waiting = waiting
        self._lacking = ""
        """Tells that the usual system is not there."""
        self._api, self._list = self._system()
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}

    def _system(self) -> tuple[int, Any]:
        """Return the MIDI system that is there: the usual one, or else JACK."""
        kind = self._rtmidi
        try:
            return kind.API_UNSPECIFIED, kind.MidiIn(CLIENT)
        except RuntimeError as error:
            if not sys.platform.startswith("linux"):
                raise
            self._lacking = f"{str(error).rstrip('. ')}{_remedy()}"
            os.environ.setdefault("JACK_NO_START_SERVER", "1")
            return kind.API_UNIX_JACK, kind.MidiIn(CLIENT, api=kind.API_UNIX_JACK)

    def run(self) -> None:
        look_s = monotonic_s()
        while True:
            now_s = monotonic_s()
            if now_s >= look_s:
                self._look()
                look_s = now_s + POLL_S
            with contextlib.suppress(queue.Empty):
                order, port, what = self._waiting.get(timeout=max(look_s - now_s, 0.001))
                if order == "data":
                    data, at_s = what
                    self._connection.send(News("data", port, bytes(data), at_s=at_s))
                elif order == "open":
                    self._open(port)
                elif order == "send":
                    self._send(port, *what)
                elif order == "end":
                    self._close()
                    return

    def _close(self) -> None:
        """Take leave of the MIDI system: a JACK server may fall over clients that just vanish."""
        for port in (*self._inputs.values(), *self._outputs.values(), self._list):
            port.close_port()
        self._inputs.clear()
        self._outputs.clear()
        self._list = None

    def _look(self) -> None:
        there = labels(self._list.ports)
        for port in self._inputs.keys() - set(there):
            self._inputs.pop(port).close_port()
            if (output := self._outputs.pop(port, None)) is not None:
                output.close_port()
            self._connection.send(News("lost", port))
        others = tuple(port for port in there if not _OWN.match(port))
        text = "" if others else self._lacking
        self._connection.send(News("ports", ports=others, text=text))

    def _open(self, port: str) -> None:
        there = labels(self._list.ports)
        if port in self._inputs or port not in there:
            return
        self._connection.send(News("opening", port))  # the last thing heard if that ends all
        midi = self._rtmidi.MidiIn(CLIENT, api=self._api)
        midi.ignore_types(midi_sysex=True, midi_time=False, midi_sense=True)

        def receive(data: list[int], _since_s: float) -> None:
            self._waiting.put(("data", port, (data, monotonic_s())))

        midi.callback = receive
        try:
            midi.open_port(there.index(port))
        except (RuntimeError, SystemError, ValueError):  # gone meanwhile, or not yet there
            return
        self._inputs[port] = midi
        self._connection.send(News("opened", port))

    def _send(self, port: str, messages: Sequence[bytes], mapping: Mapping) -> None:
        if (output := self._outputs.get(port)) is None:
            output = self._rtmidi.MidiOut(CLIENT, api=self._api)
            there = labels(output.ports)
            name = paired(port, labels(self._list.ports), there, mapping)
            if port not in self._inputs or name is None:
                return
            output.open_port(there.index(name))
            self._outputs[port] = output
        for message in messages:
            output.send_raw(*message)
