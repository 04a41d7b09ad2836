"""Makers of rows of the table of parameters, one for each kind, and one for all routes."""

from vjnode.control.parameter import Consumer, Firing, Parameter
from vjnode.modulation.matrix import AMOUNT_HIGH, AMOUNT_LOW, CHANNELS, SOURCES, default_route

_TAPERS = {"×": 2.0, "s": 3.0, "Hz": 3.0}
"""Tapers of faders by unit: half of a gain's way is 1, and short times are told apart."""


def number_row(
    name: str,
    about: str,
    low: float,
    high: float,
    default: float,
    *,
    consumer: Consumer = "frame",
    unit: str = "",
    stays: bool = False,
    stored_as: str = "",
    glides: bool = True,
) -> Parameter:
    """Return the row of a number; see ``Parameter``. What belongs to the room does not glide."""
    return Parameter(
        name,
        "float",
        about,
        consumer,
        default,
        low,
        high,
        unit,
        taper=_TAPERS.get(unit, 1.0),
        stays=stays,
        stored_as=stored_as,
        glides=glides and consumer == "frame" and not stays,
    )


def trigger_row(name: str, about: str, consumer: Consumer) -> Parameter:
    """Return the row of a trigger."""
    return Parameter(name, "trigger", about, consumer, Firing())


def toggle_row(name: str, about: str, consumer: Consumer, *, smoothing_s: float = 0.0) -> Parameter:
    """Return the row of a toggle, which no preset changes."""
    return Parameter(name, "toggle", about, consumer, False, smoothing_s=smoothing_s, stays=True)


_SHORT_NAMES = {
    "route/expression/weight/attack": "attack",
    "route/expression/weight/release": "release",
    "route/expression/onset/amount": "accent",
    "route/expression/onset/release": "accent_decay",
}


def route_rows() -> list[Parameter]:
    """Return the rows of every route: its amount, attack and release."""
    rows = []
    for channel in CHANNELS:
        for source in SOURCES:
            route = default_route(source, channel)
            for part, about, low, high, default, unit in (
                ("amount", "how much of it", AMOUNT_LOW, AMOUNT_HIGH, route.amount, ""),
                ("attack", "how fast it rises", 0.0, 5.0, route.attack_s, "s"),
                ("release", "how fast it falls", 0.0, 10.0, route.release_s, "s"),
            ):
                name = f"route/{channel}/{source}/{part}"
                text, kept = f"{source} → {channel}: {about}", _SHORT_NAMES.get(name, name)
                rows.append(number_row(name, text, low, high, default, unit=unit, stored_as=kept))
    return rows
