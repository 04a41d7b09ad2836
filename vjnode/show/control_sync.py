"""The controls of a show, handed from the parent to hearing and to every output."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from vjnode.control.address import OF_PRESETS, Act
from vjnode.control.counting import Count
from vjnode.control.desk import WAYS, Desk
from vjnode.control.parameters import PARAMETERS
from vjnode.control.plan import Plan
from vjnode.control.preset_job import read_job
from vjnode.control.set_list import renamed
from vjnode.control.state import Controls, Preset, Stock
from vjnode.modulation.listener import Listener
from vjnode.output.overrides import Cue
from vjnode.render.base import Look
from vjnode.render.frame_renderer import asked_look
from vjnode.runtime import monotonic_s
from vjnode.show.clock_sync import LeadReader
from vjnode.show.ipc.slot import Slot
from vjnode.show.messages import pack_controls, unpack_controls
from vjnode.show.preset_keeper import PresetKeeper

_NO_PLAN = Plan()
_OF_PRESETS = ("preset", "safe_preset", "set", "panic")


class ControlWriter:
    """The controls of a show: changed by OSC and whatever else controls it, read by every process.

    Args:
        slot: where every process finds the newest controls.
        clock: monotonic s, the one that sound is stamped with.
        keeper: keeps presets; None where they stay as they are.
        count: returns the count of beats at a moment; None while there is no tempo.

    """

    def __init__(
        self,
        controls: Controls,
        available: Stock,
        slot: Slot,
        *,
        clock: Callable[[], float] = monotonic_s,
        keeper: PresetKeeper | None = None,
        count: Callable[[float], Count | None] = lambda _: None,
    ) -> None:
        self._desk = Desk(controls, available)
        self._keeper, self._count = keeper, count
        self._slot = slot
        self._clock = clock
        self._lock = threading.Lock()
        self._holding = 0
        self._written: tuple[Controls, Plan] | None = None
        self._likely: tuple[Controls, ...] = ()
        self._looks: tuple[Look, ...] = ()
        self.changed = threading.Event()
        """Set when something is due by itself at another time than before."""
        self._write()

    @property
    def controls(self) -> Controls:
        """The newest controls."""
        return self._desk.controls

    @property
    def available(self) -> Stock:
        """Names to choose from."""
        return self._desk.stock

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""
        return self.available.names(parameter)

    def perform(self, act: Act, value: object) -> None:
        """Do what a hand or another program asks for; see ``vjnode.control.desk.Desk.perform``.

        Raises:
            InputError: the value is nothing that the parameter takes; nothing has changed.
        """
        now_s = self._clock()
        if self._keeper is not None and act.parameter.name in _OF_PRESETS and self._keeper.look():
            self._take(self._keeper.presets)
        if self._keeper is not None and act.verb in OF_PRESETS:
            self._keep(self._keeper, act, value)
            return
        timed = act.parameter.recalls or act.parameter.name in (*WAYS, "panic")
        with self._lock:
            self._desk.perform(act, value, now_s, self._count(now_s) if timed else None)
            self._write()
        if timed:
            self.changed.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hand over what changes within it at its end alone: only the newest counts."""
        with self._lock:
            self._holding += 1
        try:
            yield
        finally:
            with self._lock:
                self._holding -= 1
                self._write()

    def begin(self) -> None:
        """Begin with the set list, whose time passes from now on."""
        now_s = self._clock()
        with self._lock:
            self._desk.begin(now_s, self._count(now_s))
        self.changed.set()

    def step(self) -> float:
        """Do what is due by itself; returns how long nothing is then for sure, s."""
        now_s = self._clock()
        with self._lock:
            count = self._count(now_s)
            self._desk.step(now_s, count)
            self._write()
            return self._desk.pause_s(now_s, count)

    def _write(self) -> None:
        """Hand over what is new, unless that is held."""
        if self._holding:
            return
        desk, written = self._desk, self._written
        if written is not None and written[0] is desk.controls and written[1] is desk.plan:
            return
        self._written = desk.controls, desk.plan
        if desk.likely is not self._likely:
            self._likely = desk.likely
            self._looks = tuple(dict.fromkeys(map(asked_look, desk.likely)))
        plan = desk.plan if desk.plan != _NO_PLAN else None
        self._slot.write(pack_controls(desk.controls, plan, self._looks))

    def _keep(self, keeper: PresetKeeper, act: Act, value: object) -> None:
        """Have a preset saved, renamed, deleted or moved, as it is now, by a thread that may wait.

        Raises:
            InputError: the arguments do not fit.
        """
        arguments = value if isinstance(value, tuple) else (value,)
        job = read_job(act, arguments, self.controls, self.available.presets)
        if job is not None:
            keeper.post(job, self._take)

    def _take(self, presets: Mapping[str, Preset], on: tuple[str, str] | None = None) -> None:
        """Offer these presets from now on. on: what was on, and is now called so."""
        with self._lock:
            desk = self._desk
            stock = replace(desk.stock, presets=presets)
            names = ["preset"]
            if on is not None and on[0] not in presets:  # it has another name
                names.append("safe_preset")
                stock = replace(stock, entries=renamed(stock.entries, *on))
            desk.stock = stock
            for name in names:
                if on is not None and desk.controls.choice(name) == on[0]:
                    desk.controls = desk.controls.with_(**{name: on[1]})
            self._write()

    def replay(self, controls: Controls, before: Controls, *, later_s: float) -> None:
        """Change what changed from ``before`` to ``controls``; all else stays as it is.

        later_s: is added to the times of numbers on their way.
        """
        with self._lock:
            changed = self._desk.controls.with_(**controls.since(before))
            self._desk.controls = changed.in_motion(controls.motion(), later_s=later_s)
            self._write()


