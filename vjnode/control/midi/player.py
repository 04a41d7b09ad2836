"""Player: the controls of one controller play the show, by its mapping."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from vjnode.control.address import Act
from vjnode.control.midi.mapping import Control, LayerButton, Mapping
from vjnode.control.midi.message import TOP, Event, Source, steps
from vjnode.control.state import Controls
from vjnode.errors import InputError

NEAR = 1.5 / TOP
"""Part of the way within which a fader stands where the value is."""

MOST_STEPS = 8
"""Choices that one turn of an encoder passes at most."""


class Played(Protocol):
    """A show that can be played; see ``ControlWriter``."""

    @property
    def controls(self) -> Controls:
        """Return the controls as they are now."""

    def names(self, parameter: str) -> Sequence[str]:
        """Return the choices of the parameter of that name."""

    def perform(self, act: Act, value: object) -> None:
        """Do an act.

        Raises:
            InputError: the value is nothing that the parameter takes.
        """


@dataclass
class MidiCounts:
    """Counts of MIDI messages.

    received: messages of all controllers. clock: those of a clock, beside them.
    unmapped: those of controls that do nothing.
    waiting: movements of faders that had yet to reach the value. rejected: what did not fit.
    opened, lost: ports. restarts: of the process that reads them.
    """

    received: int = 0
    clock: int = 0
    unmapped: int = 0
    waiting: int = 0
    rejected: int = 0
    opened: int = 0
    lost: int = 0
    restarts: int = 0


class Player:
    """Does what the events of one controller mean.

    A fader takes over by crossing: it has an effect once it reaches or passes the value, and from
    then on, until anything else changes that value: a preset, OSC, another controller, a layer.
    """

    def __init__(self, mapping: Mapping, played: Played, counts: MidiCounts) -> None:
        self.mapping = mapping
        self._played = played
        self._counts = counts
        self._controls = {(one.source, one.layer): one for one in mapping.controls}
        self._sources = {source for source, _ in self._controls}
        self._lit = {one.source for one in mapping.controls if one.light or one.ring}
        self._buttons: dict[Source, LayerButton] = {one.source: one for one in mapping.layers}
        self._layers: list[str] = []
        """Layers that are on; the last one counts first."""
        self._bank = next((one.bank for one in mapping.controls if one.bank), "")
        """The bank of the control that was moved last."""
        self._ways: dict[Source, float] = {}
        """Last place of each control."""
        self._down: set[Source] = set()
        self._held: dict[Source, tuple[Control, object]] = {}
        """Controls that are held, each with the value that comes back when it is let go."""
        self._left: dict[Control, tuple[float, float]] = {}
        """The value at which each fader left its parameter, and its own place then."""

    def play(self, events: Sequence[Event]) -> None:
        """Do what the events of one message mean.

        Raises:
            InputError: a value does not fit: a choice that there is not.
        """
        known = False
        for event in events:
            source, before = event.source, self._ways.get(event.source)
            self._ways[source] = event.way
            pressed = self._pressed(event)
            self._bank = self._bank_of(source)
            if (button := self._buttons.get(source)) is not None:
                known = True
                self._switch(button, pressed)
            elif source in self._sources:
                known = True
                self._act(event, before, pressed)
        self._counts.unmapped += bool(events) and not known

    def overlook(self, events: Sequence[Event]) -> None:
        """Take note of where controls are now, and do nothing."""
        for event in events:
            self._ways[event.source] = event.way
            self._pressed(event)
            self._bank = self._bank_of(event.source)

    def carry_on(self, before: "Player") -> None:
        """Go on from another player of the same controller, that had another mapping."""
        before.release()
        self._ways, self._down, self._left = before._ways, before._down, before._left
        names = {button.name for button in self.mapping.layers}
        self._layers = [name for name in before._layers if name in names]
        if before._bank in {one.bank for one in self.mapping.controls}:
            self._bank = before._bank

    @property
    def layer(self) -> str:
        """The layer that is on; "" for none."""
        return self._layers[-1] if self._layers else ""

    def switches(self, source: Source) -> bool:
        """Return whether a control switches a layer."""
        return source in self._buttons

    def release(self) -> None:
        """Let go whatever is held, because the controller is gone."""
        for source in list(self._held):
            self._let_go(source)

    def control_of(self, source: Source) -> Control | None:
        """Return what a control does now: in the layer that is on, or else in none."""
        for layer in (*reversed(self._layers), ""):
            if (control := self._controls.get((source, layer))) is not None:
                return control
        return None

    def lights(self) -> dict[bytes, int]:
        """Return what each lamp and ring is to be sent: the last byte, by the bytes before it."""
        told = {}
        for source in self._lit:
            if (control := self.control_of(source)) is None or control.bank not in ("", self._bank):
                continue
            if (light := control.light) is not None:
                told[light.lamp] = light.on if self._is_on(control) else light.off
            elif (ring := control.ring) is not None:
                now = self._played.controls.number(control.act.parameter.name)
                told[ring.lamp] = ring.shows(control.way_of(now))
        return told

    def moved(self, shown: dict[bytes, int], events: Sequence[Event]) -> None:
        """Note in ``shown`` what the controller shows by itself after these events.

        A ring that takes its control's own message stands where that was turned to. Another, or a
        lamp, may have been changed by the controller, and is sent anew; all are in another bank.
        """
        for event in events:
            if self._bank_of(event.source) != self._bank:
                shown.clear()
            if event.source not in self._lit:
                continue
            if (control := self.control_of(event.source)) is None:
                continue
            if (ring := control.ring) is not None and ring.lamp == event.source.message:
                shown[ring.lamp] = event.raw
            elif (lamp := control.light or ring) is not None:
                shown.pop(lamp.lamp, None)

    def _bank_of(self, source: Source) -> str:
        """Return the bank that is on once a control is moved."""
        control = self.control_of(source)
        return (control.bank if control is not None else "") or self._bank

    def _is_on(self, control: Control) -> bool:
        """Return whether what a control does is so now, or else whether it is held down."""
        row, now = control.act.parameter, self._played.controls
        if row.kind == "toggle":
            return now.is_on(row.name)
        if row.kind == "float" and control.mode in ("value", "momentary"):
            return now.number(row.name) == control.value
        if row.kind == "choice" and (control.act.choice or control.mode == "value"):
            names, chosen = self._played.names(row.name), control.act.choice or control.value
            if isinstance(chosen, float):
                chosen = names[int(chosen) - 1] if 0 < chosen <= len(names) else ""
            return now.choice(row.name).casefold() == chosen.casefold()
        return control.source in self._down

    def _pressed(self, event: Event) -> bool | None:
        """Return whether the event presses (True) or lets go (False); None for neither."""
        source, was = event.source, event.source in self._down
        if source.kind == "program":
            return True
        down = event.way > 0.0 if source.kind == "note" else event.way >= 0.5
        (self._down.add if down else self._down.discard)(source)
        if source.kind == "note" or down != was:
            return down
        return None

    def _switch(self, button: LayerButton, pressed: bool | None) -> None:
        on = button.name in self._layers
        wanted = not on if button.latch and pressed else on if button.latch else bool(pressed)
        if pressed is None or wanted == on:
            return
        if wanted:
            self._layers.append(button.name)
        else:
            self._layers.remove(button.name)

    def _act(self, event: Event, before: float | None, pressed: bool | None) -> None:
        if pressed is False and event.source in self._held:
            self._let_go(event.source)
            return
        if (control := self.control_of(event.source)) is None:
            return
        row = control.act.parameter
        match control.mode:
            case "absolute":
                self._follow(control, before, event.way)
            case "relative":
                self._turn(control, steps(control.encoder, event.raw))
            case "choice":
                self._choose(control, event, before)
            case _ if not pressed:
                return
            case "toggle":
                on = self._played.controls.is_on(row.name)
                self._played.perform(control.act, float(not on))
            case "momentary":
                self._hold(control)
            case "value":
                self._played.perform(control.act, control.value)
            case "trigger":
                self._played.perform(control.act, 1.0)

    def _follow(self, control: Control, before: float | None, way: float) -> None:
        name = control.act.parameter.name
        now = self._played.controls.number(name)
        if control.takeover and self._left.get(control) != (now, before):
            here = control.way_of(now)
            crossed = before is not None and (before - here) * (way - here) <= 0.0
            if not crossed and abs(way - here) > NEAR:
                self._counts.waiting += 1
                return
        self._played.perform(control.act, control.value_at(way))
        self._left[control] = self._played.controls.number(name), way

    def _turn(self, control: Control, count: int) -> None:
        row = control.act.parameter
        if row.kind == "choice":
            verb = "next" if count > 0 else "previous"
            for _ in range(min(abs(count), MOST_STEPS)):
                self._played.perform(Act(row, "next" if verb == "next" else "previous"), 1.0)
            return
        now = self._played.controls.number(row.name)
        if now == row.off and not row.low <= now <= row.high:
            raise InputError(f"{row.name} is {row.off:g} ({row.off_means}); set it first")
        way = control.way_of(now) + count * control.step
        self._played.perform(control.act, control.value_at(way))

    def _choose(self, control: Control, event: Event, before: float | None) -> None:
        """Choose by a program's number, or by a fader's place once that has changed."""
        if event.source.kind == "program":
            first = control.value if isinstance(control.value, float) else 1.0
            self._played.perform(control.act, event.raw + first)
            return
        names = self._played.names(control.act.parameter.name)
        if before is None or not names:
            return

        def place(way: float) -> int:
            across = 1.0 - way if control.inverted else way
            return min(math.floor(across * len(names)), len(names) - 1)

        if place(event.way) != place(before):
            self._played.perform(control.act, names[place(event.way)])

    def _hold(self, control: Control) -> None:
        row = control.act.parameter
        before = self._played.controls.value(row.name)
        value = control.value if row.kind == "float" else 1.0
        if control.source not in self._held:
            self._held[control.source] = control, 0.0 if row.kind == "toggle" else before
        self._played.perform(control.act, value)

    def _let_go(self, source: Source) -> None:
        """Undo what holding did, unless something else has changed it meanwhile."""
        control, before = self._held.pop(source)
        row = control.act.parameter
        if row.kind == "toggle" or self._played.controls.value(row.name) == control.value:
            self._played.perform(control.act, before)
