"""MIDI clock: tempo, beat and bar from 24 pulses a beat, start, continue, stop, song position."""

from vjnode.audio.tempo.lead import Lead
from vjnode.audio.tempo.pulse_line import PulseLine

PULSE, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
MESSAGES = frozenset({PULSE, START, CONTINUE, STOP, POSITION})
"""First bytes of its messages."""

PULSES_PER_BEAT = 24
PULSES_PER_STEP = 6
"""Pulses in a step of the song position: a sixteenth."""

FIRST = 24
"""Pulses before the first tempo is told."""

GAP_S = 0.3
"""Longest time between two pulses of one row; those behind a longer one begin a new row."""

LOST_S = 3.0
"""Time after the last pulse of a clock that was not stopped after which it is gone. A cable that
is pulled out and plugged in again takes less."""

SLOWEST_BPM, FASTEST_BPM = 30.0, 300.0


class MidiClock:
    """Reads the messages of one MIDI clock.

    A pulse's place in the song is counted from the last start or song position. Without either,
    the tempo alone is known. While the clock is stopped, pulses go on to tell the tempo.
    """

    def __init__(self) -> None:
        self._line = PulseLine()
        self._number = 0
        """Number of the newest pulse."""
        self._offset = 0
        """Place in the song of pulse 0, in pulses."""
        self._place = 0
        """Place of the pulse that comes next after a stop."""
        self._moved = False
        """True once a song position has come since the last start or stop."""
        self._stands = False
        self._heard_s = 0.0
        self._known = False
        self._jumps = self._all_jumps = 0

    def hear(self, data: bytes, at_s: float) -> None:
        """Take one message; what is none of a clock does nothing.

        at_s: time of its arrival, s; it never goes back.
        """
        kind = data[0] if data else 0
        if kind == PULSE:
            self._pulse(at_s)
        elif kind == START:
            self._go(0, at_s)
            self._moved = False
            self._jump()
        elif kind == CONTINUE and (self._stands or self._moved):
            self._go(self._place, at_s)
        elif kind == STOP and not self._stands:
            self._place, self._stands = self._number + 1 + self._offset, True
            self._moved = False
        elif kind == POSITION and len(data) == 3 and max(data[1:]) < 128:
            self._place, self._moved = (data[2] << 7 | data[1]) * PULSES_PER_STEP, True
            self._jump()
            if not self._stands:
                self._go(self._place, at_s)

    @property
    def pulses(self) -> int:
        """Number of pulses that have come, those counted that were missed."""
        return self._number

    @property
    def stands(self) -> bool:
        """True while it is stopped."""
        return self._stands

    def lead(self, now_s: float) -> Lead | None:
        """Return where the clock is; None if there is none, or it is gone.

        now_s: present time, s.
        """
        if not self._stands and now_s > self._heard_s + LOST_S:
            self._line, self._known, self._jumps = PulseLine(), False, 0
        if not self._known or self._line.period_s <= 0.0:
            return None
        bpm = 60.0 / (self._line.period_s * PULSES_PER_BEAT)
        if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
            return None
        beats = (self._number + self._offset) / PULSES_PER_BEAT
        stands = self._stands or not len(self._line)
        return Lead(bpm, beats, self._line.newest_s, self._jumps, stands)

    def _pulse(self, at_s: float) -> None:
        passed_s, self._heard_s = at_s - self._heard_s, at_s
        missed = 0
        if passed_s > GAP_S:
            if self._known and not self._stands and len(self._line):
                missed = round(passed_s / self._line.period_s) - 1
            self._line.clear()
        self._number += 1 + missed
        self._line.push(at_s)
        self._known = self._known or len(self._line) >= FIRST

    def _go(self, place: int, at_s: float) -> None:
        """Let the next pulse be the one at ``place`` in the song."""
        if at_s > self._heard_s + GAP_S:
            self._line.clear()  # so that nothing is known of where it is until that pulse
            self._heard_s = at_s
        self._offset, self._stands = place - self._number - 1, False

    def _jump(self) -> None:
        self._all_jumps += 1
        self._jumps = self._all_jumps
