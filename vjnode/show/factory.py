"""Start of a show: the names to choose from, and its looks."""

from vjnode.control.presets import load_stock
from vjnode.control.state import Controls, Stock
from vjnode.faces.catalogue import expression_names, face_names
from vjnode.render.base import Look


def stock() -> Stock:
    """Return every name that can be chosen."""
    return load_stock(face_names(), expression_names())


def looks(controls: Controls, available: Stock) -> tuple[Look, ...]:
    """Return the looks that presets may switch to, the one in use first."""
    presets = [Look(one.face, one.expression) for one in available.presets.values()]
    return tuple(
        dict.fromkeys([Look(controls.choice("face"), controls.choice("expression")), *presets])
    )
