"""The controls of a show, handed from the parent to hearing and to every output."""

import threading
from collections.abc import Callable

from vjnode.control.state import Controls, Stock, change
from vjnode.modulation.listener import Listener
from vjnode.output.overrides import Cue
from vjnode.runtime import monotonic_s
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import pack_controls, unpack_controls


class ControlWriter:
    """The controls of a show: changed by OSC, read by hearing and engine.

    Args:
        slot: where every process finds the newest controls.
        clock: monotonic s, the one that sound is stamped with.

    """

    def __init__(
        self,
        controls: Controls,
        available: Stock,
        slot: Slot,
        clock: Callable[[], float] = monotonic_s,
    ) -> None:
        self._available = available
        self._slot = slot
        self._clock = clock
        self._lock = threading.Lock()
        self.controls = controls
        slot.write(pack_controls(controls))

    def set_parameter(self, name: str, value: object) -> None:
        """Change one parameter, or fire a trigger.

        Raises:
            InputError: the value does not fit; nothing has changed.
        """
        now_s = self._clock()  # before any waiting: a tap is when it was tapped
        with self._lock:
            self.controls = change(self.controls, name, value, self._available, now_s=now_s)
            self._slot.write(pack_controls(self.controls))


class CueReader:
    """Reads the controls' slot; nothing else has to live for it to work."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._cue = Cue()

    def newest(self) -> Cue:
        """Return what is asked for now."""
        data = self._slot.read()
        if data is not None:
            controls = unpack_controls(data)
            self._cue = Cue(
                freeze=controls.freeze,
                blackout=controls.blackout,
                fade_s=controls.blackout_fade,
                neutral=controls.neutral,
            )
        return self._cue


TRIGGERS = ("agc_reset", "tap", "double", "halve", "resync")


class HearingControl:
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
