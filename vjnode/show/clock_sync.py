"""The beat of a MIDI clock, handed from the parent, where MIDI comes in, to hearing."""

import logging

from vjnode.audio.tempo.lead import Lead
from vjnode.audio.tempo.midi_clock import LOST_S, MESSAGES, PULSE, MidiClock
from vjnode.modulation.listener import Listener
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import pack_lead, unpack_lead

_log = logging.getLogger(__name__)

WAIT_S = 4.0
"""Time for a clock to be there after it was chosen, s, before its absence is told."""


class ClockWriter:
    """Hears the MIDI clock of one port, the first that sends one, and hands its beat over.

    Args:
        slot: where hearing finds it.

    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._port, self._clock = "", MidiClock()
        self._heard_s = self._pulsed_s = 0.0
        self._told: Lead | None = None

    def hear(self, port: str, data: bytes, at_s: float) -> None:
        """Take a message of a clock. at_s: its arrival, monotonic s."""
        if not data or data[0] not in MESSAGES:
            return
        pulses = data[0] == PULSE
        if port != self._port:
            if self._port and not (pulses and self._is_silent(at_s)):
                return
            self._forget()
            self._port = port
        self._clock.hear(data, at_s)
        self._heard_s = at_s
        if pulses:
            self._pulsed_s = at_s
        self._tell(at_s)

    def lose(self, port: str) -> None:
        """Take note that a port is gone. One that ran may be back in time, and is waited for."""
        if port == self._port and self._clock.stands:
            self._forget()

    def look(self, now_s: float) -> None:
        """Take note that time has passed: a clock that is silent is gone after a while."""
        self._tell(now_s)
        if self._told is None and now_s > self._heard_s + LOST_S:
            self._forget()

    def _forget(self) -> None:
        self._port, self._clock = "", MidiClock()
        self._heard_s = self._pulsed_s = 0.0

    def _is_silent(self, now_s: float) -> bool:
        return not self._clock.stands and now_s > self._pulsed_s + LOST_S

    def _tell(self, now_s: float) -> None:
        lead = self._clock.lead(now_s)
        if lead != self._told:
            self._told = lead
            self._slot.write(pack_lead(lead))


class LeadReader:
    """Reads the beat of a MIDI clock for hearing, and logs when a chosen clock comes or goes."""

    def __init__(self, slot: Slot, listener: Listener) -> None:
        self._slot = slot
        self._clock = listener.clock
        self._lead: Lead | None = None
        self._led: bool | None = None
        """True once it was told that the clock leads; None for nothing told since it was chosen."""
        self._chosen_s: float | None = None

    def apply(self, now_s: float) -> None:
        """Hand the newest beat over. now_s: when the newest sample was heard, monotonic s."""
        if (data := self._slot.read()) is not None:
            self._lead = unpack_lead(data)
        self._clock.lead(self._lead, now_s)
        if self._clock.source != "midi":
            self._led = self._chosen_s = None
            return
        if self._chosen_s is None:
            self._chosen_s = now_s
        if self._lead is not None and not self._led:
            self._led = True
            _log.info("the beat follows the MIDI clock: %.1f bpm", self._lead.bpm)
        elif self._lead is None and self._led:
            self._led = False
            _log.warning(
                "the MIDI clock is gone; the beat goes on, and follows the music until it is back"
            )
        elif self._led is None and now_s > self._chosen_s + WAIT_S:
            self._led = False
            _log.warning(
                "no MIDI clock comes; the beat follows the music; name its port: --midi NAME"
            )
