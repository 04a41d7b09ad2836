"""What a show begins with: the names to choose from, its looks, and how it hears."""

from typing import TYPE_CHECKING

from vjnode.control.presets import load_stock
from vjnode.control.state import Controls, Stock
from vjnode.faces.catalogue import (
    expression_names,
    face_names,
)
from vjnode.modulation.listener import Listener
from vjnode.render.base import Look

if TYPE_CHECKING:
    pass


def set_up(listener: Listener, controls: Controls) -> None:
    """Hand the controls that belong to hearing to the listener, for a start."""
    listener.set_up(agc=controls.agc, gate_db=controls.gate)
    if controls.bpm:
        listener.clock.set_bpm(controls.bpm, 0.0)


def stock() -> Stock:
    """Return every name that can be chosen."""
    return load_stock(face_names(), expression_names())


def looks(controls: Controls, available: Stock) -> tuple[Look, ...]:
    """Return the looks that presets may switch to, the one in use first."""
    presets = [Look(one.face, one.expression) for one in available.presets.values()]
    return tuple(dict.fromkeys([Look(controls.face, controls.expression), *presets]))
