"""MIDI server: controllers play the show, whenever they are plugged in."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from vjnode.control.midi.learner import Learner
from vjnode.control.midi.mapping import Mapping as MidiMapping
from vjnode.control.midi.mapping_files import mapping_for, scan_mappings
from vjnode.control.midi.message import Decoder
from vjnode.control.midi.player import MidiCounts, Played, Player
from vjnode.control.midi.ports import News, Ports, check_package
from vjnode.errors import InputError
from vjnode.remedies import run_vjnode
from vjnode.runtime import monotonic_s

_log = logging.getLogger(__name__)

RESTART_S = 1.0
"""Pause before the process that reads ports is started again."""

AVOID_S = 10.0
"""Time for which a port is left alone that took that process down when it was opened, and that
process where there is nothing for it to read."""

STALL_S = 15.0
"""Time after which that process, which looks at its ports twice a second, counts as hung."""

_TICK_S = 0.05
"""Time in which a lamp shows what something else has changed."""

_SETTLE_S = 0.25
"""Time that a controller takes to change its mode; lamps that are lit before stay dark."""

_MOST_COMPLAINTS = 64

_SYSTEM = 0xF0
"""First of the bytes that begin a message of the whole system, such as a clock's."""


class ClockListener(Protocol):
    """Listens to MIDI clock; see ``vjnode.show.clock_sync.ClockWriter``."""

    def hear(self, port: str, data: bytes, at_s: float) -> None:
        """Take a message of the system. at_s: its arrival, monotonic s."""

    def lose(self, port: str) -> None:
        """Take note that a port is gone."""

    def look(self, now_s: float) -> None:
        """Take note that time has passed, monotonic s."""


