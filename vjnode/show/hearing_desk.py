"""What hands do to hearing: the newest controls, applied to the listener."""

from vjnode.control.state import Controls
from vjnode.modulation.listener import Listener
from vjnode.show.links import unpack_controls
from vjnode.show.slot import Slot

TRIGGERS = ("agc_reset", "tap", "double", "halve", "resync")


class HearingDesk:
    """Reads the controls' slot and acts on what has changed since it was last read.

    The slot keeps the newest state only, so triggers are told by their counts: one that was
    fired twice between two reads is acted on once, with its newest time.
    """

    def __init__(self, slot: Slot, listener: Listener) -> None:
        self._slot = slot
        self._listener = listener
        self._controls: Controls | None = None

    def apply(self, now_s: float) -> None:
        """Act on what is new; call it between blocks.

        now_s: when the newest sample was heard, monotonic s.
        """
        data = self._slot.read()
        if data is None:
            return
        controls = unpack_controls(data)
        before, self._controls = self._controls, controls
        self._listener.set_up(agc=controls.agc, gate_db=controls.gate)
        clock = self._listener.clock
        if before is None:
            # What was fired before this process began is not fired again.
            if controls.bpm:
                clock.set_bpm(controls.bpm, now_s)
            return
        if controls.bpm != before.bpm:
            clock.set_bpm(controls.bpm, now_s)
        for trigger in TRIGGERS:
            if getattr(controls, f"{trigger}_count") != getattr(before, f"{trigger}_count"):
                self._fire(trigger, getattr(controls, f"{trigger}_s"))

    def _fire(self, trigger: str, now_s: float) -> None:
        if trigger == "agc_reset":
            self._listener.reset_gain()
        else:
            getattr(self._listener.clock, trigger)(now_s)
