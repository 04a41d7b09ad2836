"""Remote show: one on another machine, played by OSC, whose values are those that it tells."""

import logging
import socket
import struct
import threading
from collections.abc import Callable, Sequence

from pythonosc.osc_message import OscMessage, ParseError

from vjnode.control.address import ROOT, Act
from vjnode.control.argument import as_number, first_of
from vjnode.control.destination import encoded
from vjnode.control.osc_out import SUBSCRIBE
from vjnode.control.osc_validation import MalformedError, check_datagram
from vjnode.control.parameter import Parameter, Value
from vjnode.control.parameters import BY_NAME
from vjnode.control.state import Controls, Stock
from vjnode.errors import InputError
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

RENEW_S = 20.0
"""Time from one subscription to the next; the show forgets a subscriber after a minute."""

SILENT_S, RETRY_S = 3.0, 1.0
"""Time without a word after which a show is gone, though it tells its status every second; and
from one subscription to the next while it is."""

_LONGEST_DATAGRAM = 65536
_WAIT_S = 0.1


class RemoteShow:
    """Plays a show by OSC, and keeps the values that it tells, so that lamps and faders follow.

    Args:
        host, port: where it listens for OSC.
        available: names of its faces, expressions and presets, as far as they are known here.
        clock: monotonic s.

    """

    def __init__(
        self,
        host: str,
        port: int,
        available: Stock,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        """Begin to listen.

        Raises:
            InputError: the host has no address.
        """
        try:
            found = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][4][0]
        except (OSError, UnicodeError) as error:
            raise InputError(
                f"--to {host}:{port}: there is no host {host} ({error}); give its address"
            ) from error
        self._host, self._port = str(found), port
        self._name = f"{host}:{port}"
        self._available = available
        self._clock = clock
        self._lock = threading.Lock()
        self._controls = Controls("", "", "")
        self._heard_s: float | None = None
        self._subscribe_s = 0.0
        self._silent_s = clock() + SILENT_S
        self._failed = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_WAIT_S)
        # It answers from another port than the one that it listens on, so this is not connected.
        self._socket.bind((_own_address(self._host, port), 0))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="remote-show", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    @property
    def controls(self) -> Controls:
        """Its controls: as it told them last, and as they were set from here since."""
        return self._controls

    @property
    def answers(self) -> bool:
        """True while it tells its values."""
        return self._heard_s is not None

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name, as far as they are known here."""
        return self._available.names(parameter)

    def perform(self, act: Act, value: object) -> None:
        """Let it do an act.

        Raises:
            InputError: the value is none that OSC can carry to a parameter.
        """
        row = act.parameter
        told = value if isinstance(value, str) else as_number(row, value)
        behind = "" if act.verb == "set" else f"/{act.choice or act.verb}"
        with self._lock:
            self._send(encoded(row.address + behind, told))
            if act.verb == "set" and row.kind in ("float", "toggle"):
                self._controls = self._controls.with_(**{row.name: _kept(row, told)})

    def _run(self) -> None:
        while not self._stopping.is_set():
            now_s = self._clock()
            self._renew(now_s)
            try:
                data, sender = self._socket.recvfrom(_LONGEST_DATAGRAM)
            except OSError:  # nothing came in time; on Windows, a closed port is told here too
                continue
            if sender[0] == self._host:
                self._hear(data, self._clock())

    def _renew(self, now_s: float) -> None:
        """Subscribe when that is due; tell once that the show is silent."""
        if now_s >= self._subscribe_s:
            self._subscribe_s = now_s + (RENEW_S if self.answers else RETRY_S)
            self._send(encoded(SUBSCRIBE, int(self._socket.getsockname()[1])))
        if now_s > self._silent_s:
            self._silent_s = float("inf")
            self._heard_s, self._subscribe_s = None, 0.0
            _log.warning(
                "%s tells nothing; it is played all the same, but lamps and faders do not follow",
                self._name,
            )

    def _hear(self, data: bytes, now_s: float) -> None:
        try:
            messages = [OscMessage(message) for message in check_datagram(data)]
        except (MalformedError, ParseError):
            return
        if not self.answers:
            _log.info("%s tells its values", self._name)
        self._heard_s, self._silent_s = now_s, now_s + SILENT_S
        for message in messages:
            row = BY_NAME.get(message.address.removeprefix(ROOT))
            if row is None or row.kind == "trigger" or not message.address.startswith(ROOT):
                continue  # a feature
            try:
                value = first_of(message.params)
                kept = _kept(row, value if isinstance(value, str) else as_number(row, value))
            except InputError:
                continue
            with self._lock:
                self._controls = self._controls.with_(**{row.name: kept})

    def _send(self, message: bytes) -> None:
        try:
            self._socket.sendto(message, (self._host, self._port))
        except OSError as error:
            if not self._failed:
                _log.warning("OSC to %s fails (%s)", self._name, error.strerror)
            self._failed = True
        else:
            self._failed = False


def _kept(row: Parameter, value: float | str) -> Value:
    """Return a value as the show itself has it and tells it.

    Raises:
        InputError: it is none that the row can have.
    """
    if row.kind == "choice":
        return str(value)
    number = as_number(row, value)
    if row.kind == "toggle":
        return number != 0.0
    return _single(row.clamped(_single(number)))


def _single(number: float) -> float:
    """Return a number as OSC carries it."""
    carried: float = struct.unpack(">f", struct.pack(">f", number))[0]
    return carried


def _own_address(host: str, port: int) -> str:
    """Return the address of this machine that a host sees."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))
            return str(probe.getsockname()[0])
    except OSError:  # no way there yet
        return ""
