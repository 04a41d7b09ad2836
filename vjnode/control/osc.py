"""OSC server: datagrams change the controls, by the addresses of ``vjnode.control.parameters``."""

import errno
import logging
import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage, ParseError

from vjnode.control.address import OF_PRESETS, ROOT, Act, read_address
from vjnode.control.argument import as_number, first_of
from vjnode.control.destination import Sender
from vjnode.control.osc_out import ASKING, OscOut
from vjnode.control.osc_validation import MalformedError, check_datagram
from vjnode.control.parameter import MAX_SHOWN
from vjnode.errors import InputError, VjnodeError, reason_of

_log = logging.getLogger(__name__)

_RECEIVE_BUFFER = 4 << 20  # bytes; a burst of ten thousand messages waits here and is not lost
_LONGEST_DATAGRAM = 65536
"""Bytes; more than UDP can carry. A datagram longer than the buffer is cut off by Linux and macOS;
on Windows it is an error that names no sender."""

LEARN = f"{ROOT}midi/learn"
"""Address of who wants a MIDI control to be mapped, and the beginning of others."""

_MAX_THINGS, _MAX_COMPLAINTS = 64, 8

_MAX_KNOWN = 4096
"""Addresses that are remembered; a sender may make up any number."""

_AT_ONCE = 64
"""Datagrams that are acted on before what they change is handed over: about a millisecond's."""

_LOOK_S = 0.2
"""Time, s, after which the thread looks whether it is to end."""


@dataclass
class OscCounts:
    """Counts of OSC messages.

    received: messages and unreadable datagrams.
    rejected: those that changed nothing because they were malformed, unknown or did not fit.
    clamped: those whose number was out of range, and went as far as the range does.
    """

    received: int = 0
    rejected: int = 0
    clamped: int = 0


class OscServer:
    """Listens on one UDP port in a thread and passes every good message to ``perform``.

    Args:
        perform: called with what is to be done and the message's argument, None for none, or all
            of them where presets are kept; raises InputError when that does not fit, which is
            counted and logged once.
        out: who is told of values; it learns who moved a parameter, and serves who asks for them.
        learn: serves the addresses that begin with ``LEARN``: gets the rest, and the argument;
            raises InputError likewise. None where no MIDI is read.
        held: returns a context for messages that came together, at whose end all count.

    """

    def __init__(
        self,
        host: str,
        port: int,
        perform: Callable[[Act, object], None],
        out: OscOut | None = None,
        *,
        learn: Callable[[str, object], None] | None = None,
        held: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Bind the port.

        Raises:
            VjnodeError: the port is taken or the host is not one of this machine.
        """
        self._perform, self._out = perform, out
        self._learn, self._held = learn, held
        self._handling = threading.Lock()
        self._known: dict[str, Act] = {}
        """Addresses that came, and what they do."""
        self._complaints: dict[str, set[str]] = {}
        self.counts = OscCounts()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise VjnodeError(_cannot_bind(host, port, error)) from error
        self._socket.setblocking(False)
        self.port = int(self._socket.getsockname()[1])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        come = selectors.DefaultSelector()
        come.register(self._socket, selectors.EVENT_READ)
        while not self._stopping.is_set():
            # To wait before each, or to hand over after each, would cost as much again.
            with self._held():
                all_taken = not all(self._take_one() for _ in range(_AT_ONCE))
            if all_taken:
                come.select(_LOOK_S)
        come.close()

    def _take_one(self) -> bool:
        """Act on the next datagram; returns whether there was one."""
        try:
            data, sender = self._socket.recvfrom(_LONGEST_DATAGRAM)
        except BlockingIOError:
            return False
        except OSError as error:  # Windows reports a sender's closed port here
            self._log_once("socket", "OSC", error)
            return True
        self.handle(data, sender[0], sender[1])
        return True

    def handle(self, data: bytes, sender: str, port: int = 0) -> None:
        """Act on one datagram; never raises, whatever it contains.

        sender, port: host and port that it came from. It may be called from several threads.
        """
        with self._handling:
            self._handle(data, sender, port)

    def _handle(self, data: bytes, sender: str, port: int) -> None:
        try:
            # Time tags are ignored: a show acts on every message as soon as it arrives.
            messages = [OscMessage(message) for message in check_datagram(data)]
        except (MalformedError, ParseError) as error:
            self.counts.received += 1
            self.counts.rejected += 1
            self._log_once(sender, f"OSC datagram from {sender} refused", error)
            return
        for message in messages:
            self.counts.received += 1
            try:
                self._act(message, (sender, port))
            except InputError as error:
                self.counts.rejected += 1
                address = message.address
                about = address if address in self._known else sender
                self._log_once(about, f"OSC {address[:MAX_SHOWN]} refused", error)

    def _act(self, message: OscMessage, sender: Sender) -> None:
        out = self._out
        if out is not None and message.address in ASKING:
            out.take(message.address, first_of(message.params), sender)
            return
        if message.address.startswith(LEARN):
            if self._learn is None:
                raise InputError("no MIDI is read; begin the show with --midi")
            self._learn(message.address.removeprefix(LEARN), first_of(message.params))
            return
        if (act := self._known.get(message.address)) is None:
            act = read_address(message.address)
            if len(self._known) < _MAX_KNOWN:
                self._known[message.address] = act
        row, all_of_them = act.parameter, act.verb in OF_PRESETS
        value = tuple(message.params) if all_of_them else first_of(message.params)
        if out is not None and act.verb == "set":
            out.moved(row.name, sender)
        self._perform(act, value)
        if row.kind == "float" and act.verb != "add":
            number = as_number(row, value)
            fits = row.fits(number) if act.verb == "set" else 0.0 <= number <= 1.0
            self.counts.clamped += not fits

    def _log_once(self, about: str, what: str, error: Exception) -> None:
        """Log each complaint once, and few about one subject, so that no sender fills the log."""
        if about not in self._complaints and len(self._complaints) >= _MAX_THINGS:
            return
        said = self._complaints.setdefault(about, set())
        if len(said) > _MAX_COMPLAINTS:
            return  # before the error says what it is: to find a name that is like one takes time
        if (text := f"{what}: {error}") in said:
            return
        said.add(text)
        if len(said) > _MAX_COMPLAINTS:
            text = f"OSC: further complaints about {about} are counted and not logged"
        _log.warning("%s", text)


def _cannot_bind(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        remedy = f"take an address of this machine: --osc 127.0.0.1:{port}, or 0.0.0.0:{port}"
    else:
        other = f"--osc {host}:{port % 65535 + 1}"
        remedy = f"if another vjnode runs, end it, or choose another port: {other}"
    return f"OSC cannot listen on {host}:{port} ({reason_of(error)}); {remedy}"