class MidiServer:
    """Reads controllers in a thread and lets them play, each by the mapping for its name.

    Args:
        wanted: parts of names of ports, in any case; "" stands for every one with a mapping.
        played: what they play.
        mappings: by name; None for those in the folders.
        clock: who hears clocks; None for nobody.
        tell: gets what is learned, in words.

    """

    def __init__(
        self,
        wanted: Sequence[str],
        played: Played,
        mappings: Mapping[str, MidiMapping] | None = None,
        *,
        start: Callable[[], Ports] = Ports,
        clock: ClockListener | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Start reading.

        Raises:
            VjnodeError: the package for MIDI is missing.
        """
        check_package()
        self._wanted = [name.casefold() for name in wanted]
        self._played = played
        self._mappings = (scan_mappings() if mappings is None else mappings).values()
        self._start = start
        self._clock = clock
        self.learner = Learner(tell, played.names)
        self._players: dict[str, tuple[Decoder, Player]] = {}
        self._shown: dict[str, dict[bytes, int]] = {}
        """By port, what each lamp was last sent."""
        self._light_s = 0.0
        self._settled: dict[str, float] = {}
        """By port, when its lamps may be lit, monotonic s."""
        self._opening, self._pause_s = "", RESTART_S
        self._avoided: dict[str, float] = {}
        self._said: set[str] = set()
        self.counts = MidiCounts()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            ports, self._pause_s = self._start(), RESTART_S
            heard_s = monotonic_s()
            try:
                while not self._stopping.is_set():
                    if (news := ports.receive(_TICK_S)) is not None:
                        heard_s = monotonic_s()
                        self._heed(news, ports)
                    elif monotonic_s() > heard_s + STALL_S:
                        raise EOFError
                    self._light(ports)
                    if self._clock is not None:
                        self._clock.look(monotonic_s())
                    if self.learner.look(monotonic_s(), self._mappings):
                        self._map_anew()
            except EOFError:
                self.counts.restarts += 1
                if self._opening:
                    self._avoided[self._opening] = monotonic_s() + AVOID_S
                    self._log_once(
                        f"MIDI: {self._opening} cannot be opened; it is tried again every "
                        f"{AVOID_S:g} s; does another program use it?"
                    )
                    self._opening = ""
            finally:
                ports.close()
                for port in list(self._players):
                    self._lose(port)
            self._stopping.wait(self._pause_s)

    def _heed(self, news: News, ports: Ports) -> None:
        match news.kind:
            case "ports":
                if news.text and not self.counts.opened:
                    self._log_once(f"MIDI finds nothing: {news.text}")
                for port in news.ports:
                    if self._is_to_open(port):
                        ports.open(port)
            case "opening":
                self._opening = news.port
            case "opened":
                self._opening = ""
                self._opened(news.port, ports)
            case "lost":
                self._lose(news.port)
                _log.warning("MIDI: %s is gone; it plays again when it is back", news.port)
            case "data":
                self.handle(news.port, news.data, news.at_s)
            case "failed":
                self._pause_s = AVOID_S
                self._log_once(f"MIDI cannot be read: {news.text}")

    def _is_to_open(self, port: str) -> bool:
        if port in self._players or monotonic_s() < self._avoided.get(port, 0.0):
            return False
        name = port.casefold()
        named = any(part and part in name for part in self._wanted)
        if not named and "" not in self._wanted:
            return False  # it may be another program's
        return named or self.learner.learns or mapping_for(port, self._mappings) is not None

    def _opened(self, port: str, ports: Ports) -> None:
        known = mapping_for(port, self._mappings)
        player = self._player(port)
        self._players[port] = Decoder(), player
        self._shown[port] = {}
        self.counts.opened += 1
        if player.mapping.start:
            ports.send(port, player.mapping.start, player.mapping)
            self._settled[port] = monotonic_s() + _SETTLE_S
        if known is not None:
            _log.info("MIDI: %s plays, by the mapping %s", port, known.name)
        elif not self.learner.learns:
            learn = run_vjnode("midi", "learn", "gain")
            self._log_once(
                f"MIDI: there is no mapping for {port}, so it plays nothing, and nothing but its "
                f"clock is heard; make one: {learn}"
            )

    def _player(self, port: str) -> Player:
        """Return a player by the mapping for a port; one that plays nothing where there is none."""
        mapping = mapping_for(port, self._mappings) or MidiMapping(port, "", (port,))
        return Player(mapping, self._played, self.counts)

    def _map_anew(self) -> None:
        """Let every controller play by the mappings that are there now."""
        self._mappings = scan_mappings().values()
        for port, (decoder, before) in list(self._players.items()):
            player = self._player(port)
            player.carry_on(before)
            self._players[port] = decoder, player

    def _lose(self, port: str) -> None:
        if (gone := self._players.pop(port, None)) is not None:
            self.counts.lost += 1
            if self._clock is not None:
                self._clock.lose(port)
            try:
                gone[1].release()
            except InputError as error:
                self._log_once(f"MIDI: {error}")

    def _light(self, ports: Ports) -> None:
        """Send the lamps what has changed; all of them to a controller that has come."""
        if monotonic_s() < self._light_s:
            return
        self._light_s = monotonic_s() + _TICK_S
        for port, (_, player) in self._players.items():
            if monotonic_s() < self._settled.get(port, 0.0):
                continue
            shown = self._shown[port]
            lights = player.lights()
            if changed := {lamp: on for lamp, on in lights.items() if shown.get(lamp) != on}:
                shown |= changed
                messages = [lamp + bytes([on]) for lamp, on in changed.items()]
                ports.send(port, messages, player.mapping)

    def handle(self, port: str, data: bytes, at_s: float) -> None:
        """Act on one message of a port; never raises, whatever it contains. at_s: its arrival."""
        if (playing := self._players.get(port)) is None:
            return
        if data and data[0] >= _SYSTEM:
            self.counts.clock += 1
            if self._clock is not None:
                self._clock.hear(port, data, at_s)
            return
        self.counts.received += 1
        decoder, player = playing
        try:
            events = decoder.decode(data)
            if self.learner.takes(port, events, player):
                return
            player.moved(self._shown[port], events)
            player.play(events)
        except InputError as error:
            self.counts.rejected += 1
            self._log_once(f"MIDI: {port}: {error}")

    def _log_once(self, text: str) -> None:
        if text not in self._said and len(self._said) < _MOST_COMPLAINTS:
            self._said.add(text)
            _log.warning("%s", text)
