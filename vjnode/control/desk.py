"""Desk: the controls of a show, and the moments at which they change by themselves.

Recalls wait for a beat, glide, and come by themselves from a set list. No clock is read here: times
and counts of beats are handed in, so that the same acts at the same times give the same show.
"""

import logging
import math
from contextlib import suppress
from dataclasses import replace

from vjnode.control.address import OF_CHOICES, Act
from vjnode.control.argument import pressed
from vjnode.control.counting import Count, Lasting, Waiting
from vjnode.control.glide import Way
from vjnode.control.parameters import QUANTISE
from vjnode.control.performing import choice_of, perform
from vjnode.control.plan import Plan
from vjnode.control.set_list import SetEntry, lacking, playable
from vjnode.control.state import Controls, Stock, change
from vjnode.errors import InputError
from vjnode.naming import choose

_log = logging.getLogger(__name__)

PANIC = Way(0.3, "linear")

AHEAD = Way(1.0)
"""Way before any recall, where there will be morphs."""

WAY_HIGH_S = 120.0
"""Longest way, s: 64 bars are longer at most tempi."""

GLANCE_S, MOMENT_S = 0.02, 0.0005
"""Longest and shortest pause between two looks at the beat while something waits for it, s."""

_WHOLE = ("preset", "set")
"""Parameters whose recall changes everything."""

WAYS = ("morph", "morph_bars", "easing")
"""Parameters that say how the next recall is made."""