class CueReader:
    """Reads the controls' slot; nothing else has to live for it to work."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._cue = Cue()

    def newest(self) -> Cue:
        """Return what is asked for now."""
        data = self._slot.read()
        if data is not None:
            self._cue = cue_of(unpack_controls(data))
        return self._cue


def cue_of(controls: Controls) -> Cue:
    """Return what controls ask of every output."""
    return Cue(
        freeze=controls.is_on("freeze"),
        blackout=controls.is_on("blackout"),
        fade_s=controls.number("blackout_fade"),
        neutral=controls.is_on("neutral"),
    )


ON_FIRING: Mapping[str, Callable[[Listener, float], None]] = {
    "agc_reset": lambda listener, _at_s: listener.reset_gain(),
    "tap": lambda listener, at_s: listener.clock.tap(at_s),
    "double": lambda listener, at_s: listener.clock.double(at_s),
    "halve": lambda listener, at_s: listener.clock.halve(at_s),
    "resync": lambda listener, at_s: listener.clock.resync(at_s),
}
"""Effect on the listener of each trigger for hearing; it gets the time of the firing, s."""


def set_up(listener: Listener, controls: Controls, now_s: float) -> None:
    """Hand the controls that belong to hearing to a listener that begins.

    now_s: time from which a tempo that is set counts, on the clock of the sound.
    """
    listener.set_up(agc=controls.choice("agc"), gate_db=controls.number("gate"))
    listener.clock.source = controls.choice("beat_source")
    if bpm := controls.number("bpm"):
        listener.clock.set_bpm(bpm, now_s)


class HearingControl:
    """Reads the controls' slot and acts on what has changed since it was last read.

    The same for the slot of a clock outside, if there is one.

    The slot keeps the newest state only, so triggers are told by their counts: one that was
    fired twice between two reads is acted on once, with its newest time.
    """

    def __init__(self, slot: Slot, listener: Listener, lead: Slot | None = None) -> None:
        self._slot = slot
        self._listener = listener
        self._leads = LeadReader(lead, listener) if lead is not None else None
        self._controls: Controls | None = None

    def apply(self, now_s: float) -> None:
        """Act on what is new; call it between blocks.

        now_s: when the newest sample was heard, monotonic s.
        """
        self._turn(now_s)
        if self._leads is not None:
            self._leads.apply(now_s)

    def _turn(self, now_s: float) -> None:
        data = self._slot.read()
        if data is None:
            return
        controls = unpack_controls(data)
        before, self._controls = self._controls, controls
        if before is None:
            # What was fired before this process began is not fired again.
            set_up(self._listener, controls, now_s)
            return
        self._listener.set_up(agc=controls.choice("agc"), gate_db=controls.number("gate"))
        self._listener.clock.source = controls.choice("beat_source")
        if (bpm := controls.number("bpm")) != before.number("bpm"):
            self._listener.clock.set_bpm(bpm, now_s)
        for row in PARAMETERS:
            if row.kind == "trigger" and row.consumer == "hearing":
                firing = controls.fired(row.name)
                if firing.count != before.fired(row.name).count:
                    ON_FIRING[row.name](self._listener, firing.at_s)
