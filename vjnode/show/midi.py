"""MIDI of a show: controllers play it, a clock gives it the beat, and it tells what it learns."""

from collections.abc import Sequence

from vjnode.control.midi.server import MidiServer
from vjnode.control.osc_out import OscOut
from vjnode.show.clock_sync import ClockWriter
from vjnode.show.control_sync import ControlWriter
from vjnode.show.ipc.slot import Slot

LEARNED = "midi/learned"
"""Name of what is told of learning."""


def open_midi(wanted: Sequence[str], writer: ControlWriter, lead: Slot, out: OscOut) -> MidiServer:
    """Return a server of the controllers that are wanted.

    lead: where hearing finds the beat of a clock. out: who is told of what is learned.

    Raises:
        VjnodeError: the package for MIDI is missing.
    """

    def tell(text: str) -> None:
        out.announce(LEARNED, text)

    return MidiServer(wanted, writer, clock=ClockWriter(lead), tell=tell)
