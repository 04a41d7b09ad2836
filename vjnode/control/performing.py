"""Performing: what a hand or a program asks for, done to the state of all parameters."""

import random
from collections.abc import Callable, Sequence

from vjnode.control.address import OF_PRESETS, Act
from vjnode.control.argument import as_number, pressed
from vjnode.control.state import Controls, Stock, change
from vjnode.errors import InputError


def perform(
    controls: Controls,
    act: Act,
    value: object,
    stock: Stock,
    *,
    now_s: float = 0.0,
    pick: Callable[[Sequence[str]], str] = random.choice,
) -> Controls:
    """Return ``controls`` after an act, with whatever a hand or a program sent along.

    A number out of range goes as far as the range does. A button that is let go, which sends 0,
    does nothing. now_s: present time, monotonic s; for triggers. pick: chooses at random.

    Raises:
        InputError: the value is nothing that the parameter takes.
    """
    row = act.parameter
    if act.verb in OF_PRESETS:
        raise InputError("presets are kept by a show that runs, or by: vjnode presets")
    if row.kind == "trigger":
        return change(controls, row.name, float(pressed(row, value)), stock, now_s=now_s)
    if row.kind == "toggle":
        return controls.with_(**{row.name: as_number(row, value) != 0.0})
    if row.kind == "float":
        return controls.moved(row.name, _moved(controls, act, as_number(row, value)), now_s)
    chosen = choice_of(controls, act, value, stock, pick)
    return controls if chosen is None else change(controls, row.name, chosen, stock)


def _moved(controls: Controls, act: Act, number: float) -> float:
    """Return the value of a float after an act with a number."""
    row = act.parameter
    if act.verb == "norm":
        return row.at(number)
    if act.verb == "add":
        now = controls.number(row.name)
        if now == row.off and row.off is not None:
            raise InputError(f"{row.name} is {row.off:g} ({row.off_means}); set it before you add")
        return min(max(now + number, row.low), row.high)
    return row.clamped(number)


def choice_of(
    controls: Controls,
    act: Act,
    value: object,
    stock: Stock,
    pick: Callable[[Sequence[str]], str] = random.choice,
) -> str | float | None:
    """Return the name or number that is chosen; None for a button that is let go.

    Raises:
        InputError: the value is nothing that the parameter takes.
    """
    row = act.parameter
    if act.verb == "set":
        chosen = value if isinstance(value, str) else as_number(row, value)
        return chosen or None
    if not pressed(row, value):
        return None
    names, now = list(stock.names(row.name)), controls.choice(row.name)
    if act.verb == "choose" or not names:
        return act.choice
    if act.verb == "random":
        return pick([name for name in names if name != now] or names)
    step = 1 if act.verb == "next" else -1
    at = (names.index(now) if now in names else min(-step, 0)) + step
    return names[at % len(names) if row.in_a_circle else min(max(at, 0), len(names) - 1)]