class Desk:
    """Changes the controls of a show.

    Args:
        controls: as the show begins.
        stock: names to choose from; it may be replaced at any time.

    """

    def __init__(self, controls: Controls, stock: Stock) -> None:
        self.controls, self._stock = controls, stock
        self._waiting: dict[str, Waiting] = {}
        self._lasting: Lasting | None = None
        self.plan = Plan()
        self._named: tuple[tuple[str, str], ...] = ()
        self.likely: tuple[Controls, ...] = ()
        """Controls that are likely to come; whoever draws may prepare for them."""
        self._replan()

    @property
    def stock(self) -> Stock:
        """Names to choose from."""
        return self._stock

    @stock.setter
    def stock(self, stock: Stock) -> None:
        before = lacking(self._stock.entries, self._stock.presets)
        for name in sorted(lacking(stock.entries, stock.presets) - before):
            _log.warning("the set list passes over %s: its preset is gone", name)
        self._stock, self._named = stock, ()
        self._replan()

    def perform(self, act: Act, value: object, now_s: float, count: Count | None = None) -> None:
        """Do what a hand or another program asks for, now or at the beat that is to be waited for.

        now_s: monotonic s. count: None while there is no tempo.

        Raises:
            InputError: the value is nothing that the parameter takes; nothing has changed.
        """
        row = act.parameter
        if not row.recalls:
            if row.name == "panic" and pressed(row, value):
                self._panic(now_s)
            self.controls = perform(self.controls, act, value, self._stock, now_s=now_s)
            if row.name == "safe_preset":
                self._replan()
            if row.name in WAYS:
                way = self._way(self.controls, count)
                self.controls = self.controls.on_way(self.controls.glides, way)
            return
        if (name := self._chosen(act, value)) is not None:
            self._ask(row.key, name, now_s, count)

    def step(self, now_s: float, count: Count | None = None) -> None:
        """Do what is due by itself."""
        for key in [key for key, one in self._waiting.items() if one.is_due(count)]:
            name = self._waiting.pop(key).name
            try:
                self._recall(key, name, now_s, count)
            except InputError as error:  # it was deleted meanwhile
                _log.warning("%s %s is not recalled: %s", key, name, error)
            self._replan()
        if (lasting := self._lasting) is not None and lasting.is_over(now_s, count):
            self._lasting = None
            if not (coming := self._next()):
                return
            try:
                # Bars that are over have brought it to a beat.
                self._ask("set", coming, now_s, count, at_once=lasting.bars <= 0.0)
            except InputError as error:
                _log.warning("the set list does not go on: %s", error)

    def pause_s(self, now_s: float, count: Count | None = None) -> float:
        """Return how long nothing is due for sure, s; infinite where nothing ever is."""
        pauses = [math.inf]
        if self._waiting and count is not None:
            pauses += [count.left_s(one.unit) for one in self._waiting.values()]
        elif self._waiting:
            return MOMENT_S
        if self._lasting is not None:
            pauses.append(self._lasting.until_s - now_s)
            if math.isfinite(self._lasting.bars) and count is not None:
                pauses.append(count.left_s("bar"))
        if self._waiting or (self._lasting is not None and math.isfinite(self._lasting.bars)):
            pauses.append(GLANCE_S)
        return max(min(pauses), MOMENT_S)

    def begin(self, now_s: float, count: Count | None = None) -> None:
        """Begin with the entry of the set list that is on: from now on its time passes."""
        entries = self._stock.entries
        if self.controls.way is None and any(e.morph_s or e.morph_bars for e in entries.values()):
            self.controls = self.controls.on_way({}, AHEAD)  # so that it is ready for them
        if (entry := entries.get(self.controls.choice("set"))) is not None:
            self._last(entry, now_s, count)

    def _replan(self) -> None:
        on, coming = self.controls.choice("set"), self._next()
        entry = self._stock.entries.get(on)
        waiting = {key: one.name for key, one in self._waiting.items()}
        self.plan = Plan(
            on if entry is not None else "",
            entry.notes if entry is not None else "",
            coming,
            ", ".join(f"{key} {name}" for key, name in waiting.items()),
        )
        named = (*waiting.items(), ("set", coming), ("preset", self._safe()))
        whole = all(key in _WHOLE for key in waiting)
        if named == self._named and whole:  # they lead to the same, whatever is on
            return
        looks: list[Controls] = []
        for key, name in named:
            with suppress(InputError):  # there is none, or it was deleted meanwhile
                looks.append(change(self.controls, key, name, self._stock))
        self._named, self.likely = named, tuple(looks)

    def _chosen(self, act: Act, value: object) -> str | None:
        """Return the name that is chosen; None for a button that is let go."""
        row = act.parameter
        if row.name == "set" and not self._stock.entries:
            change(self.controls, row.name, value, self._stock)  # tells so
        on = self.controls
        if (waiting := self._waiting.get(row.key)) is not None:
            on = on.with_(**{row.name: waiting.name})  # the next of that
        stock = self._stock
        if act.verb in OF_CHOICES:
            stock = replace(stock, entries=playable(stock.entries, stock.presets, on.choice("set")))
        chosen = choice_of(on, act, value, stock)
        at_the_end = chosen == on.choice(row.name) and act.verb in ("next", "previous")
        if chosen is None or (at_the_end and not row.in_a_circle):
            return None
        return choose(row.name, self._stock.names(row.name), chosen, first=1)

    def _ask(
        self, key: str, name: str, now_s: float, count: Count | None, *, at_once: bool = False
    ) -> None:
        """Recall, now or at the beat that is to be waited for, instead of what waits."""
        unit = self.controls.choice("quantise")
        if count is None or unit == QUANTISE[0] or at_once:
            self._recall(key, name, now_s, count)
            self._forget(key)
        else:
            self._forget(key)
            self._waiting[key] = Waiting(name, unit, math.floor(count.of(unit)))
        self._replan()

    def _forget(self, key: str) -> None:
        """Let nothing wait that the recall of a parameter replaces."""
        if key in _WHOLE:
            self._waiting.clear()
        self._waiting.pop(key, None)

    def _recall(self, key: str, name: str, now_s: float, count: Count | None) -> None:
        target = change(self.controls, key, name, self._stock)
        entry = self._stock.entries[name] if key == "set" else None
        way = self._way(target, count, entry)
        if key in _WHOLE:
            self.controls = self.controls.gliding_to(target, way, now_s)
        else:
            self.controls = target.on_way(target.glides, way)
        if entry is not None:
            self._last(entry, now_s, count)

    def _way(self, controls: Controls, count: Count | None, entry: SetEntry | None = None) -> Way:
        bars, over_s = controls.number("morph_bars"), controls.number("morph")
        if entry is not None and (entry.morph_s is not None or entry.morph_bars is not None):
            bars, over_s = entry.morph_bars or 0.0, entry.morph_s or 0.0
        if bars and count is not None:
            over_s = min(bars * count.bar_s, WAY_HIGH_S)
        return Way(over_s, controls.choice("easing"))

    def _last(self, entry: SetEntry, now_s: float, count: Count | None) -> None:
        """Let an entry last as long as it is to."""
        self._lasting = None
        if entry.seconds is not None or entry.bars is not None:
            whole = math.floor(count.bars) if count is not None else None
            until_s = now_s + entry.seconds if entry.seconds is not None else math.inf
            self._lasting = Lasting(until_s, entry.bars or math.inf, whole)

    def _next(self) -> str:
        """Return the name of the entry after the one that is on; "" for none."""
        on = self.controls.choice("set")
        names = list(playable(self._stock.entries, self._stock.presets, on))
        at = names.index(on) + 1 if on in names else 0
        return names[at] if at < len(names) else ""

    def _panic(self, now_s: float) -> None:
        """Recall the safe preset, without the sound; nothing goes on by itself."""
        self._waiting.clear()
        self._lasting = None
        target, name = self.controls, self._safe()
        if name:
            target = change(target, "preset", name, self._stock)
        self.controls = self.controls.gliding_to(target.with_(gain=0.0), PANIC, now_s)
        self._replan()

    def _safe(self) -> str:
        """Return the name of the safe preset, or else of the first; "" for none."""
        name, presets = self.controls.choice("safe_preset"), self._stock.presets
        return name if name in presets else next(iter(presets), "")
