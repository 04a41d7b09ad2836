"""Learning: which control was moved, as a mapping names it."""

from collections.abc import Sequence

from vjnode.control.midi.message import Event, Source
from vjnode.control.parameter import Parameter


def moved(events: Sequence[Event]) -> Source | None:
    """Return the control that the events of a second come from; None for none.

    It is an NRPN if one was selected, one with 14 bits if both halves came, and otherwise what
    came first. A note that only ends was held before, and does not count.
    """
    changes = {event.source.number for event in events if event.source.kind == "cc"}
    sources = [event.source for event in events if event.source.kind != "note" or event.way > 0.0]
    for source in sources:
        if source.kind == "nrpn":
            return source
        if source.kind == "cc14" and {source.number, source.number + 32} <= changes:
            return source
    return next((source for source in sources if source.kind != "cc14"), None)


def control_lines(source: Source, parameter: Parameter, do: str, **more: object) -> str:
    """Return a ``[[control]]`` as TOML.

    do: address after /vjnode/. more: its other keys, left out where None.
    """
    keys: dict[str, object] = {"on": str(source), "channel": source.channel, "do": do, **more}
    if parameter.kind == "float" and source.kind in ("note", "program"):
        keys.setdefault("value", parameter.high)
    written = [f"{key} = {_toml(value)}" for key, value in keys.items() if value is not None]
    return "\n".join(["[[control]]", *written, ""])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)
